// SPDX-License-Identifier: MIT
/*
 * kernel/format.c over newlib: the printf family without floating point.
 */
#ifndef FORMAT_IMPL_H
#define FORMAT_IMPL_H

#define format_library_vsnprintf vsniprintf

#endif
