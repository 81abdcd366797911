# SPDX-License-Identifier: MIT
# quire.efi: the GNU-EFI loader with the kernel ELF inside. Included by tools/build-target.mk.

efi-sources := \
	boot/efi_calls.c \
	boot/efi_collect.c \
	boot/efi_files.c \
	boot/efi_main.c \
	boot/efi_memory.c \
	boot/efi_report.c \
	boot/efi_string.c \
	boot/elf_load.c \
	boot/fw_cfg.c \
	boot/memory_map.c \
	boot/memory_map_efi.c \
	boot/report_access.c \
	boot/text.c \
	boot/text_format.c \
	kernel/command_line_parse.c

# The report on the stick: the kernel's own sources again.
efi-sources += \
	$(addprefix kernel/,acpi.c acpi_power.c acpi_root_buses.c acpi_tables.c json.c) \
	$(addprefix pci/,address.c atomic_enable.c atomic_ops.c capability.c config.c device.c \
	  enumerate.c hardware.c listing.c numbering.c virtual_functions.c) \
	$(addprefix tools/pci/,atomic_report.c atomic_words.c lspci_list.c names.c) \
	platform/x86_64/pci_ports.c

efi         := $(out)/quire.efi
efi-out     := $(out)/efi
efi-objects := $(patsubst %.c,$(efi-out)/%.o,$(efi-sources)) $(efi-out)/payload.o
efi-crt0    := /usr/lib/crt0-efi-x86_64.o
efi-script  := linker/x86_64_efi.lds
efi-flags   := -std=gnu17 -O2 -g -I. -Iplatform/x86_64 -nostdinc -isystem $(gcc-include) \
	-isystem $(deps)/include -isystem /usr/include/efi -isystem /usr/include/efi/x86_64 \
	-fpic -fvisibility=hidden -ffreestanding -fshort-wchar -fno-strict-aliasing \
	-fno-builtin -fno-stack-protector -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fcf-protection=none \
	-mno-red-zone -mgeneral-regs-only -DGNU_EFI_USE_MS_ABI $(warnings) $(efi-flags-$(TOOLCHAIN))
efi-flags-gcc   := -maccumulate-outgoing-args -fno-tree-loop-distribute-patterns
efi-flags-clang := -target x86_64-unknown-none-elf

$(efi-out)/%.o: %.c $(out)/flags
	$(call quiet,CC,$@)mkdir -p $(@D); $(CC) $(efi-flags) -MMD -MP -c $< -o $@

# Symbols for back traces are data of the kernel already; debug information stays outside.
$(efi-out)/kernel.elf: $(elf)
	$(call quiet,STRIP,$@)mkdir -p $(@D); objcopy --strip-all $< $@
$(efi-out)/payload.o: boot/efi_payload.S $(efi-out)/kernel.elf
	$(call quiet,AS,$<)$(CC) $(efi-flags) -DQUIRE_KERNEL='"$(efi-out)/kernel.elf"' -c $< -o $@

$(efi-out)/quire.so: $(efi-objects) $(efi-script)
	$(call quiet,LD,$@)ld -nostdlib --gc-sections -znocombreloc -z noexecstack --no-warn-rwx-segments \
	  --no-undefined -shared -Bsymbolic -T $(efi-script) -o $@ $(efi-crt0) $(efi-objects) \
	  -L/usr/lib -lgnuefi
$(efi): $(efi-out)/quire.so
	$(call quiet,EFI,$@)objcopy -j .text -j .data -j .dynamic -j .dynsym -j .rela \
	  -j .rodata -j .reloc --output-target=efi-app-x86_64 --subsystem=10 $< $@

-include $(efi-objects:.o=.d)
