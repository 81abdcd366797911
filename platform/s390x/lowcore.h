// SPDX-License-Identifier: MIT
/*
 * The prefix area of a CPU: 8 KiB at real address 0 that the machine reads and writes, and in
 * its free part the words that this CPU needs at a fixed address. Source of all offsets below
 * 0x200 and from 0x1000 on: z/Architecture Principles of Operation, "Assigned storage
 * locations". Low-address protection covers 0-0x1ff and 0x1000-0x11ff: after trap_init() only
 * the machine stores there.
 */
#ifndef PLATFORM_S390X_LOWCORE_H
#define PLATFORM_S390X_LOWCORE_H

#include <platform/s390x/layout.h>

/* Offsets for assembly. The save areas hold r0 to r15. */
#define LOWCORE_EXTERNAL_PARAMETER 0x080
#define LOWCORE_EXTERNAL_CODE      0x086
#define LOWCORE_SVC_CODE           0x088 /* instruction length, code */
#define LOWCORE_PROGRAM_CODE       0x08c /* the same */
#define LOWCORE_DATA_EXCEPTION     0x090
#define LOWCORE_ACCESS_IDS         0x0a0
#define LOWCORE_TRANSLATION        0x0a8
#define LOWCORE_SUBCHANNEL         0x0b8
#define LOWCORE_IO_PARAMETER       0x0bc
#define LOWCORE_IO_WORD            0x0c0
#define LOWCORE_CHECK_CODE         0x0e8
#define LOWCORE_BREAKING           0x110
#define LOWCORE_RESTART_OLD        0x120
#define LOWCORE_EXTERNAL_OLD       0x130
#define LOWCORE_SVC_OLD            0x140
#define LOWCORE_PROGRAM_OLD        0x150
#define LOWCORE_CHECK_OLD          0x160
#define LOWCORE_IO_OLD             0x170
#define LOWCORE_SAVE_PROGRAM       0x200
#define LOWCORE_SAVE_INTERRUPT     0x280
#define LOWCORE_SAVE_CHECK         0x300
#define LOWCORE_SAVE_RESTART       0x380
#define LOWCORE_RETURN_PSW         0x400
#define LOWCORE_CHECK_RETURN       0x410
#define LOWCORE_STACK              0x420
#define LOWCORE_STACK_END          0x428
#define LOWCORE_EMERGENCY          0x430
#define LOWCORE_EMERGENCY_END      0x438
#define LOWCORE_CHECK_STACK_END    0x440
#define LOWCORE_CHECK_STACK        0x448
#define LOWCORE_CPU                0x450
#define LOWCORE_THREAD             0x458
#define LOWCORE_CHECK_GPRS         0x1280

#ifndef __ASSEMBLER__
#include <platform/types.h>

struct thread;

struct psw {
	uint64_t mask;
	uint64_t address;
};

struct lowcore {
	uint8_t ipl[0x28];
	/* Where compilers expect it with access registers 0 and 1 at zero (s390x ELF ABI). */
	uint64_t stack_guard;
	uint8_t reserved_30[0x80 - 0x30];
	uint32_t external_parameter; /* 0x80: of a service signal */
	uint16_t external_cpu;       /* 0x84: address of the CPU that signalled */
	uint16_t external_code;
	uint16_t svc_length;
	uint16_t svc_code;
	uint16_t program_length; /* 0x8c */
	uint16_t program_code;
	uint32_t data_exception_code; /* 0x90 */
	uint16_t monitor_class;
	uint8_t per_code;
	uint8_t per_atmid;
	uint64_t per_address; /* 0x98 */
	uint8_t exception_access_id;
	uint8_t per_access_id;
	uint8_t operand_access_id;
	uint8_t architecture_mode;
	uint8_t reserved_a4[4];
	uint64_t translation_exception; /* 0xa8: address and who looked */
	uint64_t monitor_code;
	uint32_t subchannel_id; /* 0xb8 */
	uint32_t io_parameter;
	uint32_t io_word;
	uint8_t reserved_c4[4];
	uint32_t facilities; /* 0xc8: STFL */
	uint8_t reserved_cc[0xe8 - 0xcc];
	uint64_t check_code; /* 0xe8: machine check */
	uint8_t reserved_f0[4];
	uint32_t external_damage_code;
	uint64_t failing_storage_address;
	uint8_t reserved_100[0x110 - 0x100];
	uint64_t breaking_event_address; /* 0x110 */
	uint8_t reserved_118[8];
	struct psw restart_old; /* 0x120 */
	struct psw external_old;
	struct psw svc_old;
	struct psw program_old;
	struct psw check_old;
	struct psw io_old;
	uint8_t reserved_180[0x1a0 - 0x180];
	struct psw restart_new; /* 0x1a0 */
	struct psw external_new;
	struct psw svc_new;
	struct psw program_new;
	struct psw check_new;
	struct psw io_new;

	/* Ours from here to 0xfff; the first four are scratch of entry.S. */
	uint64_t save_program[16];   /* 0x200 */
	uint64_t save_interrupt[16]; /* external and I/O: each masks both */
	uint64_t save_check[16];
	uint64_t save_restart[16];
	struct psw return_psw;   /* 0x400: on the way out of any but the next */
	struct psw check_return; /* on the way out of machine check and restart */
	/* Bounds of stacks, shared addresses: the running thread's; for program interruptions
	 * without a good stack pointer; for machine check and restart. */
	uint64_t stack;
	uint64_t stack_end;
	uint64_t emergency_stack;
	uint64_t emergency_stack_end;
	uint64_t check_stack_end;
	uint64_t check_stack;
	uint32_t cpu;         /* 0x450: cpu_current() */
	uint32_t cpu_address; /* for SIGP; 16 bits */
	struct thread *thread;
	uint64_t timer_deadline; /* absolute; CLOCK_NEVER when the timer is not armed */
	uint64_t asce;           /* the tables this CPU runs on; 0: translation is still off */
	uint64_t prefix;         /* absolute address of this structure */
	uint8_t reserved_478[0x1000 - 0x478];

