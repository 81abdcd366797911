# SPDX-License-Identifier: MIT
# A kernel for a machine: quire.elf (symbols, direct boot), what the port makes of it, and
# quire.img. Linked twice: the first link gives the addresses of the symbol table that back
# traces print.

gcc-include := $(shell $(CC) -print-file-name=include)
libgcc      := $(shell $(cross)gcc -print-libgcc-file-name)
flags-target-debug   := -DQUIRE_TEST_HOOKS -fsanitize=undefined
flags-target-release := -fno-stack-protector
flags-target-gcc     := -fno-tree-loop-distribute-patterns
flags-target-clang   := -Wno-frame-address
flags-target := -ffreestanding -nostdinc -isystem $(gcc-include) -isystem $(deps)/include \
	-D__DYNAMIC_REENT__ -fno-pic -fno-pie -fno-asynchronous-unwind-tables \
	-fno-delete-null-pointer-checks -O2 $(flags-target-$(BUILD)) $(flags-target-$(TOOLCHAIN))

# Kernel code owns no floating-point register; programs in apps/ do.
$(core-objects) $(test-objects): flags += $(flags-kernel)
app-objects := $(call objects,$(app-sources))

elf    := $(out)/quire.elf
script := linker/$(PORT).lds
link    = $(cross)ld -nostdlib -static -z noexecstack -z max-page-size=4096 --no-warn-rwx-segments \
	--build-id=sha1 --gc-sections -L linker -T $(script)
inputs := $(core-objects) $(test-objects) $(app-objects)

all: $(elf) $(port-outputs)
	@mkdir -p build/$(PORT); cp $^ build/$(PORT)/

$(out)/first.elf: $(inputs) $(out)/app $(script) linker/tables.ld
	$(call quiet,LD,$@)$(link) -o $@ $(inputs) $(deps)/lib/libc.a $(deps)/lib/libm.a $(libgcc)
$(out)/symbols.S: $(out)/first.elf tools/make_symbols.py
	$(call quiet,SYMBOLS,$@)$(cross)nm -n $< | python3 tools/make_symbols.py > $@
$(out)/symbols.o: $(out)/symbols.S
	$(call quiet,AS,$@)$(CC) $(flags) -c $< -o $@
$(elf): $(out)/first.elf $(out)/symbols.o
	$(call quiet,LD,$@)$(link) -o $@ $(inputs) $(out)/symbols.o $(deps)/lib/libc.a \
	  $(deps)/lib/libm.a $(libgcc)
	$(if $(APP),,$(call quiet,CHECK,$@)python3 tools/check_no_fpu.py --port $(PORT) \
	  --allow tools/fpu_allow.txt $@)

# A change of APP relinks.
$(out)/app: force
	@mkdir -p $(@D); echo '$(APP)' | cmp -s - $@ || echo '$(APP)' > $@

include $(port-rules)

$(out)/quire.img: $(image-source) tools/image.py tools/zipl.py
	$(call quiet,IMAGE,$@)python3 tools/image.py $(image-option) $< --output $@
image: all $(out)/quire.img
	@cp $(out)/quire.img $(out)/NOTICES.txt build/$(PORT)/

compile_commands.json:
	@$(MAKE) -f tools/build.mk PORT=$(PORT) -Bn V=1 all | tools/compile_commands.py > $@
