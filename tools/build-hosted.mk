# SPDX-License-Identifier: MIT
# The developer's machine as a port: one program with all portable suites, and the fuzzers.

flags-hosted          := -pthread -DQUIRE_TEST_HOOKS
flags-hosted-asan     := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
flags-hosted-tsan     := -O1 -fsanitize=thread
flags-hosted-coverage := -O0 --coverage
flags-hosted-release  := -O2
flags-hosted-library  := -g0 -O2 -march=x86-64-v3 -fomit-frame-pointer -UQUIRE_TEST_HOOKS
flags-hosted-library-general := $(flags-hosted-library) -mgeneral-regs-only
flags-hosted-fuzz     := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

program := $(out)/quire-tests
tests: $(program)
all: $(program)

$(program): $(core-objects) $(test-objects)
	$(call quiet,LD,$@)$(CC) $(flags) -o $@ $^ $(libraries-hosted)

# The core as an archive: a fuzzer takes what it needs. The program's main and ways out are not in
# it: libFuzzer, or fuzz_main.c, brings one, and fuzz_platform.c makes every way out a finding.
fuzz-core    := $(out)/core-of-fuzzers.a
# Comparisons lead a fuzzer through a parser. Into the memory core lead operations: tracing its
# comparisons took half of the time.
ifeq ($(BUILD),fuzz)
$(call objects,$(filter mm/% kernel/lock% platform/hosted/%,$(all-sources))) \
	$(call objects,$(filter tests/model/%,$(fuzz-support))): \
	flags += -fno-sanitize-coverage=trace-cmp
endif
fuzz-binary  := $(addprefix $(out)/fuzz-,$(fuzzers))
fuzzers: $(fuzz-binary)
$(fuzz-core): $(filter-out $(call objects,platform/hosted/main.c platform/hosted/exit.c), \
		$(core-objects))
	$(call quiet,AR,$@)rm -f $@; ar rcs $@ $^
$(fuzz-binary): $(out)/fuzz-%: $(out)/tests/fuzz/%_fuzz.o $(call objects,$(fuzz-support)) \
		$(if $(filter fuzz,$(BUILD)),,$(call objects,tests/fuzz/fuzz_main.c)) $(fuzz-core)
	$(call quiet,LD,$@)$(CC) $(flags) $(if $(filter fuzz,$(BUILD)),-fsanitize=fuzzer) -o $@ $^

# The allocator for other programs: one object in which only what platform/hosted/quire_mm.h
# declares is global. BUILD=library, or library-general with the registers of the kernel.
library-renamed := frames_init frames_get frames_put
library-public := $(shell sed -n 's/^[a-z].*[ *]\([a-z_]*\)(.*);$$/\1/p' platform/hosted/quire_mm.h)
library-core := $(filter-out $(call objects,platform/hosted/main.c),$(core-objects))
library: $(out)/libquire_mm.a $(out)/quire_mm_example
library-global := $(filter-out $(library-renamed),$(library-public)) $(library-renamed:%=quire_%)
$(out)/libquire_mm.a: $(library-core) $(call objects,$(library))
	$(call quiet,AR,$@)ld -r -o $@.o $^ && \
	 objcopy $(library-global:%=--keep-global-symbol=%) $@.o && \
	 objcopy $(foreach name,$(library-renamed),--redefine-sym quire_$(name)=$(name)) $@.o && \
	 rm -f $@ && ar rcs $@ $@.o
$(out)/quire_mm_example: $(library-example) $(out)/libquire_mm.a
	$(call quiet,CC,$@)$(CC) -O2 -Wall -Wextra -Werror -Iplatform/hosted -o $@ $^ -pthread
workloads: $(out)/frames_workloads
$(out)/frames_workloads: tests/bench/frames_workloads.c $(out)/libquire_mm.a
	$(call quiet,CC,$@)$(CC) -O2 -march=x86-64-v3 -Wall -Wextra -Werror -Iplatform/hosted -o $@ $^ -pthread

# The AtomicOps report for dumps of other machines: build/hosted/atomics.
atomics-objects := $(call objects,tools/pci/atomics_main.c tools/pci/dump.c tools/pci/image.c \
	tools/pci/lspci_text.c platform/hosted/exit.c)
.PHONY: atomics
atomics: $(out)/atomics
	@mkdir -p build/hosted; cp $< build/hosted/atomics
$(out)/atomics: $(atomics-objects) $(fuzz-core)
	$(call quiet,LD,$@)$(CC) $(flags) -o $@ $^

# Interleavings: the frame allocator once more, each atomic access a step (tests/explore).
explore-sources := $(wildcard mm/frames*.c) tests/explore/frames_explore.c
explore-objects := $(addprefix $(out)/explore/,$(explore-sources:.c=.o))
explore: $(out)/quire-explore
# The macros nest, as atomic_store_explicit(a, atomic_load_explicit(b)) does.
$(explore-objects): flags += -include tests/explore/atomics.h -Wno-shadow
$(out)/explore/%.o: %.c $(out)/flags
	$(call quiet,CC,$<)mkdir -p $(@D); $(CC) $(flags) -MMD -MP -c $< -o $@
$(out)/quire-explore: $(explore-objects) $(call objects,tests/explore/explore.c kernel/format.c)
	$(call quiet,LD,$@)$(CC) $(flags) -o $@ $^
-include $(explore-objects:.o=.d)

compile_commands.json:
	@$(MAKE) -f tools/build.mk PORT=hosted -Bn V=1 tests | tools/compile_commands.py > $@
