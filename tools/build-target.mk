# SPDX-License-Identifier: MIT
# A kernel for a machine: quire.elf (symbols, direct boot), quire.efi (loader with the kernel
# inside) and quire.img. Linked twice: the first link gives the addresses of the symbol table
# that back traces print.

gcc-include := $(shell $(CC) -print-file-name=include)
libgcc      := $(shell gcc -print-libgcc-file-name)
flags-x86_64 := -ffreestanding -nostdinc -isystem $(gcc-include) -isystem $(deps)/include \
	-D__DYNAMIC_REENT__ -mcmodel=kernel -mno-red-zone -fno-pic -fno-pie \
	-fno-asynchronous-unwind-tables -fno-delete-null-pointer-checks -fcf-protection=none -O2
flags-x86_64-debug   := -DQUIRE_TEST_HOOKS -fstack-protector-strong \
	-mstack-protector-guard=global -fsanitize=undefined
flags-x86_64-release := -fno-stack-protector
flags-x86_64-gcc     := -fno-tree-loop-distribute-patterns
flags-x86_64-clang   := -target x86_64-unknown-none-elf -Wno-frame-address

# Kernel code owns no floating-point register; programs in apps/ do.
$(core-objects) $(test-objects): flags += -mgeneral-regs-only
app-objects := $(call objects,$(app-sources))

elf    := $(out)/quire.elf
efi    := $(out)/quire.efi
script := linker/$(PORT).lds
link    = ld -nostdlib -static -z noexecstack -z max-page-size=4096 --no-warn-rwx-segments \
	--build-id=sha1 --gc-sections -L linker -T $(script)
inputs := $(core-objects) $(test-objects) $(app-objects)

outputs := $(elf) $(if $(wildcard boot/efi.mk),$(efi))
all: $(outputs)
	@mkdir -p build/$(PORT); cp $(outputs) build/$(PORT)/

$(out)/first.elf: $(inputs) $(out)/app $(script) linker/tables.ld
	$(call quiet,LD,$@)$(link) -o $@ $(inputs) $(deps)/lib/libc.a $(deps)/lib/libm.a $(libgcc)
$(out)/symbols.S: $(out)/first.elf tools/make_symbols.py
	$(call quiet,SYMBOLS,$@)nm -n $< | python3 tools/make_symbols.py > $@
$(out)/symbols.o: $(out)/symbols.S
	$(call quiet,AS,$@)$(CC) $(flags) -c $< -o $@
$(elf): $(out)/first.elf $(out)/symbols.o
	$(call quiet,LD,$@)$(link) -o $@ $(inputs) $(out)/symbols.o $(deps)/lib/libc.a \
	  $(deps)/lib/libm.a $(libgcc)
	$(if $(APP),,$(call quiet,CHECK,$@)python3 tools/check_no_fpu.py --allow tools/fpu_allow.txt $@)

# A change of APP relinks.
$(out)/app: force
	@mkdir -p $(@D); echo '$(APP)' | cmp -s - $@ || echo '$(APP)' > $@

-include boot/efi.mk

$(out)/quire.img: $(efi) tools/image.py
	$(call quiet,IMAGE,$@)python3 tools/image.py --efi $< --output $@
image: all $(out)/quire.img
	@cp $(out)/quire.img $(out)/NOTICES.txt build/$(PORT)/

compile_commands.json:
	@$(MAKE) -f tools/build.mk PORT=$(PORT) -Bn V=1 all | tools/compile_commands.py > $@
