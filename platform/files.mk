# SPDX-License-Identifier: MIT
# The contract has no sources of its own; each port lists its files in platform/<port>/files.mk,
# and these among them if its page tables are a machine's.
paging-sources := \
	platform/paging/mmu.c \
	platform/paging/mmu_change.c \
	platform/paging/mmu_space.c
