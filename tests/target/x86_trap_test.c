// SPDX-License-Identifier: MIT
/*
 * Exceptions on the real CPU. Each is raised by one instruction with a fix-up behind it: the
 * value that comes back is vector << 32 | error code, or 0 when nothing happened.
 */
#include <platform/context.h>
#include <platform/irq.h>
#include <platform/mmu.h>
#include <platform/x86_64/features.h>
#include <platform/x86_64/interrupts.h>
#include <platform/x86_64/trap.h>
#include <platform/x86_64/x86.h>
#include <tests/test.h>

#define NON_CANONICAL        UINT64_C(0x8000000000000000)
#define FAULT(vector, error) ((uint64_t)(vector) << 32 | (error))

/* Faults come back at the instruction, traps behind it. */
#define RAISE(instruction, ...)                                       \
	({                                                            \
		uint64_t raised = 0;                                  \
		__asm__ volatile("1: " instruction "\n"               \
				 "2:\n"                               \
				 ".pushsection quire_fixups, \"a\"\n" \
				 ".quad 1b, 2b, 2b, 2b\n"             \
				 ".popsection"                        \
				 : "+a"(raised)                       \
				 : __VA_ARGS__                        \
				 : "memory", "cc", "rdx");            \
		raised;                                               \
	})

/* An access through rbp counts as one to the stack. */
static uint64_t stack_segment_fault(void)
{
	uint64_t raised = 0;

	__asm__ volatile("movq %%rbp, %%rdx\n\t"
			 "movq %1, %%rbp\n"
			 "1: movb (%%rbp), %%cl\n"
			 "2: movq %%rdx, %%rbp\n\t"
			 ".pushsection quire_fixups, \"a\"\n\t"
			 ".quad 1b, 2b\n\t"
			 ".popsection"
			 : "+a"(raised)
			 : "b"(NON_CANONICAL)
			 : "memory", "rcx", "rdx");
	return raised;
}

TEST(x86_trap, exceptions_arrive_with_vector_and_error_code)
{
	uint64_t value;

	CHECK_EQ(RAISE("divl %1", "r"(0)), FAULT(EXCEPTION_DIVIDE, 0));
	CHECK_EQ(RAISE("int3", "r"(0)), FAULT(EXCEPTION_BREAKPOINT, 0));
	CHECK_EQ(RAISE("ud2", "r"(0)), FAULT(EXCEPTION_INVALID_OPCODE, 0));
	CHECK_EQ(RAISE("movb $1, (%1)", "r"(NON_CANONICAL)), FAULT(EXCEPTION_PROTECTION, 0));
	/* QEMU's emulation makes no difference between the two. */
	value = stack_segment_fault();
	CHECK(value == FAULT(EXCEPTION_STACK, 0) || value == FAULT(EXCEPTION_PROTECTION, 0));
	/* A selector behind the end of the table. */
	CHECK_EQ(RAISE("movl %1, %%gs", "r"(0x78)), FAULT(EXCEPTION_PROTECTION, 0x78));
}

TEST(x86_trap, page_faults_say_what_was_tried)
{
	static const char constant[] = "read-only";

	CHECK_EQ(RAISE("movb (%1), %%dl", "r"(8)), FAULT(EXCEPTION_PAGE_FAULT, 0));
	CHECK_EQ(cr2_read(), 8);
	CHECK_EQ(RAISE("movb $1, (%1)", "r"(8)), FAULT(EXCEPTION_PAGE_FAULT, 2));
	CHECK_EQ(RAISE("movb $1, (%1)", "r"(constant)), FAULT(EXCEPTION_PAGE_FAULT, 3));
	CHECK_EQ(cr2_read(), (uint64_t)constant);
	CHECK_EQ(RAISE("movb $1, (%1)", "r"(trap_dispatch)), FAULT(EXCEPTION_PAGE_FAULT, 3));
}

/* Entry stubs without an error code can be called by number. 2 and 18 have other business. */
TEST(x86_trap, every_plain_stub_keeps_the_stack_straight)
{
#define RAISE_INT(number) CHECK_EQ(RAISE("int $" #number, "r"(0)), FAULT(number, 0))
	RAISE_INT(0);
	RAISE_INT(1);
	RAISE_INT(3);
	RAISE_INT(4);
	RAISE_INT(5);
	RAISE_INT(6);
	RAISE_INT(7);
	RAISE_INT(9);
	RAISE_INT(15);
	RAISE_INT(16);
	RAISE_INT(18);
	RAISE_INT(19);
	RAISE_INT(20);
	RAISE_INT(22);
	RAISE_INT(23);
	RAISE_INT(24);
	RAISE_INT(25);
	RAISE_INT(26);
	RAISE_INT(27);
	RAISE_INT(28);
	RAISE_INT(31);
#undef RAISE_INT
}

