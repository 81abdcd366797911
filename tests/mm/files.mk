# SPDX-License-Identifier: MIT

tests += \
	tests/mm/bad_page_fixture.c \
	tests/mm/bad_page_test.c \
	tests/mm/balloon_fixture.c \
	tests/mm/balloon_movable_test.c \
	tests/mm/balloon_races_test.c \
	tests/mm/balloon_stress_test.c \
	tests/mm/balloon_test.c \
	tests/mm/check_test.c \
	tests/mm/compaction_test.c \
	tests/mm/dma_test.c \
	tests/mm/folio_split_test.c \
	tests/mm/folio_test.c \
	tests/mm/fragment_command.c \
	tests/mm/frames_cpu_test.c \
	tests/mm/frames_range_test.c \
	tests/mm/frames_test.c \
	tests/mm/frames_word_test.c \
	tests/mm/invariant.c \
	tests/mm/malloc_command.c \
	tests/mm/numa_test.c \
	tests/mm/mem_commands_test.c \
	tests/mm/memcg_test.c \
	tests/mm/offline_test.c \
	tests/mm/page_alloc_test.c \
	tests/mm/page_range_test.c \
	tests/mm/page_reporting_test.c \
	tests/mm/reclaim_thread_test.c \
	tests/mm/request_context_test.c \
	tests/mm/settle_test.c \
	tests/mm/shrinker_test.c \
	tests/mm/slab_test.c \
	tests/mm/stack_test.c \
	tests/mm/zone_test.c

# Takes all memory: the hosted machine pretends to have more than the host.
tests-target += tests/mm/reclaim_test.c tests/mm/scatter_command.c tests/mm/touch_test.c
