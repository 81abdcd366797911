// SPDX-License-Identifier: MIT
/*
 * What newlib stands on: its heap in kmem, a state per thread, locks that nest.
 */
#include <kernel/bits.h>
#include <kernel/completion.h>
#include <kernel/fault.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/lock.h>
#include <sys/stat.h>
#include <tests/kernel/threads.h>
#include <unistd.h>

TEST(newlib, heap_objects_are_aligned_and_keep_their_bytes)
{
	uint8_t *object = malloc(100);

	REQUIRE(object != NULL);
	CHECK(is_aligned((uintptr_t)object, 16));
	memset(object, 0x5a, 100);
	object = realloc(object, 5000);
	REQUIRE(object != NULL);
	for (unsigned i = 0; i < 100; i++)
		CHECK_EQ(object[i], 0x5a);
	object = realloc(object, 10);
	REQUIRE(object != NULL);
	CHECK_EQ(object[9], 0x5a);
	free(object);
	free(NULL);
}

TEST(newlib, calloc_is_zeroed_and_refuses_overflow)
{
	uint64_t *words = calloc(64, sizeof(*words));
	size_t huge = SIZE_MAX / 2;

	REQUIRE(words != NULL);
	for (unsigned i = 0; i < 64; i++)
		CHECK_EQ(words[i], 0);
	free(words);
	errno = 0;
	__asm__("" : "+r"(huge)); /* the compiler knows too much about calloc */
	CHECK(calloc(huge, 3) == NULL);
	CHECK_EQ(errno, ENOMEM);
}

TEST(newlib, alignment_asked_for_is_given)
{
	for (size_t alignment = 16; alignment <= 4096; alignment *= 2) {
		void *object = memalign(alignment, 40);

		REQUIRE(object != NULL);
		CHECK(is_aligned((uintptr_t)object, alignment));
		free(object);
	}
	CHECK(memalign(24, 40) == NULL);
}

static int own_errno(void *arg)
{
	struct completion *pair = arg;

	errno = 7;
	completion_signal(&pair[0]);
	completion_wait(&pair[1]);
	return errno;
}

TEST(newlib, each_thread_has_its_errno)
{
	struct completion pair[2] = {COMPLETION_INIT(pair[0]), COMPLETION_INIT(pair[1])};
	struct thread *thread = test_thread(own_errno, pair, THREAD_ANY_CPU);

	completion_wait(&pair[0]);
	errno = 12;
	completion_signal(&pair[1]);
	CHECK_EQ(thread_join(thread), 7);
	CHECK_EQ(errno, 12);
}

static int write_a_line(void *arg)
{
	(void)arg;
	return puts("# a line from a thread's own stdout") < 0;
}

/* The leak check after the test counts the pages that buffers and locks would have kept. */
TEST(newlib, stdio_of_a_thread_ends_with_it)
{
	for (unsigned i = 0; i < 40; i++)
		CHECK_EQ(thread_join(test_thread(write_a_line, NULL, THREAD_ANY_CPU)), 0);
}

TEST(newlib, locks_nest_and_exclude)
{
	_LOCK_T lock;

	__retarget_lock_init_recursive(&lock);
	__retarget_lock_acquire_recursive(lock);
	CHECK_EQ(__retarget_lock_try_acquire_recursive(lock), 1);
	__retarget_lock_release_recursive(lock);
	__retarget_lock_release_recursive(lock);
	__retarget_lock_acquire_recursive(lock);
	__retarget_lock_release_recursive(lock);
	__retarget_lock_close_recursive(lock);
}

TEST(newlib, descriptors_other_than_the_console_do_not_exist)
{
	struct stat status;

	CHECK_EQ(write(3, "x", 1), -1);
	CHECK_EQ(errno, EBADF);
	CHECK_EQ(fstat(1, &status), 0);
	CHECK(S_ISCHR(status.st_mode));
	CHECK_EQ(isatty(2), 1);
	CHECK_EQ(lseek(1, 0, SEEK_SET), -1);
	CHECK_EQ(errno, ESPIPE);
}

static int frame_offset(void *arg)
{
	(void)arg;
	return (int)((uintptr_t)__builtin_frame_address(0) % _Alignof(max_align_t));
}

/* A program's vector instructions fault on a stack that is not aligned. */
TEST(newlib, thread_begins_on_an_aligned_stack)
{
	CHECK_EQ(thread_join(test_thread(frame_offset, NULL, THREAD_ANY_CPU)), 0);
}
