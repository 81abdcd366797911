// SPDX-License-Identifier: MIT
/*
 * kernel/format.c over the host's C library.
 */
#ifndef FORMAT_IMPL_H
#define FORMAT_IMPL_H

#define format_library_vsnprintf vsnprintf

#endif
