// SPDX-License-Identifier: MIT
/*
 * Contexts of kernel threads, and back traces along the back chain.
 */
#include <platform/context.h>

#include <platform/s390x/trap.h>
#include <kernel/assert.h>
#include <kernel/bits.h>

/* What context_switch.S loads, as a function's frame: the caller's part first. */
struct switch_frame {
	uint64_t chain;
	uint64_t unused[5];
	uint64_t r6_to_r15[10];
	uint64_t rest[4];
};

_Static_assert(sizeof(struct switch_frame) == FRAME_SIZE, "a frame of the ABI");

void context_begin(void);

void context_init(struct context *context, void *stack, size_t size, void (*entry)(void *),
		  void *arg)
{
	uintptr_t top = align_down((uintptr_t)stack + size, 8) - FRAME_SIZE;
	struct switch_frame *frame = (struct switch_frame *)(top - sizeof(*frame));

	ASSERT(size >= 4 * sizeof(*frame));
	/* The topmost frame has no caller: there back traces end. */
	*(struct switch_frame *)top = (struct switch_frame){0};
	*frame = (struct switch_frame){.chain = top};
	frame->r6_to_r15[6 - 6] = (uint64_t)entry;
	frame->r6_to_r15[7 - 6] = (uint64_t)arg;
	frame->r6_to_r15[14 - 6] = (uint64_t)context_begin;
	frame->r6_to_r15[15 - 6] = top;
	context->stack_pointer = (uint64_t)frame;
}

/* Everything is on the stack, which is its owner's. */
void context_destroy(struct context *context)
{
	context->stack_pointer = 0;
}

void context_set_stack(void *stack, size_t size)
{
	struct lowcore *area = lowcore();

	area->stack = (uintptr_t)stack;
	area->stack_end = (uintptr_t)stack + size;
}

/* A function keeps its return address in its caller's frame; a broken chain ends the trace. */
static ALWAYS_INLINE size_t chain_walk(uint64_t frame, uintptr_t *addresses, size_t max)
{
	size_t count = 0;

	while (count < max && is_aligned(frame, 8)) {
		uint64_t address;

		if (!probe_read64((void *)(frame + FRAME_CHAIN), &frame) ||
		    frame < LOWCORE_SIZE ||
		    !probe_read64((void *)(frame + FRAME_RETURN_ADDRESS), &address) ||
		    address == 0)
			break;
		addresses[count++] = address;
	}
	return count;
}

size_t backtrace_from(uint64_t frame, uintptr_t *addresses, size_t max)
{
	return chain_walk(frame, addresses, max);
}

/* Inline, so that the stack pointer is that of a frame of this function. */
size_t context_backtrace(uintptr_t *addresses, size_t max)
{
	uint64_t frame;

	__asm__ volatile("lgr %0,%%r15" : "=d"(frame));
	return chain_walk(frame, addresses, max);
}
