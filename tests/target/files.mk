# SPDX-License-Identifier: MIT
# What needs a machine.

tests-target += \
	tests/target/clock_test.c \
	tests/target/fpu_test.c \
	tests/target/mmu_test.c \
	tests/target/newlib_test.c \
	tests/target/preemption_test.c \
	tests/target/smp_test.c \
	tests/target/stack_protector_test.c \
	tests/target/survey.c \
	tests/target/trap_test.c

# And what needs this processor, or the PCI Express that only its machines have.
tests-x86_64 += \
	tests/target/e1000e_driver.c \
	tests/target/nvme_driver.c \
	tests/target/pci_deep_test.c \
	tests/target/pci_machine_test.c \
	tests/target/x86_address_space_test.c \
	tests/target/x86_clock_test.c \
	tests/target/x86_interrupt_test.c \
	tests/target/x86_smp_test.c \
	tests/target/x86_trap_test.c \
	tests/target/x86_vector_state.c \
	tests/target/x86_vmware_test.c

tests-s390x += \
	tests/target/s390x_address_space_test.c \
	tests/target/s390x_clock_test.c \
	tests/target/s390x_trap_test.c \
	tests/target/s390x_vector_state.c \
	tests/target/zpci_machine_test.c
