// SPDX-License-Identifier: MIT
/*
 * ELF-64 for x86-64, only what a kernel needs: load segments with one distance between virtual
 * and physical addresses. Field offsets: System V ABI, "Object files".
 */
#include <boot/elf_load.h>

#include <kernel/bits.h>
#include <platform/types.h>

#define EHDR_CLASS   4
#define EHDR_DATA    5
#define EHDR_TYPE    16
#define EHDR_MACHINE 18
#define EHDR_ENTRY   24
#define EHDR_PHOFF   32
#define EHDR_PHSIZE  54
#define EHDR_PHNUM   56
#define EHDR_SIZE    64u

#define PHDR_TYPE     0
#define PHDR_FLAGS    4
#define PHDR_OFFSET   8
#define PHDR_VIRTUAL  16
#define PHDR_PHYSICAL 24
#define PHDR_FILESIZE 32
#define PHDR_MEMSIZE  40
#define PHDR_SIZE     56u

#define CLASS_64       2
#define DATA_LITTLE    1
#define TYPE_EXECUTE   2
#define MACHINE_X86_64 62
#define SEGMENT_LOAD   1
#define FLAG_EXECUTE   1u

#define SEGMENTS_MAX 32u
#define SPAN_MAX     GIB(1)

struct segment {
	uint32_t flags;
	uint64_t offset;
	uint64_t virtual;
	uint64_t physical;
	uint64_t file_size;
	uint64_t memory_size;
};

/* The i-th program header; false when it is no load segment. */
static bool segment_read(const uint8_t *file, unsigned i, struct segment *segment)
{
	const uint8_t *header = file + le64_load(file + EHDR_PHOFF) + i * PHDR_SIZE;

	segment->flags = le32_load(header + PHDR_FLAGS);
	segment->offset = le64_load(header + PHDR_OFFSET);
	segment->virtual = le64_load(header + PHDR_VIRTUAL);
	segment->physical = le64_load(header + PHDR_PHYSICAL);
	segment->file_size = le64_load(header + PHDR_FILESIZE);
	segment->memory_size = le64_load(header + PHDR_MEMSIZE);
	return le32_load(header + PHDR_TYPE) == SEGMENT_LOAD && segment->memory_size > 0;
}

static const char *header_check(const uint8_t *file, size_t size)
{
	if (size < EHDR_SIZE || memcmp(file, "\177ELF", 4) != 0)
		return "the kernel is no ELF file";
	if (file[EHDR_CLASS] != CLASS_64 || file[EHDR_DATA] != DATA_LITTLE ||
	    le16_load(file + EHDR_TYPE) != TYPE_EXECUTE ||
	    le16_load(file + EHDR_MACHINE) != MACHINE_X86_64)
		return "the kernel is no executable for x86-64";
	unsigned count = le16_load(file + EHDR_PHNUM);
	uint64_t offset = le64_load(file + EHDR_PHOFF);
	if (le16_load(file + EHDR_PHSIZE) != PHDR_SIZE || count == 0 || count > SEGMENTS_MAX ||
	    offset > size || count * PHDR_SIZE > size - offset)
		return "the kernel's program headers make no sense";
	return NULL;
}

/* Bounds of all segments; `distance` between virtual and physical must be the same in all. */
struct extent {
	uint64_t low;
	uint64_t high;
	uint64_t distance;
	unsigned count;
};

static const char *segment_check(const struct segment *segment, size_t size,
				 struct extent *extent)
{
	uint64_t end;

	if (segment->file_size > segment->memory_size || segment->offset > size ||
	    segment->file_size > size - segment->offset)
		return "a segment of the kernel is cut off";
	if (__builtin_add_overflow(segment->physical, segment->memory_size, &end))
		return "a segment of the kernel leaves the address space";
	if (extent->count++ == 0) {
		extent->distance = segment->virtual - segment->physical;
		extent->low = segment->physical;
	}
	if (segment->virtual - segment->physical != extent->distance)
		return "the kernel's segments lie at different distances";
	extent->low = MIN(extent->low, segment->physical);
	extent->high = MAX(extent->high, end);
	return NULL;
}

static bool entry_inside(const uint8_t *file)
{
	uint64_t entry = le64_load(file + EHDR_ENTRY);
	struct segment segment;

	for (unsigned i = 0; i < le16_load(file + EHDR_PHNUM); i++)
		if (segment_read(file, i, &segment) && (segment.flags & FLAG_EXECUTE) &&
		    entry - segment.virtual < segment.file_size)
			return true;
	return false;
}

const char *elf_plan_make(const void *file, size_t size, struct elf_plan *plan)
{
	const char *problem = header_check(file, size);
	struct extent extent = {.count = 0};
	struct segment segment;

	if (problem)
		return problem;
	for (unsigned i = 0; i < le16_load((const uint8_t *)file + EHDR_PHNUM); i++) {
		if (!segment_read(file, i, &segment))
			continue;
		problem = segment_check(&segment, size, &extent);
		if (problem)
			return problem;
	}
	if (extent.count == 0 || !entry_inside(file))
		return "the kernel's entry point lies in no executable segment";
	plan->low = align_down(extent.low, ELF_LOAD_ALIGN);
	if (extent.high - plan->low > SPAN_MAX)
		return "the kernel is larger than 1 GiB";
	plan->span = align_up(extent.high - plan->low, PAGE_SIZE);
	plan->entry =
		le64_load((const uint8_t *)file + EHDR_ENTRY) - extent.distance - plan->low;
	return NULL;
}

void elf_copy(const void *file, const struct elf_plan *plan, void *memory)
{
	struct segment segment;

	memset(memory, 0, plan->span);
	for (unsigned i = 0; i < le16_load((const uint8_t *)file + EHDR_PHNUM); i++)
		if (segment_read(file, i, &segment))
			memcpy((uint8_t *)memory + (segment.physical - plan->low),
			       (const uint8_t *)file + segment.offset, segment.file_size);
}
