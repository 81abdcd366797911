// SPDX-License-Identifier: MIT
/*
 * The end of the world: one CPU says where and why, the others stop, and the verdict is a
 * failure. Whatever lock is held is passed through; a panic inside the panic says one line
 * more.
 */
#include <kernel/panic.h>
#include <kernel/assert.h>
#include <kernel/banner.h>
#include <kernel/format.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/symbols.h>
#include <kernel/thread.h>
#include <platform/context.h>
#include <platform/cpu.h>
#include <platform/exit.h>
#include <platform/irq.h>
#include <stdarg.h>
#include <stdatomic.h>

#define BACKTRACE_MAX 24

static void (*_Atomic hook)(const char *message);
static _Atomic unsigned panicking_cpu; /* + 1; 0 none */

bool panic_in_progress(void)
{
	return atomic_load_explicit(&panicking_cpu, memory_order_relaxed) != 0;
}

void panic_set_hook(void (*new_hook)(const char *message))
{
	atomic_store(&hook, new_hook);
}

void backtrace_print(const uintptr_t *addresses, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uintptr_t offset = 0;
		const char *name = symbol_find(addresses[i], &offset);

		log_error("  #%zu %#lx %s+%#lx", i, (unsigned long)addresses[i],
			  name ? name : "?", (unsigned long)offset);
	}
}

/* Only the first CPU goes on; one that panics again while it panics leaves at once. */
static void claim_panic(const char *message)
{
	unsigned self = cpu_current() + 1;
	unsigned nobody = 0;

	if (atomic_compare_exchange_strong(&panicking_cpu, &nobody, self))
		return;
	if (nobody != self)
		cpu_halt_forever();
	log_error("panic: again, while panicking: %s", message);
	platform_exit(false);
}

static NORETURN void die(const char *file, int line, const char *message)
{
	uintptr_t addresses[BACKTRACE_MAX];
	const struct thread *thread = context_thread();

	irq_disable();
	claim_panic(message);
	log_break_for_panic();
	locks_break_for_panic();
	irq_send_nmi_others();
	log_error("panic: %s:%d: %s", file, line, message);
	log_error("panic: cpu %u, thread \"%s\", quire %s", cpu_current(),
		  thread ? thread_name(thread) : "(none yet)", quire_version);
	backtrace_print(addresses, context_backtrace(addresses, BACKTRACE_MAX));
	platform_exit(false);
}

void panic_at(const char *file, int line, const char *pattern, ...)
{
	void (*taken_over)(const char *) = atomic_load(&hook);
	char message[LOG_LINE_MAX];
	va_list args;

	va_start(args, pattern);
	format_va(message, sizeof(message), pattern, args);
	va_end(args);
	if (taken_over)
		taken_over(message);
	die(file, line, message);
}
