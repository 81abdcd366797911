# SPDX-License-Identifier: MIT
# Device logic of a port that works over access functions is tested hosted with a register model.

sources-hosted += \
	platform/x86_64/framebuffer_console.c \
	platform/x86_64/framebuffer_font.c \
	platform/x86_64/i8042.c \
	platform/x86_64/keyboard.c \
	platform/x86_64/power_button.c \
	platform/x86_64/serial_console.c

console-tests := \
	tests/platform/framebuffer_console_test.c \
	tests/platform/i8042_test.c \
	tests/platform/keyboard_test.c \
	tests/platform/power_button_test.c \
	tests/platform/serial_console_test.c

tests-hosted += $(console-tests)
tests-x86_64 += $(console-tests)

# The local APIC, against models (QEMU's emulation has no x2APIC), and the battery clock's dates.
sources-hosted += platform/x86_64/apic.c platform/x86_64/rtc.c
tests-hosted += tests/platform/apic_test.c tests/platform/rtc_test.c
tests-x86_64 += tests/platform/apic_test.c tests/platform/rtc_test.c

tests-hosted += tests/platform/hosted_clock_test.c tests/platform/hosted_mmu_test.c

# PCI functions of z/Architecture, against a model of the instructions.
sources-hosted += platform/s390x/zpci.c platform/s390x/zpci_call.c
tests-hosted += tests/platform/zpci_test.c
tests-s390x += tests/platform/zpci_test.c

# The service processor's blocks.
sources-hosted += \
	platform/s390x/ebcdic.c \
	platform/s390x/line_text.c \
	platform/s390x/sclp_block.c
tests-hosted += tests/platform/sclp_block_test.c
tests-s390x += tests/platform/sclp_block_test.c

# Translation-table entries of s390x.
sources-hosted += platform/s390x/paging_features.c
tests-hosted += tests/platform/s390x_page_table_test.c
