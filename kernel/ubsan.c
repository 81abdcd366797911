// SPDX-License-Identifier: MIT
/*
 * What the compiler calls when UBSan finds undefined behaviour on a target (debug builds): name
 * it, name the place, panic. Layouts of the argument records follow the ABI that GCC and clang
 * document for their sanitizer runtimes. The hosted port uses the compilers' own runtime.
 */
#include <kernel/assert.h>
#include <kernel/format.h>
#include <stdint.h>

struct source_location {
	const char *file;
	uint32_t line;
	uint32_t column;
};

struct type_descriptor {
	uint16_t kind;
	uint16_t info;
	char name[];
};

struct type_mismatch {
	struct source_location where;
	const struct type_descriptor *type;
	uint8_t log_alignment;
	uint8_t kind;
};

NORETURN static void report(const struct source_location *where, const char *what)
{
	panic_at(where->file, (int)where->line, "undefined behaviour: %s (column %u)", what,
		 where->column);
}

/* Every other record starts with its source location. */
#define UBSAN_HANDLER(name, what, ...)                                                  \
	void __ubsan_handle_##name(const struct source_location *where, ##__VA_ARGS__); \
	void __ubsan_handle_##name(const struct source_location *where, ##__VA_ARGS__)  \
	{                                                                               \
		report(where, what);                                                    \
	}

UBSAN_HANDLER(add_overflow, "signed addition overflows", void *a UNUSED, void *b UNUSED)
UBSAN_HANDLER(sub_overflow, "signed subtraction overflows", void *a UNUSED, void *b UNUSED)
UBSAN_HANDLER(mul_overflow, "signed multiplication overflows", void *a UNUSED, void *b UNUSED)
UBSAN_HANDLER(negate_overflow, "negation overflows", void *a UNUSED)
UBSAN_HANDLER(divrem_overflow, "division by zero or overflow", void *a UNUSED, void *b UNUSED)
UBSAN_HANDLER(shift_out_of_bounds, "shift out of bounds", void *a UNUSED, void *b UNUSED)
UBSAN_HANDLER(out_of_bounds, "index out of bounds", void *index UNUSED)
UBSAN_HANDLER(pointer_overflow, "pointer arithmetic overflows", void *a UNUSED, void *b UNUSED)
UBSAN_HANDLER(load_invalid_value, "load of a value the type cannot hold", void *value UNUSED)
UBSAN_HANDLER(builtin_unreachable, "unreachable code reached")
UBSAN_HANDLER(missing_return, "function ends without a value")
UBSAN_HANDLER(vla_bound_not_positive, "array length not positive", void *bound UNUSED)
UBSAN_HANDLER(nonnull_arg, "null passed where it is forbidden")
UBSAN_HANDLER(nonnull_return_v1, "null returned where it is forbidden")
UBSAN_HANDLER(invalid_builtin, "invalid argument of a builtin")

void __ubsan_handle_type_mismatch_v1(const struct type_mismatch *data, uintptr_t address);

void __ubsan_handle_type_mismatch_v1(const struct type_mismatch *data, uintptr_t address)
{
	char what[96];

	if (address == 0)
		format(what, sizeof(what), "null pointer used as %s", data->type->name);
	else if (address & ((UINT64_C(1) << data->log_alignment) - 1))
		format(what, sizeof(what), "misaligned address %#lx used as %s",
		       (unsigned long)address, data->type->name);
	else
		format(what, sizeof(what), "address %#lx is no object of %s",
		       (unsigned long)address, data->type->name);
	report(&data->where, what);
}