	uint8_t reserved_1000[0x11b0 - 0x1000];
	uint64_t check_extended_save; /* 0x11b0: address of vector registers, 0: not saved */
	uint64_t external_parameter_2;
	uint8_t reserved_11c0[0x1200 - 0x11c0];
	uint64_t check_fprs[16]; /* 0x1200: saved by a machine check or STORE STATUS */
	uint64_t check_gprs[16];
	struct psw status_psw; /* 0x1300 */
	uint8_t reserved_1310[8];
	uint32_t status_prefix;
	uint32_t check_fpc;
	uint8_t reserved_1320[4];
	uint32_t check_tod_programmable;
	uint64_t check_cpu_timer;
	uint64_t check_clock_comparator; /* 0x1330, bits 0-55 from byte 1 on */
	uint8_t reserved_1338[8];
	uint32_t check_access[16]; /* 0x1340 */
	uint64_t check_control[16];
	uint8_t reserved_1400[0x2000 - 0x1400];
};

#define LOWCORE_ASSERT(member, offset)                             \
	_Static_assert(offsetof(struct lowcore, member) == offset, \
		       #member " is not where the machine or entry.S expects it")

LOWCORE_ASSERT(stack_guard, 0x28);
LOWCORE_ASSERT(external_parameter, LOWCORE_EXTERNAL_PARAMETER);
LOWCORE_ASSERT(external_code, LOWCORE_EXTERNAL_CODE);
LOWCORE_ASSERT(svc_length, LOWCORE_SVC_CODE);
LOWCORE_ASSERT(program_length, LOWCORE_PROGRAM_CODE);
LOWCORE_ASSERT(data_exception_code, LOWCORE_DATA_EXCEPTION);
LOWCORE_ASSERT(per_address, 0x98);
LOWCORE_ASSERT(exception_access_id, LOWCORE_ACCESS_IDS);
LOWCORE_ASSERT(translation_exception, LOWCORE_TRANSLATION);
LOWCORE_ASSERT(subchannel_id, LOWCORE_SUBCHANNEL);
LOWCORE_ASSERT(io_parameter, LOWCORE_IO_PARAMETER);
LOWCORE_ASSERT(io_word, LOWCORE_IO_WORD);
LOWCORE_ASSERT(facilities, 0xc8);
LOWCORE_ASSERT(check_code, LOWCORE_CHECK_CODE);
LOWCORE_ASSERT(failing_storage_address, 0xf8);
LOWCORE_ASSERT(breaking_event_address, LOWCORE_BREAKING);
LOWCORE_ASSERT(restart_old, LOWCORE_RESTART_OLD);
LOWCORE_ASSERT(external_old, LOWCORE_EXTERNAL_OLD);
LOWCORE_ASSERT(svc_old, LOWCORE_SVC_OLD);
LOWCORE_ASSERT(program_old, LOWCORE_PROGRAM_OLD);
LOWCORE_ASSERT(check_old, LOWCORE_CHECK_OLD);
LOWCORE_ASSERT(io_old, LOWCORE_IO_OLD);
LOWCORE_ASSERT(restart_new, 0x1a0);
LOWCORE_ASSERT(io_new, 0x1f0);
LOWCORE_ASSERT(save_program, LOWCORE_SAVE_PROGRAM);
LOWCORE_ASSERT(save_interrupt, LOWCORE_SAVE_INTERRUPT);
LOWCORE_ASSERT(save_check, LOWCORE_SAVE_CHECK);
LOWCORE_ASSERT(save_restart, LOWCORE_SAVE_RESTART);
LOWCORE_ASSERT(return_psw, LOWCORE_RETURN_PSW);
LOWCORE_ASSERT(check_return, LOWCORE_CHECK_RETURN);
LOWCORE_ASSERT(stack, LOWCORE_STACK);
LOWCORE_ASSERT(stack_end, LOWCORE_STACK_END);
LOWCORE_ASSERT(emergency_stack, LOWCORE_EMERGENCY);
LOWCORE_ASSERT(emergency_stack_end, LOWCORE_EMERGENCY_END);
LOWCORE_ASSERT(check_stack_end, LOWCORE_CHECK_STACK_END);
LOWCORE_ASSERT(check_stack, LOWCORE_CHECK_STACK);
LOWCORE_ASSERT(cpu, LOWCORE_CPU);
LOWCORE_ASSERT(thread, LOWCORE_THREAD);
LOWCORE_ASSERT(check_extended_save, 0x11b0);
LOWCORE_ASSERT(external_parameter_2, 0x11b8);
LOWCORE_ASSERT(check_fprs, 0x1200);
LOWCORE_ASSERT(check_gprs, LOWCORE_CHECK_GPRS);
LOWCORE_ASSERT(status_psw, 0x1300);
LOWCORE_ASSERT(status_prefix, 0x1318);
LOWCORE_ASSERT(check_tod_programmable, 0x1324);
LOWCORE_ASSERT(check_clock_comparator, 0x1330);
LOWCORE_ASSERT(check_access, 0x1340);
LOWCORE_ASSERT(check_control, 0x1380);
_Static_assert(sizeof(struct lowcore) == LOWCORE_SIZE, "a prefix area is two pages");

/* This CPU's. The address is hidden: to the compiler a pointer of 0 leads nowhere. */
static inline struct lowcore *lowcore(void)
{
	struct lowcore *area;

	__asm__("lghi %0,0" : "=d"(area));
	return area;
}
#endif

#endif
