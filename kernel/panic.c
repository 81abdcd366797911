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
static const char *(*_Atomic check)(void);
static _Atomic unsigned panicking_cpu; /* + 1; 0 none */

bool panic_in_progress(void)
{
	return atomic_load_explicit(&panicking_cpu, memory_order_relaxed) != 0;
}

void panic_set_hook(void (*new_hook)(const char *message))
{
	atomic_store(&hook, new_hook);
}

void panic_set_check(const char *(*new_check)(void))
{
	atomic_store(&check, new_check);
}

/* May fault where memory is that bad: claim_panic() ends that. */
static void run_check(void)
{
	const char *(*function)(void) = atomic_load(&check);
	const char *wrong = function ? function() : NULL;

	if (function)
		log_error("panic: memory check: %s", wrong ? wrong : "nothing wrong");
}

void backtrace_print(const uintptr_t *addresses, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uintptr_t offset = 0;
		/* A return address lies behind its call, perhaps in the next function. */
		const char *name = symbol_find(addresses[i] - 1, &offset);

		log_error("  #%zu %#lx %s+%#lx", i, (unsigned long)addresses[i],
			  name ? name : "?", name ? (unsigned long)offset + 1 : 0);
	}
}

/*
 * Only the first CPU goes on. When it panics again while it panics it says one line more and
 * leaves; the third time, because even that line failed, it leaves without a word.
 */
static void claim_panic(const char *message)
{
	static unsigned depth; /* of the claiming CPU only */
	unsigned self = cpu_current() + 1;
	unsigned nobody = 0;

	if (!atomic_compare_exchange_strong(&panicking_cpu, &nobody, self) && nobody != self)
		cpu_halt_forever();
	depth++;
	if (depth == 2)
		log_error("panic: again, while panicking: %s", message);
	if (depth > 1)
		platform_exit(false);
}

static NORETURN void die(const char *file, int line, const char *message)
{
	uintptr_t addresses[BACKTRACE_MAX];
	char build[QUIRE_BUILD_ID_MAX];
	const struct thread *thread = context_thread();

	irq_disable();
	claim_panic(message);
	log_break_for_panic();
	locks_break_for_panic();
	irq_send_nmi_others();
	log_error("panic: %s:%d: %s", file, line, message);
	log_error("panic: cpu %u, thread \"%s\", quire %s, build %s", cpu_current(),
		  thread ? thread_name(thread) : "(none yet)", quire_version,
		  quire_build_id(build, sizeof(build)));
	if (kernel_tainted())
		log_error("panic: the kernel was tainted before: %s", kernel_tainted());
	backtrace_print(addresses, context_backtrace(addresses, BACKTRACE_MAX));
	run_check();
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
	if (taken_over && !panic_in_progress())
		taken_over(message);
	die(file, line, message);
}
