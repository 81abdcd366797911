// SPDX-License-Identifier: MIT
/*
 * Program interruptions on the real CPU. Each is raised by one instruction with a fix-up behind
 * it: what comes back is the program interruption code, or 0 when nothing happened.
 */
#include <platform/context.h>
#include <platform/cpu.h>
#include <platform/irq.h>
#include <platform/image.h>
#include <platform/s390x/interrupts.h>
#include <platform/s390x/sigp.h>
#include <platform/s390x/trap.h>
#include <tests/test.h>

#define UNMAPPED ((char *)MMIO_BASE)

/* The instruction may use r2 as its operand %1. */
#define RAISE(instruction, operand)                                     \
	({                                                              \
		register uint64_t raised __asm__("2") = 0;              \
		uint64_t given = (uint64_t)(operand);                   \
		__asm__ volatile("1: " instruction "\n"                 \
				 "2:\n\t"                               \
				 ".pushsection quire_fixups, \"a\"\n\t" \
				 ".quad 1b, 2b\n\t"                     \
				 ".popsection"                          \
				 : "+d"(raised)                         \
				 : "a"(given)                           \
				 : "memory", "cc", "0", "4", "5");      \
		raised;                                                 \
	})

TEST(s390x_trap, program_interruptions_arrive_with_their_code)
{
	CHECK_EQ(RAISE(".short 0", 0), PROGRAM_OPERATION);
	CHECK_EQ(RAISE("dlgr 4,%1", 0), PROGRAM_FIXED_DIVIDE);
	/* The pair must begin with an even register. */
	CHECK_EQ(RAISE(".insn rre,0xb9870000,5,0", 0), PROGRAM_SPECIFICATION);
	/* Beyond all storage, without translation. */
	CHECK_EQ(RAISE("lurag 4,%1", UINT64_C(1) << 60), PROGRAM_ADDRESSING);
	CHECK_EQ(RAISE("nopr 0", 0), 0);
}

TEST(s390x_trap, translation_says_where_the_tables_end)
{
	/* Nothing at all: the region tables. A hole between mapped pages: a page table. */
	CHECK_EQ(RAISE("lg 4,0(%1)", MMIO_BASE), PROGRAM_REGION_SECOND);
	CHECK_EQ(lowcore()->translation_exception & ~UINT64_C(0xfff), MMIO_BASE);
	CHECK_EQ(RAISE("lg 4,0(%1)", kernel_boot_stack_guard), PROGRAM_PAGE);
	CHECK_EQ(RAISE("lg 4,0(%1)", UINT64_C(1) << 60), PROGRAM_ASCE_TYPE);
}

TEST(s390x_trap, protection_covers_lowcore_and_constants)
{
	static const uint64_t constant = 1;

	CHECK_EQ(RAISE("mvi 0x28(%1),1", 0), PROGRAM_PROTECTION);
	CHECK_EQ(RAISE("mvi 0(%1),1", 0x1000), PROGRAM_PROTECTION);
	CHECK_EQ(RAISE("mvi 0(%1),1", &constant), PROGRAM_PROTECTION);
	CHECK_EQ(RAISE("mvi 0(%1),1", kernel_text_start), PROGRAM_PROTECTION);
	CHECK(cr0_read() & CR0_LOW_ADDRESS_PROTECTION);
}

extern uint64_t s390x_trap_before[16];
uint64_t s390x_trap_before[16];

/* From one pattern in all registers to the same one. r11 may be the frame pointer. */
TEST(s390x_trap, all_registers_survive_an_interruption)
{
	static uint64_t after[16];
	uint64_t *before = s390x_trap_before;

	for (unsigned i = 0; i < 14; i++)
		before[i] = UINT64_C(0x1111111111111111) * i;
	before[14] = (uint64_t)after;
	__asm__ volatile("larl %%r14,s390x_trap_before\n\t"
			 "stg %%r15,120(%%r14)\n\t"
			 "stg %%r11,88(%%r14)\n\t"
			 "lmg %%r0,%%r14,0(%%r14)\n"
			 "1: .short 0\n"
			 "2: stmg %%r0,%%r15,0(%%r14)\n\t"
			 ".pushsection quire_fixups, \"a\"\n\t"
			 ".quad 1b, 2b\n\t"
			 ".popsection"
			 :
			 :
			 : "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "12", "13",
			   "14", "memory", "cc");
	before[2] = PROGRAM_OPERATION;
	for (unsigned i = 0; i < 16; i++)
		CHECK_EQ(after[i], before[i]);
}

TEST(s390x_trap, probes_report_instead_of_faulting)
{
	uint64_t value = 1;
	const uint64_t source = 77;

	CHECK(!probe_read64(UNMAPPED, &value));
	CHECK_EQ(value, 1);
	CHECK(probe_read64(&source, &value));
	CHECK_EQ(value, 77);
	CHECK(!probe_write8(kernel_text_start, 1));
}

TEST(s390x_trap, a_restart_comes_through_a_closed_mask_and_returns)
{
	uint64_t before = trap_restarts();
	struct irq_state state = irq_save();
	uint16_t self = smp_cpu_address(cpu_current());

	CHECK_EQ(sigp(SIGP_RESTART, self, 0, NULL), SIGP_ACCEPTED);
	for (unsigned i = 0; i < 1000000 && trap_restarts() == before; i++)
		cpu_relax();
	irq_restore(state);
	CHECK_EQ(trap_restarts(), before + 1);
}

TEST(s390x_trap, a_broken_chain_ends_the_back_trace)
{
	uintptr_t addresses[8];
	uint64_t frames[40] = {0};
	size_t count;

	/* Two frames, the second of which leads nowhere. */
	frames[0] = (uint64_t)&frames[20];
	frames[20] = (uint64_t)UNMAPPED;
	frames[20 + FRAME_RETURN_ADDRESS / 8] = (uint64_t)kernel_text_start;
	count = backtrace_from((uint64_t)frames, addresses, 8);
	CHECK_EQ(count, 1);
	CHECK_EQ(addresses[0], (uint64_t)kernel_text_start);
	/* One that leads to itself ends where there is no more room. */
	frames[20] = (uint64_t)&frames[20];
	CHECK_EQ(backtrace_from((uint64_t)frames, addresses, 8), 8);
}

TEST_PANICS(s390x_trap, data_is_not_executable, "execution in page")
{
	static uint8_t code[] = {0x07, 0xfe};

	((void (*)(void))(uintptr_t)code)();
}

TEST_PANICS(s390x_trap, lowcore_is_not_writable, "protection exception: store to page 0 at psw")
{
	RAISE("nopr 0", 0);
	__asm__ volatile("mvi 0x28(%0),1" : : "a"(0) : "memory");
}

TEST_PANICS(s390x_trap, operation_exception_is_named, "operation exception at psw")
{
	__asm__ volatile(".short 0");
}

TEST_PANICS(s390x_trap, supervisor_call_is_a_mistake, "supervisor call 7 at psw")
{
	__asm__ volatile("svc 7" : : : "memory");
}
