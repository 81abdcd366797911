# SPDX-License-Identifier: MIT
# Builds one configuration. Interface:
#   PORT=x86_64|s390x|hosted  BUILD=debug|release (targets)  asan|tsan|coverage|fuzz|release (hosted)
#   TOOLCHAIN=gcc|clang  APP=name  V=1
#   targets: all (quire.elf, quire.efi), image, tests (hosted program), fuzzers,
#            explore (hosted, gcc), list-tests
# Every folder's files.mk adds to these lists, by path from the root:
#   sources          compiled for every port        sources-target   not hosted
#   sources-<port>   one port                       tests, tests-target, tests-<port> likewise
#   fuzzers          names N of tests/fuzz/N_fuzz.c
# What a target needs beside that stands in platform/<port>/build.mk:
#   cross            prefix of the GNU compiler and binutils; clang's objects are linked by ld too
#   flags-<port>[-<build>|-<toolchain>]              of every object
#   flags-kernel     of all objects but those of apps/: no floating-point register is used
#   image-source     what tools/image.py puts into quire.img by image-option
#   port-outputs, port-rules   what is built beside quire.elf, and the file that tells how

include platform/files.mk
folders := boot kernel mm pci drivers tools/pci platform/$(PORT) tests apps
include $(wildcard $(addsuffix /files.mk,$(folders)))

out  := build/$(PORT)-$(BUILD)-$(TOOLCHAIN)
deps := build/deps/newlib-$(PORT)
-include platform/$(PORT)/build.mk

CC_gcc   := $(cross)gcc
CC_clang := clang
CC       := $(CC_$(TOOLCHAIN))
quiet     = $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' $(1) $(2);)

version := $(shell git describe --always --dirty --tags 2>/dev/null || echo unknown)

warnings := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wvla -Wundef \
	-Wpointer-arith -Wwrite-strings -Wold-style-definition -Wmissing-declarations
warnings-clang := -Wunreachable-code -Wthread-safety -Wno-unused-command-line-argument \
	-Wno-gnu-folding-constant
flags = -std=gnu17 -g -I. -Iplatform/$(PORT) -fno-common -fno-strict-aliasing \
	-fno-omit-frame-pointer -ffunction-sections -fdata-sections \
	$(warnings) $(warnings-$(TOOLCHAIN)) $(if $(filter hosted,$(PORT)),,$(flags-target)) \
	$(flags-$(PORT)) $(flags-$(PORT)-$(BUILD)) $(flags-$(PORT)-$(TOOLCHAIN))

all-sources := $(sources) $(sources-$(PORT)) $(if $(filter hosted,$(PORT)),,$(sources-target))
all-tests   := $(tests) $(tests-$(PORT)) $(if $(filter hosted,$(PORT)),,$(tests-target))
app-sources := $(if $(APP),$(wildcard apps/$(APP)/*.c))

objects = $(addprefix $(out)/,$(addsuffix .o,$(basename $(1))))
core-objects := $(call objects,$(all-sources))
test-objects := $(call objects,$(all-tests))

.PHONY: all image tests fuzzers explore library workloads compile_commands.json list-tests
.SECONDARY:
.DELETE_ON_ERROR:
all:

# The sources of the portable tests, for tools/compare_ports.py.
list-tests:
	@printf '%s\n' $(tests)

# A change of flags rebuilds; a change of the version rebuilds the file that prints it.
$(out)/flags: force
	@mkdir -p $(@D); echo '$(recorded-flags)' | cmp -s - $@ || echo '$(recorded-flags)' > $@
$(out)/kernel/version.h: force
	@mkdir -p $(@D); echo '#define QUIRE_VERSION "$(version) $(BUILD) $(TOOLCHAIN)"' > $@.new; \
	 cmp -s $@.new $@ && rm $@.new || mv $@.new $@
.PHONY: force
$(out)/kernel/banner.o: $(out)/kernel/version.h
$(out)/kernel/banner.o: flags += -I$(out)

$(out)/%.o: %.c $(out)/flags
	$(call quiet,CC,$<)mkdir -p $(@D); $(CC) $(flags) -MMD -MP -c $< -o $@
$(out)/%.o: %.S $(out)/flags
	$(call quiet,AS,$<)mkdir -p $(@D); $(CC) $(flags) -MMD -MP -c $< -o $@

include tools/build-$(if $(filter hosted,$(PORT)),hosted,target).mk

recorded-flags := $(CC) $(flags)
-include $(core-objects:.o=.d) $(test-objects:.o=.d)
