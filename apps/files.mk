# SPDX-License-Identifier: MIT
# The program itself is named by APP=; its sources are all of apps/$(APP)/*.c.
sources-target += $(if $(APP),apps/app.c)
