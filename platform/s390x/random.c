// SPDX-License-Identifier: MIT
/*
 * True random numbers of the cryptographic coprocessor, where it has some. Source:
 * z/Architecture Principles of Operation, "Perform random number operation" (PRNO).
 */
#include <platform/random.h>

#include <platform/s390x/features.h>

#define FUNCTION_QUERY 0u
#define FUNCTION_TRNG  114u

/* One PRNO; block: the parameter block; the random bytes go to output[length]. */
static void prno(unsigned function, void *block, void *output, uint64_t length)
{
	register uint64_t code __asm__("0") = function;
	register void *parameters __asm__("1") = block;
	/* The first pair takes raw entropy: none. */
	register uint64_t raw __asm__("2") = 0;
	register uint64_t raw_length __asm__("3") = 0;
	register void *out __asm__("4") = output;
	register uint64_t left __asm__("5") = length;

	/* Condition code 3: there is more to do. */
	__asm__ volatile("0: .insn rre,0xb93c0000,2,4\n\t"
			 "brc 1,0b"
			 : "+d"(raw), "+d"(raw_length), "+a"(out), "+d"(left)
			 : "d"(code), "a"(parameters)
			 : "cc", "memory");
}

static bool has_function(unsigned function)
{
	uint8_t functions[16] = {0};

	prno(FUNCTION_QUERY, functions, NULL, 0);
	return functions[function / 8] >> (7 - function % 8) & 1;
}

bool platform_random(uint64_t *value)
{
	if (!facility_present(FACILITY_MESSAGE_SECURITY_5) || !has_function(FUNCTION_TRNG))
		return false;
	prno(FUNCTION_TRNG, NULL, value, sizeof(*value));
	return true;
}
