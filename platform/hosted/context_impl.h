// SPDX-License-Identifier: MIT
/*
 * The saved state of a hosted kernel thread.
 */
#ifndef PLATFORM_HOSTED_CONTEXT_IMPL_H
#define PLATFORM_HOSTED_CONTEXT_IMPL_H

#include <ucontext.h>

struct context {
	ucontext_t saved;
};

#endif
