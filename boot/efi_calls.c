// SPDX-License-Identifier: MIT
/*
 * What kernel sources call, on top of boot services. Memory is identity mapped: firmware's page
 * tables are asked before a device register is believed to be reachable, as only RAM must be.
 */
#include <boot/efi_calls.h>

#include <boot/text.h>
#include <kernel/acpi.h>
#include <kernel/assert.h>
#include <kernel/bits.h>
#include <kernel/format.h>
#include <kernel/kmem.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <pci/hardware.h>
#include <platform/clock.h>
#include <platform/mmu.h>

#define FIRST_CAPACITY  65536u
#define NS_PER_US       1000u
#define ENTRY_PRESENT   BIT64(0)
#define ENTRY_LARGE     BIT64(7)
#define ENTRY_ADDRESS   0x000ffffffffff000ull
#define CR4_FIVE_LEVELS BIT64(12)

struct boot_info *boot_info;
static const struct efi_loader *loader;
static struct efi_text *print_text_to;
static struct efi_text *log_text_to;

void efi_calls_start(const struct efi_loader *of, struct boot_info *info)
{
	loader = of;
	boot_info = info;
}

void efi_calls_print_to(struct efi_text *text)
{
	print_text_to = text;
}

void efi_calls_log_to(struct efi_text *text)
{
	log_text_to = text;
}

void *kmem_alloc(size_t size)
{
	void *object;

	if (EFI_ERROR(loader->services->AllocatePool(EfiLoaderData, size, &object)))
		return NULL;
	return memset(object, 0, size);
}

void kmem_free(void *object)
{
	if (object)
		loader->services->FreePool(object);
}

static bool grow(struct efi_text *text, size_t more)
{
	size_t capacity = MAX(text->capacity, FIRST_CAPACITY);
	char *larger;

	while (capacity - text->length < more)
		capacity *= 2;
	if (capacity == text->capacity)
		return true;
	larger = kmem_alloc(capacity);
	if (!larger)
		return false;
	memcpy(larger, text->data, text->length);
	kmem_free(text->data);
	text->data = larger;
	text->capacity = capacity;
	return true;
}

static void append(struct efi_text *text, const char *more, size_t length)
{
	if (!text || text->short_of_memory)
		return;
	text->short_of_memory = !grow(text, length);
	if (text->short_of_memory)
		return;
	memcpy(text->data + text->length, more, length);
	text->length += length;
}

void efi_text_free(struct efi_text *text)
{
	kmem_free(text->data);
	*text = (struct efi_text){.data = NULL};
}

int format_va(char *text, size_t size, const char *pattern, va_list args)
{
	return text_format_va(text, size, pattern, args);
}

int format(char *text, size_t size, const char *pattern, ...)
{
	va_list args;
	int length;

	va_start(args, pattern);
	length = text_format_va(text, size, pattern, args);
	va_end(args);
	return length;
}

size_t format_append(char *text, size_t size, const char *pattern, ...)
{
	size_t length = strnlen(text, size);
	va_list args;

	va_start(args, pattern);
	text_format_va(text + length, size - length, pattern, args);
	va_end(args);
	return strnlen(text, size);
}

void print_text(const char *text, size_t length)
{
	append(print_text_to, text, length);
}

void print(const char *pattern, ...)
{
	char text[PRINT_MAX];
	va_list args;
	int length;

	va_start(args, pattern);
	length = text_format_va(text, sizeof(text), pattern, args);
	va_end(args);
	print_text(text, MIN((size_t)length, sizeof(text) - 1));
}

void log_line(enum log_level level UNUSED, const char *pattern, ...)
{
	char text[LOG_LINE_MAX];
	va_list args;

	va_start(args, pattern);
	text_format_va(text, sizeof(text), pattern, args);
	va_end(args);
	append(log_text_to, "# ", 2);
	append(log_text_to, text, strlen(text));
	append(log_text_to, "\n", 1);
}

/* An invariant of our own is broken: say so, and start the machine again. */
void panic_at(const char *file, int line, const char *pattern, ...)
{
	char text[LOG_LINE_MAX], where[LOG_LINE_MAX];
	va_list args;

	va_start(args, pattern);
	text_format_va(text, sizeof(text), pattern, args);
	va_end(args);
	format(where, sizeof(where), "%s:%d: %s", file, line, text);
	efi_say(loader, where);
	loader->services->Stall(EFI_MESSAGE_US);
	loader->system->RuntimeServices->ResetSystem(EfiResetCold, EFI_ABORTED, 0, NULL);
	for (;;)
		__asm__ volatile("hlt");
}

void clock_delay_ns(uint64_t ns)
{
	loader->services->Stall(ns / NS_PER_US + 1);
}

/* One CPU runs here; firmware's timer interrupt is the only competitor. */
struct irq_state spin_lock_irqsave(struct spin_lock *lock UNUSED)
{
	return irq_save();
}

void spin_unlock_irqrestore(struct spin_lock *lock UNUSED, struct irq_state state)
{
	irq_restore(state);
}

static uint64_t table_root(unsigned *shift)
{
	uint64_t root, control;

	__asm__("mov %%cr3, %0" : "=r"(root));
	__asm__("mov %%cr4, %0" : "=r"(control));
	*shift = control & CR4_FIVE_LEVELS ? 48 : 39;
	return root & ENTRY_ADDRESS;
}

/* Bytes from `at` to the end of the page that shows this address at itself; 0: none does. */
static uint64_t mapped_here(uint64_t at)
{
	unsigned shift;
	uint64_t table = table_root(&shift), mask;

	for (;; shift -= 9) {
		uint64_t entry = ((const volatile uint64_t *)table)[at >> shift & 0x1ff];

		if (!(entry & ENTRY_PRESENT))
			return 0;
		table = entry & ENTRY_ADDRESS;
		mask = BIT64(shift) - 1;
		if (shift == 12 || (shift <= 30 && (entry & ENTRY_LARGE)))
			break;
	}
	return ((table ^ at) & ~mask) == 0 ? mask + 1 - (at & mask) : 0;
}

static bool is_reachable(struct phys p, uint64_t size)
{
	uint64_t at = p.addr, end = p.addr + size;

	while (at < end) {
		uint64_t bytes = mapped_here(at);

		if (bytes == 0)
			return false;
		at += bytes;
	}
	return size > 0 && end > p.addr;
}

volatile void *mmio_map(struct phys p, uint64_t size)
{
	return is_reachable(p, size) ? (volatile void *)p.addr : NULL;
}

/* PC firmware has a fabric to scan. */
struct pci_access *pci_functions_access(const char **description)
{
	*description = "";
	return NULL;
}
