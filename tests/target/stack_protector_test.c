// SPDX-License-Identifier: MIT
/* Debug kernels find a function that writes past its frame when it returns. */
#include <tests/test.h>

#ifdef QUIRE_TEST_HOOKS
#define FRAME 16

static __attribute__((noinline)) void write_behind(unsigned bytes)
{
	unsigned char array[FRAME] __attribute__((aligned(8)));
	unsigned char *volatile start = array;

	for (unsigned i = 0; i < bytes; i++)
		start[i] = 0xa5;
}

TEST_PANICS(stack_protector, overrun_is_found_at_the_return, "stack protector")
{
	write_behind(FRAME);
	write_behind(FRAME + sizeof(uintptr_t));
}
#endif
