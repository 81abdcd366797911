// SPDX-License-Identifier: MIT
/*
 * The one file that knows the version, so that a commit recompiles nothing else.
 */
#include <kernel/banner.h>
#include <kernel/version.h>

const char quire_version[] = QUIRE_VERSION;
