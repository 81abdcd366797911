# SPDX-License-Identifier: MIT
sources += kernel/banner.c kernel/symbols.c kernel/format.c kernel/log.c kernel/panic.c
sources-target += kernel/main.c kernel/ubsan.c kernel/stack_protector.c
