// SPDX-License-Identifier: MIT
/*
 * The list of PCI functions and accesses to them. An access that the machine refuses gives all
 * ones; a handle that is no longer valid ends its function, with a message once.
 */
#include <platform/s390x/zpci.h>

#include <platform/clock.h>
#include <platform/s390x/layout.h>
#include <kernel/bits.h>
#include <kernel/kmem.h>
#include <kernel/log.h>
#include <errno.h>

#define HANDLE_ENABLED 0x80000000u
#define SPACE_CONFIG   15u

#define CODE_DONE           0u
#define CODE_ERROR          1u
#define CODE_BUSY           2u
#define CODE_INVALID        3u
/* Status code with CODE_ERROR: try again. All others stay as they are. */
#define STATUS_NO_RESOURCES 16u

/* Function information block, operation "register interrupts". */
#define MODIFY_REGISTER_INTERRUPTS 2u
#define FIB_SIZE                   128u
#define FIB_INTERRUPTS             40
#define FIB_VECTORS                48
#define FIB_SUMMARY                56
#define FIB_SUBCLASS_SHIFT         28
#define FIB_COUNT_SHIFT            16
#define FIB_WITH_SUMMARY           0x80u

/* Segments for functions whose UID is not unique, or 0. */
#define SEGMENT_OWN 0x10000u

/* An address of zpci_map(): function, BAR, offset. */
#define ADDRESS_BAR_SHIFT      27
#define ADDRESS_FUNCTION_SHIFT 30

static uint64_t all_ones(unsigned width)
{
	return UINT64_MAX >> (64 - width * 8);
}

/* Registers hold little-endian content as if it were big-endian. */
static uint64_t swap(uint64_t value, unsigned width)
{
	return __builtin_bswap64(value) >> (64 - width * 8);
}

/* ---- one access ---- */

/* True when it is worth another try. */
static bool judge(struct zpci_function *function, unsigned code, uint64_t request, int *error)
{
	unsigned status = request >> 24 & 0xff;

	*error = code == CODE_DONE ? 0 : -EIO;
	if (code == CODE_INVALID && !function->gone) {
		function->gone = true;
		log_error("zpci: function %#x (UID %#x): its handle is not valid any more: "
			  "gone, it reads as all ones",
			  function->id, function->uid);
	}
	return code == CODE_BUSY || (code == CODE_ERROR && status == STATUS_NO_RESOURCES);
}

static int load(struct zpci *zpci, struct zpci_function *function, unsigned space,
		uint64_t offset, unsigned width, uint64_t *value)
{
	int error = -EIO;

	*value = all_ones(width);
	for (unsigned tries = 0; tries < ZPCI_TRIES && !function->gone; tries++) {
		uint64_t request = (uint64_t)function->handle << 32 | space << 16 | width;
		uint64_t data = 0;
		unsigned code = zpci->operations->load(&data, &request, offset);

		if (!judge(function, code, request, &error)) {
			if (!error)
				*value = swap(data, width);
			return error;
		}
		clock_delay_ns(NSEC_PER_USEC);
	}
	return error;
}

static int store(struct zpci *zpci, struct zpci_function *function, unsigned space,
		 uint64_t offset, unsigned width, uint64_t value)
{
	int error = -EIO;

	for (unsigned tries = 0; tries < ZPCI_TRIES && !function->gone; tries++) {
		uint64_t request = (uint64_t)function->handle << 32 | space << 16 | width;
		unsigned code = zpci->operations->store(swap(value, width), &request, offset);

		if (!judge(function, code, request, &error))
			return error;
		clock_delay_ns(NSEC_PER_USEC);
	}
	return error;
}

/* ---- the list ---- */

static uint64_t key(uint32_t segment, unsigned bdf)
{
	return (uint64_t)segment << 16 | bdf;
}

