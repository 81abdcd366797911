// SPDX-License-Identifier: MIT
/*
 * newlib's heap is ours: every object is one of kmem's, so that what is freed goes back to
 * slabs and folios, and from there to the host. In front of each object stands where its memory
 * begins and how much the caller may use. No lock: there is no state between objects. Where
 * memory is short a thread sleeps until some was taken back (kernel/kmem.h).
 */
#include <kernel/bits.h>
#include <kernel/kmem.h>
#include <errno.h>
#include <malloc.h>
#include <reent.h>
#include <string.h>

struct heap_header {
	void *memory; /* what kmem gave */
	size_t size;  /* usable bytes behind the header */
};

#define HEADER_SIZE sizeof(struct heap_header)
#define HEAP_ALIGN  16u

_Static_assert(sizeof(struct heap_header) == HEAP_ALIGN, "objects stay aligned");

static struct heap_header *header_of(void *object)
{
	return (struct heap_header *)object - 1;
}

/* Zeroed. alignment is a power of two. */
static void *heap_alloc(struct _reent *reent, size_t alignment, size_t size)
{
	size_t extra = HEADER_SIZE + (alignment > HEAP_ALIGN ? alignment : 0);
	uint8_t *memory = size <= SIZE_MAX - extra ? kmem_alloc(size + extra) : NULL;
	uint8_t *object;

	if (!memory) {
		reent->_errno = ENOMEM;
		return NULL;
	}
	object = (uint8_t *)align_up((uintptr_t)memory + HEADER_SIZE,
				     MAX(alignment, (size_t)HEAP_ALIGN));
	*header_of(object) = (struct heap_header){memory, size};
	return object;
}

void *_malloc_r(struct _reent *reent, size_t size)
{
	return heap_alloc(reent, HEAP_ALIGN, size);
}

void *_calloc_r(struct _reent *reent, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		reent->_errno = ENOMEM;
		return NULL;
	}
	return heap_alloc(reent, HEAP_ALIGN, bytes);
}

void _free_r(struct _reent *reent, void *object)
{
	(void)reent;
	if (object)
		kmem_free(header_of(object)->memory);
}

void *_realloc_r(struct _reent *reent, void *object, size_t size)
{
	void *larger;

	if (object && size <= header_of(object)->size && size >= header_of(object)->size / 2)
		return object;
	larger = heap_alloc(reent, HEAP_ALIGN, size);
	if (larger && object) {
		memcpy(larger, object, MIN(size, header_of(object)->size));
		_free_r(reent, object);
	}
	return larger;
}

void *_memalign_r(struct _reent *reent, size_t alignment, size_t size)
{
	if (!is_power_of_two(alignment)) {
		reent->_errno = EINVAL;
		return NULL;
	}
	return heap_alloc(reent, alignment, size);
}

size_t _malloc_usable_size_r(struct _reent *reent, void *object)
{
	(void)reent;
	return object ? header_of(object)->size : 0;
}
