# SPDX-License-Identifier: MIT
sources +=
