# SPDX-License-Identifier: MIT
# The only makefile a person calls: `make help` is the front page. One configuration is built by
# tools/build.mk; host programs in tools/ do the rest and have their own --help.

ARCH      ?= x86_64
TOOLCHAIN ?= gcc
BUILD     ?= debug
TESTS     ?=
SEED      ?= 0
CPUS      ?= 4
MEMORY    ?= 1G
RUN       ?=
CMDLINE   ?=
APP       ?=
ACCEL     ?= tcg
MACHINE   ?=
SECONDS   ?= 60
V         ?= 0

MAKEFLAGS += --no-print-directory
PYTHON    := python3
JOBS      := $(shell nproc 2>/dev/null || echo 2)
one        = +@$(MAKE) -j$(JOBS) -f tools/build.mk V=$(V)
kernel     = $(one) PORT=$(ARCH) BUILD=$(BUILD) TOOLCHAIN=$(TOOLCHAIN) APP=$(APP)
firmware   = $(if $(filter s390x,$(ARCH)),--ipl,--uefi)
qemu       = $(PYTHON) tools/qemu.py --arch $(ARCH) --accel $(ACCEL) --memory $(MEMORY) \
	     --cpus $(CPUS) $(if $(MACHINE),--machine $(MACHINE)) --cmdline '$(CMDLINE)'

.DEFAULT_GOAL := all
.PHONY: all help setup deps disk run libvirt test check debug image atomics bench library fuzz faults \
	lint format coverage spec-coverage mutants verdict clean compile_commands.json

all: setup deps
	$(kernel) all

help:
	@sed -n 's/^#help //p' Makefile

#help Quire: a small freestanding kernel whose memory is elastic
#help
#help   make run              build, boot by UEFI or IPL in QEMU, shell in this terminal
#help   make run RUN="mem"    run shell commands, power off; status 0 only if all succeeded
#help   make run APP=hello    build apps/hello against newlib into the kernel and run it
#help   make test             every suite: hosted and every port, both toolchains (ARCH= narrows)
#help   make check            hosted suites under ASan and UBSan, in seconds
#help   make libvirt          what virsh prints about Quire, under a libvirtd of its own
#help   make debug            boot stopped, wait for gdb, print the line to type
#help   make image            build/ARCH/quire.img: boots by UEFI, or by IPL; with CMDLINE in it
#help   make atomics          build/hosted/atomics FILE: the AtomicOps report of what lspci printed
#help   make bench            figures, with the ratio to the stored baseline
#help   make library          build/hosted/libquire_mm.a and quire_mm.h: the allocator for others
#help   make fuzz             FUZZ=name SECONDS=60: one fuzzer by time (all without FUZZ)
#help   make faults           every allocation of every test (TESTS= narrows) fails once, hosted
#help   make lint / format    layers, style, spelling, sizes / rewrite with clang-format
#help   make coverage         hosted line coverage
#help   make spec-coverage    which rows of which specification passed where in the last run
#help   make mutants          each one-line mutant must turn its test red
#help   make verdict LOG=f    judge a log, from QEMU or from a board's serial line
#help   make deps             newlib from Debian's source package, pinned, built once
#help   make clean            remove build/ (deps stay in the cache)
#help
#help   variables             ARCH=x86_64|s390x TOOLCHAIN=gcc|clang BUILD=debug|release V=1
#help                         TESTS=suite,suite.test SEED=0 CPUS=4 MEMORY=1G RUN= CMDLINE=
#help                         ACCEL=tcg|kvm MACHINE=name

# What is asked for: one port, or for `make test` all of them unless ARCH= names one.
ports     = $(ARCH)
test: ports = $(if $(filter file,$(origin ARCH)),x86_64 s390x,$(ARCH))

setup:
	@tools/setup build run test lint $(filter s390x,$(ports))

deps: setup
	$(if $(filter-out hosted,$(ports)),@tools/deps $(ports))

disk: setup deps
	$(kernel) image

image: disk
	$(if $(CMDLINE),@$(PYTHON) tools/image.py --edit --output build/$(ARCH)/quire.img \
	  --cmdline '$(CMDLINE)')

run: disk
	@$(qemu) run $(firmware) $(if $(RUN),--run '$(RUN)') $(if $(APP),--run app)

libvirt: disk
	@tools/setup libvirt
	@$(PYTHON) tools/libvirt_show.py --build build/$(ARCH)

debug: disk
	@$(qemu) debug

check: setup
	$(one) PORT=hosted BUILD=asan TOOLCHAIN=$(TOOLCHAIN) tests
	@build/hosted-asan-$(TOOLCHAIN)/quire-tests $(if $(TESTS),tests=$(TESTS)) seed=$(SEED) \
	  > build/hosted-asan-$(TOOLCHAIN)/log 2>&1; \
	 $(PYTHON) tools/verdict.py --port hosted --status $$? build/hosted-asan-$(TOOLCHAIN)/log

test: setup deps
	-@$(if $(filter x86_64,$(ports)),tools/setup libvirt)
	@tools/test --arch '$(if $(filter file,$(origin ARCH)),,$(ARCH))' --tests '$(TESTS)' --seed $(SEED)

bench: setup deps
	@tools/setup build run test
	$(kernel) BUILD=release all
	@$(PYTHON) tools/bench.py
	@$(PYTHON) tools/bench_frames.py
	@$(PYTHON) tests/bench/balloon_cost.py
	@$(PYTHON) tests/bench/reporting.py --long

library: setup
	$(one) PORT=hosted BUILD=library TOOLCHAIN=clang library
	@mkdir -p build/hosted && cp build/hosted-library-clang/libquire_mm.a \
	  platform/hosted/quire_mm.h build/hosted/

fuzz: setup
	$(one) PORT=hosted BUILD=fuzz TOOLCHAIN=clang fuzzers
	@$(PYTHON) tools/fuzz.py --seconds $(SECONDS) $(FUZZ)

faults: setup
	$(one) PORT=hosted BUILD=asan TOOLCHAIN=gcc tests
	@$(PYTHON) tools/faults.py --seed $(SEED) --tests '$(TESTS)'

atomics: setup
	$(one) PORT=hosted BUILD=release TOOLCHAIN=gcc atomics

lint: setup
	@tools/lint

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

coverage: setup
	$(one) PORT=hosted BUILD=coverage TOOLCHAIN=gcc tests
	@$(PYTHON) tools/coverage.py

spec-coverage:
	@$(PYTHON) tools/spec_coverage.py

mutants: setup
	@$(PYTHON) tools/mutants.py

verdict:
	@$(PYTHON) tools/verdict.py --port $(ARCH) $(LOG)

compile_commands.json:
	@$(MAKE) -f tools/build.mk PORT=$(ARCH) BUILD=$(BUILD) TOOLCHAIN=$(TOOLCHAIN) $@

clean:
	@rm -rf build compile_commands.json