/* Index of the first function at or above; zpci->count when there is none. */
static unsigned lower_bound(const struct zpci *zpci, uint64_t wanted)
{
	unsigned low = 0, high = zpci->count;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		const struct zpci_function *f = &zpci->functions[middle];

		if (key(f->segment, f->devfn) < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct zpci_function *find(const struct zpci *zpci, uint32_t segment, unsigned bdf)
{
	unsigned index = lower_bound(zpci, key(segment, bdf));
	struct zpci_function *f = &zpci->functions[index];

	return index < zpci->count && key(f->segment, f->devfn) == key(segment, bdf) ? f : NULL;
}

static bool place_is_taken(const struct zpci *zpci, unsigned count, uint32_t segment,
			   unsigned devfn)
{
	for (unsigned i = 0; i < count; i++) {
		if (zpci->functions[i].segment == segment && zpci->functions[i].devfn == devfn)
			return true;
	}
	return false;
}

/* Sorted into place among those before it. */
static void settle(struct zpci *zpci, unsigned index)
{
	struct zpci_function f = zpci->functions[index];

	while (index > 0 && key(zpci->functions[index - 1].segment,
				zpci->functions[index - 1].devfn) > key(f.segment, f.devfn)) {
		zpci->functions[index] = zpci->functions[index - 1];
		index--;
	}
	zpci->functions[index] = f;
}

/* ---- bringing a function up ---- */

static void use_group(struct zpci *zpci, void *block, const struct zpci_function *function)
{
	struct zpci_group group;

	if (zpci_call_group(zpci, block, function->group, &group))
		return;
	if (zpci->message_address && zpci->message_address != group.message_address) {
		log_warn("zpci: group %#x wants its messages elsewhere: no interrupts from it",
			 function->group);
		return;
	}
	zpci->message_address = group.message_address;
	zpci->message_limit = MIN(zpci->message_limit, group.messages);
}

static void let_interrupt(struct zpci *zpci, struct zpci_function *function)
{
	uint8_t fib[FIB_SIZE] __attribute__((aligned(8))) = {0};
	int error = -EIO;

	be32_store(fib + FIB_INTERRUPTS, (uint32_t)zpci->subclass << FIB_SUBCLASS_SHIFT |
						 zpci->message_limit << FIB_COUNT_SHIFT |
						 FIB_WITH_SUMMARY);
	be64_store(fib + FIB_VECTORS, zpci->vectors);
	be64_store(fib + FIB_SUMMARY, zpci->summary);
	for (unsigned tries = 0; tries < ZPCI_TRIES && !function->gone; tries++) {
		uint64_t request =
			(uint64_t)function->handle << 32 | MODIFY_REGISTER_INTERRUPTS;
		unsigned code = zpci->operations->modify(&request, fib);

		if (!judge(function, code, request, &error))
			break;
		clock_delay_ns(NSEC_PER_USEC);
	}
	if (error && !function->gone)
		log_warn("zpci: function %#x (UID %#x) takes no place for its interrupts",
			 function->id, function->uid);
}

/* An enabled function was somebody's before us: disabling resets it. */
static int enable(struct zpci *zpci, void *block, struct zpci_function *function)
{
	struct zpci_query query;
	int error = 0;

	if (function->handle & HANDLE_ENABLED)
		error = zpci_call_set(zpci, block, false, &function->handle);
	if (!error)
		error = zpci_call_set(zpci, block, true, &function->handle);
	if (!error)
		error = zpci_call_query(zpci, block, function->handle, &query);
	if (!error && query.id != function->id)
		error = -EIO;
	return error;
}

static void bring_up(struct zpci *zpci, void *block, unsigned index, unsigned *own)
{
	struct zpci_function *function = &zpci->functions[index];
	struct zpci_query query = {0};
	int error = zpci_call_query(zpci, block, function->handle, &query);

	function->uid = query.uid;
	function->devfn = query.devfn;
	function->group = query.group;
	function->segment = query.uid;
	if (error || !zpci->unique_ids || query.uid == 0 ||
	    place_is_taken(zpci, index, query.uid, query.devfn))
		function->segment = SEGMENT_OWN + (*own)++;
	if (!error)
		error = enable(zpci, block, function);
	if (error) {
		function->gone = true;
		log_error("zpci: function %#x (UID %#x) cannot be enabled: it reads as all "
			  "ones",
			  function->id, function->uid);
		return;
	}
	use_group(zpci, block, function);
}

unsigned zpci_find(struct zpci *zpci)
{
	void *block = kmem_alloc(ZPCI_BLOCK_SIZE);
	unsigned own = 0;

	zpci->message_address = 0;
	zpci->message_limit = zpci->nr_vectors;
	zpci->functions = NULL;
	zpci->count = 0;
	if (!block) {
		log_error("zpci: no memory to ask for functions");
		return 0;
	}
	zpci_call_list(zpci, block);
	for (unsigned i = 0; i < zpci->count; i++) {
		bring_up(zpci, block, i, &own);
		settle(zpci, i);
	}
	for (unsigned i = 0; i < zpci->count && zpci->message_limit > 0; i++) {
		if (!zpci->functions[i].gone)
			let_interrupt(zpci, &zpci->functions[i]);
	}
	kmem_free(block);
	return zpci->count;
}

void zpci_forget(struct zpci *zpci)
{
	kmem_free(zpci->functions);
	zpci->functions = NULL;
	zpci->count = 0;
}

/* ---- what pci/ asks ---- */

bool zpci_next(const struct zpci *zpci, uint32_t *segment, unsigned *bdf)
{
	unsigned index = lower_bound(zpci, key(*segment, *bdf));

	if (index == zpci->count)
		return false;
	*segment = zpci->functions[index].segment;
	*bdf = zpci->functions[index].devfn;
	return true;
}

int zpci_config_read(struct zpci *zpci, uint32_t segment, unsigned bdf, unsigned offset,
		     unsigned width, uint32_t *value)
{
	struct zpci_function *function = find(zpci, segment, bdf);
	uint64_t wide = all_ones(width);
	int error =
		function ? load(zpci, function, SPACE_CONFIG, offset, width, &wide) : -ENODEV;

	*value = (uint32_t)wide;
	return error;
}

int zpci_config_write(struct zpci *zpci, uint32_t segment, unsigned bdf, unsigned offset,
		      unsigned width, uint32_t value)
{
	struct zpci_function *function = find(zpci, segment, bdf);

	return function ? store(zpci, function, SPACE_CONFIG, offset, width, value) : -ENODEV;
}

volatile void *zpci_map(const struct zpci *zpci, uint32_t segment, unsigned bdf, unsigned bar,
			uint64_t offset, uint64_t length)
{
	struct zpci_function *function = find(zpci, segment, bdf);
	uint64_t limit = UINT64_C(1) << ADDRESS_BAR_SHIFT;

	if (!function || bar >= ZPCI_BARS || offset > limit || length > limit - offset)
		return NULL;
	return (volatile void *)(MMIO_BASE +
				 ((uint64_t)(function - zpci->functions)
				  << ADDRESS_FUNCTION_SHIFT) +
				 ((uint64_t)bar << ADDRESS_BAR_SHIFT) + offset);
}

/* The function behind an address of zpci_map(), and the address's other parts. */
static struct zpci_function *function_at(struct zpci *zpci, const volatile void *address,
					 unsigned *bar, uint64_t *offset)
{
	uint64_t place = (uint64_t)(uintptr_t)address - MMIO_BASE;

	*offset = place & ((UINT64_C(1) << ADDRESS_BAR_SHIFT) - 1);
	*bar = place >> ADDRESS_BAR_SHIFT & 7;
	return &zpci->functions[place >> ADDRESS_FUNCTION_SHIFT];
}

uint64_t zpci_load(struct zpci *zpci, const volatile void *address, unsigned width)
{
	uint64_t offset, value;
	unsigned bar;
	struct zpci_function *function = function_at(zpci, address, &bar, &offset);

	(void)!load(zpci, function, bar, offset, width, &value); /* all ones on error */
	return value;
}

/* A store that fails is lost, as one to a device that is gone. */
void zpci_store(struct zpci *zpci, volatile void *address, unsigned width, uint64_t value)
{
	uint64_t offset;
	unsigned bar;
	struct zpci_function *function = function_at(zpci, address, &bar, &offset);

	(void)!store(zpci, function, bar, offset, width, value);
}
