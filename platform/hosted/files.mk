# SPDX-License-Identifier: MIT
sources-hosted += platform/hosted/main.c platform/hosted/clock.c platform/hosted/console.c platform/hosted/memory.c
