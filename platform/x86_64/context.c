// SPDX-License-Identifier: MIT
/*
 * Contexts of kernel threads, and back traces along the frame pointers.
 */
#include <platform/context.h>

#include <platform/x86_64/descriptors.h>
#include <platform/x86_64/private.h>
#include <platform/x86_64/trap.h>
#include <kernel/assert.h>
#include <kernel/bits.h>

/* What context_switch.S pops, lowest address first. */
struct switch_frame {
	uint64_t r15, r14, r13, r12, rbx, rbp;
	void (*resume)(void);
	uint64_t padding;
};

void context_begin(void);

void context_init(struct context *context, void *stack, size_t size, void (*entry)(void *),
		  void *arg)
{
	uintptr_t top = align_down((uintptr_t)stack + size, 16);
	struct switch_frame *frame = (struct switch_frame *)(top - sizeof(*frame));

	ASSERT(size >= 2 * sizeof(*frame));
	*frame = (struct switch_frame){
		.r12 = (uint64_t)entry, .rbx = (uint64_t)arg, .resume = context_begin};
	context->stack_pointer = (uint64_t)frame;
}

/* Everything is on the stack, which is its owner's. */
void context_destroy(struct context *context)
{
	context->stack_pointer = 0;
}

void context_set_stack(void *stack, size_t size)
{
	struct private_area *area = private_area();

	area->stack = (uintptr_t)stack;
	area->stack_size = size;
	descriptors_set_kernel_stack((uintptr_t)stack + size);
}

size_t context_backtrace(uintptr_t *addresses, size_t max)
{
	uint64_t frame = (uint64_t)__builtin_frame_address(0);
	size_t count = 0;

	/* Pairs of previous frame pointer and return address; a broken chain ends the trace. */
	while (count < max && frame >= DIRECT_MAP_BASE && is_aligned(frame, 8)) {
		uint64_t address, next;

		if (!probe_read64((void *)(frame + 8), &address) ||
		    !probe_read64((void *)frame, &next) || address == 0)
			break;
		addresses[count++] = address;
		frame = next;
	}
	return count;
}
