// SPDX-License-Identifier: MIT
/*
 * The system calls newlib asks for. There are no files: descriptors 0, 1 and 2 are the console,
 * everything else does not exist. There are no processes: the whole kernel is number 1, and a
 * program that ends is a thread that ends.
 */
#include <kernel/library.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <kernel/wall_clock.h>
#include <errno.h>
#include <platform/clock.h>
#include <platform/console.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>
#include <unistd.h>

#define INPUT_POLL_NS (10 * NSEC_PER_MSEC)
#define KERNEL_PID    1
#define SIGNAL_STATUS 128

static void (*_Atomic exit_listener)(int status);

int kill(pid_t pid, int number);

static bool is_console(int descriptor)
{
	return descriptor >= STDIN_FILENO && descriptor <= STDERR_FILENO;
}

static int fail(int error)
{
	errno = error;
	return -1;
}

_READ_WRITE_RETURN_TYPE write(int descriptor, const void *data, size_t size)
{
	if (!is_console(descriptor))
		return fail(EBADF);
	print_text(data, size);
	return (_READ_WRITE_RETURN_TYPE)size;
}

/* One character at a time, echoed, a line's end as newline; 0 where there can be no input. */
_READ_WRITE_RETURN_TYPE read(int descriptor, void *data, size_t size)
{
	int key;
	char character;

	if (!is_console(descriptor))
		return fail(EBADF);
	if (size == 0 || !console_has_input())
		return 0;
	while ((key = console_read()) < 0)
		thread_sleep_ns(INPUT_POLL_NS);
	character = key == '\r' ? '\n' : (char)key;
	print_text(&character, 1);
	*(char *)data = character;
	return 1;
}

int close(int descriptor)
{
	return is_console(descriptor) ? 0 : fail(EBADF);
}

off_t lseek(int descriptor, off_t offset, int whence)
{
	(void)offset, (void)whence;
	return fail(is_console(descriptor) ? ESPIPE : EBADF);
}

int fstat(int descriptor, struct stat *status)
{
	if (!is_console(descriptor))
		return fail(EBADF);
	*status = (struct stat){.st_mode = S_IFCHR | S_IRUSR | S_IWUSR, .st_blksize = 256};
	return 0;
}

int isatty(int descriptor)
{
	return is_console(descriptor) ? 1 : fail(EBADF);
}

pid_t getpid(void)
{
	return KERNEL_PID;
}

/* raise() and abort() end up here: the program ends as if by that signal. */
int kill(pid_t pid, int number)
{
	if (pid != KERNEL_PID)
		return fail(ESRCH);
	_exit(SIGNAL_STATUS + number);
}

int gettimeofday(struct timeval *time, void *zone)
{
	uint64_t ns = wall_clock_ns();

	(void)zone;
	time->tv_sec = (time_t)(ns / NSEC_PER_SEC);
	time->tv_usec = (suseconds_t)(ns % NSEC_PER_SEC / NSEC_PER_USEC);
	return 0;
}

clock_t times(struct tms *spent)
{
	clock_t ticks = (clock_t)(clock_ns() / (NSEC_PER_SEC / CLOCKS_PER_SEC));

	*spent = (struct tms){.tms_utime = ticks};
	return ticks;
}

void library_set_exit(void (*on_exit)(int status))
{
	atomic_store(&exit_listener, on_exit);
}

void _exit(int status)
{
	void (*listener)(int) = atomic_load(&exit_listener);

	if (listener)
		listener(status);
	thread_exit(status);
}
