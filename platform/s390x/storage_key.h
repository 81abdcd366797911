// SPDX-License-Identifier: MIT
/*
 * The storage key of a frame, where this machine keeps what others keep in the entry: whether
 * the frame was referenced and changed, by any CPU or channel, through any mapping. Source:
 * z/Architecture Principles of Operation, "Storage key". Real addresses that lie in a prefix
 * area are not for these functions.
 */
#ifndef PLATFORM_S390X_STORAGE_KEY_H
#define PLATFORM_S390X_STORAGE_KEY_H

#include <platform/types.h>

/* Access-control bits 0-3, fetch protection, referenced, changed, one unused. */
#define STORAGE_KEY_ACCESS     0xf0
#define STORAGE_KEY_FETCH      0x08
#define STORAGE_KEY_REFERENCED 0x04
#define STORAGE_KEY_CHANGED    0x02

/* INSERT STORAGE KEY EXTENDED. */
static inline uint8_t storage_key_read(struct phys frame)
{
	uint64_t key = 0;

	__asm__ volatile("iske %0,%1" : "+d"(key) : "a"(frame.addr) : "memory");
	return (uint8_t)key;
}

/* SET STORAGE KEY EXTENDED: all of it. */
static inline void storage_key_write(struct phys frame, uint8_t key)
{
	__asm__ volatile("sske %0,%1" : : "d"((uint64_t)key), "a"(frame.addr) : "memory");
}

/* RESET REFERENCE BIT EXTENDED: what both bits were; the frame counts as not referenced from
 * now on. */
static inline uint8_t storage_key_reset_referenced(struct phys frame)
{
	unsigned condition;

	__asm__ volatile("rrbe 0,%1\n\t"
			 "ipm %0\n\t"
			 "srl %0,28"
			 : "=d"(condition)
			 : "a"(frame.addr)
			 : "cc", "memory");
	return (uint8_t)((condition & 2 ? STORAGE_KEY_REFERENCED : 0) |
			 (condition & 1 ? STORAGE_KEY_CHANGED : 0));
}

#endif