TEST(x86_trap, all_registers_survive_an_exception)
{
	uint64_t wrong;

	__asm__ volatile("pushq %%rbp\n\t"
			 "movq $1, %%rbx; movq $2, %%rcx; movq $3, %%rdx; movq $4, %%rsi\n\t"
			 "movq $5, %%rdi; movq $6, %%rbp; movq $7, %%r8; movq $8, %%r9\n\t"
			 "movq $9, %%r10; movq $10, %%r11; movq $11, %%r12; movq $12, %%r13\n\t"
			 "movq $13, %%r14; movq $14, %%r15\n"
			 "1: ud2\n"
			 "2: xorq $1, %%rbx; xorq $2, %%rcx; xorq $3, %%rdx; xorq $4, %%rsi\n\t"
			 "xorq $5, %%rdi; xorq $6, %%rbp; xorq $7, %%r8; xorq $8, %%r9\n\t"
			 "xorq $9, %%r10; xorq $10, %%r11; xorq $11, %%r12\n\t"
			 "xorq $12, %%r13; xorq $13, %%r14; xorq $14, %%r15\n\t"
			 "movq %%rbx, %%rax; orq %%rcx, %%rax; orq %%rdx, %%rax\n\t"
			 "orq %%rsi, %%rax; orq %%rdi, %%rax; orq %%rbp, %%rax\n\t"
			 "orq %%r8, %%rax; orq %%r9, %%rax; orq %%r10, %%rax\n\t"
			 "orq %%r11, %%rax; orq %%r12, %%rax; orq %%r13, %%rax\n\t"
			 "orq %%r14, %%rax; orq %%r15, %%rax\n\t"
			 "popq %%rbp\n\t"
			 ".pushsection quire_fixups, \"a\"\n\t"
			 ".quad 1b, 2b\n\t"
			 ".popsection"
			 : "=a"(wrong)
			 :
			 : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
			   "r13", "r14", "r15", "memory", "cc");
	CHECK_EQ(wrong, 0);
}

TEST(x86_trap, probes_report_instead_of_faulting)
{
	uint64_t value = 1;
	const uint64_t source = 77;

	CHECK(!probe_read64(NULL, &value));
	CHECK(!probe_read64((void *)NON_CANONICAL, &value));
	CHECK_EQ(value, 1);
	CHECK(probe_read64(&source, &value));
	CHECK_EQ(value, 77);
	CHECK(!probe_write8((void *)trap_dispatch, 0x90));
	CHECK(probe_msr_read(MSR_EFER, &value));
}

TEST(x86_trap, an_nmi_comes_through_a_closed_mask_and_returns)
{
	uint64_t before = trap_count(EXCEPTION_NMI);
	struct irq_state state = irq_save();

	apic_send_nmi(&local_apic, apic_id(&local_apic));
	for (unsigned i = 0; i < 1000000 && trap_count(EXCEPTION_NMI) == before; i++)
		__builtin_ia32_pause();
	irq_restore(state);
	CHECK_EQ(trap_count(EXCEPTION_NMI), before + 1);
}

TEST(x86_trap, a_broken_frame_chain_ends_the_back_trace)
{
	uintptr_t addresses[8];
	uint64_t chain[2] = {NON_CANONICAL, (uint64_t)trap_dispatch};
	size_t count;

	__asm__ volatile("pushq %%rbp\n\t"
			 "movq %2, %%rbp\n\t"
			 "call context_backtrace\n\t"
			 "popq %%rbp"
			 : "=a"(count)
			 : "D"(addresses), "b"(chain), "S"(8)
			 : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
	CHECK_EQ(count, 2);
}

TEST_PANICS(x86_trap, data_is_not_executable, "page fault: execute of")
{
	static uint8_t code[] = {0xc3};

	((void (*)(void))(uintptr_t)code)();
}

TEST_PANICS(x86_trap, null_is_not_mapped, "page fault: write of 0x8, not mapped")
{
	__asm__ volatile("movl $1, (%0)" : : "r"(8) : "memory");
}

TEST_PANICS(x86_trap, general_protection_is_named, "general protection fault at rip")
{
	__asm__ volatile("movl $1, (%0)" : : "r"(NON_CANONICAL) : "memory");
}

TEST(x86_trap, protections_of_the_cpu_are_on)
{
	CHECK(cr0_read() & CR0_WRITE_PROTECT);
	CHECK_EQ(!!(cr4_read() & CR4_SMEP), cpu_features.smep);
	CHECK_EQ(!!(cr4_read() & CR4_SMAP), cpu_features.smap);
	CHECK_EQ(!!(cr4_read() & CR4_UMIP), cpu_features.umip);
	CHECK_EQ(!!(msr_read(MSR_EFER) & EFER_NX), cpu_features.no_execute);
}
