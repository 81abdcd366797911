// SPDX-License-Identifier: MIT
/*
 * Fibers: ucontext plus what the sanitizers must be told. A fiber runs on a stack of the host,
 * larger than a kernel stack, because instrumented frames and the host's C library need more;
 * the kernel's stack of the thread is kept as it is. Switching goes through getcontext() and
 * setcontext(), not swapcontext(), which address sanitizer replaces by one that forgets what it
 * knew about the stack.
 */
#include <platform/context.h>
#include <platform/hosted/hosted.h>
#include <kernel/attributes.h>
#include <kernel/assert.h>
#include <execinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define FIBER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FIBER_TSAN 1
#endif
#endif

#ifdef FIBER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#define FIBER_STACK_SIZE KIB(256)
#define FIBER_GUARD_SIZE KIB(16)

struct fiber {
	ucontext_t saved;
	volatile bool resumed;
	void (*entry)(void *);
	void *arg;
	void *mapping;      /* NULL: a stack the host made */
	const void *bottom; /* as address sanitizer sees the stack */
	size_t size;
	void *fake_stack;
	void *tsan;
	struct fiber *next; /* all fibers: leak sanitizer finds them from here */
};

static pthread_mutex_t fibers_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct fiber *fibers;

struct thread *hosted_thread(void)
{
	return hosted_cpu_self()->thread;
}

void hosted_set_thread(struct thread *thread)
{
	hosted_cpu_self()->thread = thread;
}

static struct fiber *fiber_new(void)
{
	struct fiber *fiber = calloc(1, sizeof(*fiber));

	if (!fiber)
		panic("hosted: the host has no memory for a fiber");
	pthread_mutex_lock(&fibers_mutex);
	fiber->next = fibers;
	fibers = fiber;
	pthread_mutex_unlock(&fibers_mutex);
	return fiber;
}

/* Tell the sanitizers; the switch itself must follow at once. */
static void announce_switch(struct fiber *from, struct fiber *to)
{
#ifdef FIBER_ASAN
	__sanitizer_start_switch_fiber(&from->fake_stack, to->bottom, to->size);
#endif
#ifdef FIBER_TSAN
	__tsan_switch_to_fiber(to->tsan, 0);
#endif
	(void)from, (void)to;
}

/* First thing on the stack switched to: where we came from is known only now. */
static void finish_switch(struct fiber *fiber)
{
#ifdef FIBER_ASAN
	struct fiber *from = hosted_cpu_self()->outgoing;

	__sanitizer_finish_switch_fiber(fiber->fake_stack, &from->bottom, &from->size);
#endif
	(void)fiber;
}

static void fiber_start(void)
{
	struct fiber *fiber = hosted_cpu_self()->incoming;

	finish_switch(fiber);
	fiber->entry(fiber->arg);
	abort();
}

void context_init(struct context *context, void *stack, size_t size, void (*entry)(void *),
		  void *arg)
{
	struct fiber *fiber = fiber_new();
	void *mapping = mmap(NULL, FIBER_STACK_SIZE + FIBER_GUARD_SIZE, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)stack, (void)size;
	if (mapping == MAP_FAILED || mprotect((char *)mapping + FIBER_GUARD_SIZE,
					      FIBER_STACK_SIZE, PROT_READ | PROT_WRITE) != 0)
		panic("hosted: the host has no memory for a fiber's stack");
	fiber->mapping = mapping;
	fiber->bottom = (char *)mapping + FIBER_GUARD_SIZE;
	fiber->size = FIBER_STACK_SIZE;
	fiber->entry = entry;
	fiber->arg = arg;
#ifdef FIBER_ASAN
	__asan_unpoison_memory_region(fiber->bottom, fiber->size);
#endif
#ifdef FIBER_TSAN
	fiber->tsan = __tsan_create_fiber(0);
#endif
	getcontext(&fiber->saved);
	fiber->saved.uc_stack.ss_sp = (void *)fiber->bottom;
	fiber->saved.uc_stack.ss_size = fiber->size;
	fiber->saved.uc_link = NULL;
	makecontext(&fiber->saved, fiber_start, 0);
	context->fiber = fiber;
}

void context_destroy(struct context *context)
{
	struct fiber *fiber = context->fiber;

	pthread_mutex_lock(&fibers_mutex);
	for (struct fiber **link = &fibers; *link; link = &(*link)->next) {
		if (*link == fiber) {
			*link = fiber->next;
			break;
		}
	}
	pthread_mutex_unlock(&fibers_mutex);
#ifdef FIBER_TSAN
	__tsan_destroy_fiber(fiber->tsan);
#endif
	munmap(fiber->mapping, FIBER_STACK_SIZE + FIBER_GUARD_SIZE);
	free(fiber);
}

/* The flow that runs already, on a stack the host made. Not inlined: its local would live
 * across getcontext(). */
static NOINLINE struct fiber *fiber_adopt(void)
{
	struct fiber *fiber = fiber_new();

#ifdef FIBER_TSAN
	fiber->tsan = __tsan_get_current_fiber();
#endif
	return fiber;
}

void context_switch(struct context *from, struct context *to)
{
	struct fiber *fiber;

	if (!from->fiber)
		from->fiber = fiber_adopt();
	fiber = from->fiber;
	fiber->resumed = false;
	getcontext(&fiber->saved);
	if (!fiber->resumed) {
		struct hosted_cpu *cpu = hosted_cpu_self();

		fiber->resumed = true;
		cpu->outgoing = fiber;
		cpu->incoming = to->fiber;
		announce_switch(fiber, to->fiber);
		setcontext(&to->fiber->saved);
	}
	finish_switch(fiber);
}

void context_set_stack(void *stack, size_t size)
{
	(void)stack, (void)size; /* there is no user mode to enter from */
}

/* The host's compiler uses vector registers everywhere; ucontext keeps the control words, and
 * calls save the rest. What is left to keep is nothing: one byte, so that it is an object. */
size_t fpu_area_size(void)
{
	return 1;
}

void fpu_area_init(void *area)
{
	*(char *)area = 0;
}

void fpu_save(void *area)
{
	(void)area;
}

void fpu_restore(const void *area)
{
	(void)area;
}

size_t context_backtrace(uintptr_t *addresses, size_t max)
{
	void *frames[64];
	int count = backtrace(frames, (int)(max < 64 ? max : 64));

	for (int i = 0; i < count; i++)
		addresses[i] = (uintptr_t)frames[i];
	return count < 0 ? 0 : (size_t)count;
}
