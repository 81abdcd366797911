# SPDX-License-Identifier: MIT
# The developer's machine as a port: one program with all portable suites, and the fuzzers.

flags-hosted          := -pthread -DQUIRE_TEST_HOOKS
flags-hosted-asan     := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
flags-hosted-tsan     := -O1 -fsanitize=thread
flags-hosted-coverage := -O0 --coverage
flags-hosted-release  := -O2
flags-hosted-fuzz     := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

program := $(out)/quire-tests
tests: $(program)
all: $(program)

$(program): $(core-objects) $(test-objects)
	$(call quiet,LD,$@)$(CC) $(flags) -o $@ $^ $(libraries-hosted)

# The core as an archive: a fuzzer takes what it needs. The program's main and ways out are not in
# it: libFuzzer, or fuzz_main.c, brings one, and fuzz_platform.c makes every way out a finding.
fuzz-core    := $(out)/core-of-fuzzers.a
fuzz-binary  := $(addprefix $(out)/fuzz-,$(fuzzers))
fuzzers: $(fuzz-binary)
$(fuzz-core): $(filter-out $(call objects,platform/hosted/main.c platform/hosted/exit.c), \
		$(core-objects))
	$(call quiet,AR,$@)rm -f $@; ar rcs $@ $^
$(fuzz-binary): $(out)/fuzz-%: $(out)/tests/fuzz/%_fuzz.o $(call objects,$(fuzz-support)) \
		$(if $(filter fuzz,$(BUILD)),,$(call objects,tests/fuzz/fuzz_main.c)) $(fuzz-core)
	$(call quiet,LD,$@)$(CC) $(flags) $(if $(filter fuzz,$(BUILD)),-fsanitize=fuzzer) -o $@ $^

compile_commands.json:
	@$(MAKE) -f tools/build.mk PORT=hosted -Bn V=1 tests | tools/compile_commands.py > $@
