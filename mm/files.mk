# SPDX-License-Identifier: MIT
# Frames and zones, blocks and folios, small objects.
sources += \
	mm/bad_page.c \
	mm/balloon.c \
	mm/balloon_movable.c \
	mm/block.c \
	mm/check.c \
	mm/compaction.c \
	mm/compaction_command.c \
	mm/command.c \
	mm/dma.c \
	mm/folio.c \
	mm/folio_split.c \
	mm/folios_command.c \
	mm/frame_info.c \
	mm/frames.c \
	mm/frames_check.c \
	mm/frames_cpu.c \
	mm/frames_index.c \
	mm/frames_range.c \
	mm/frames_report.c \
	mm/frames_search.c \
	mm/kmalloc.c \
	mm/map.c \
	mm/migrate.c \
	mm/mm.c \
	mm/node.c \
	mm/offline.c \
	mm/page.c \
	mm/page_alloc.c \
	mm/page_range.c \
	mm/page_reporter.c \
	mm/page_reporting.c \
	mm/page_describe.c \
	mm/ranges.c \
	mm/reclaim.c \
	mm/settle.c \
	mm/shrinker.c \
	mm/slab.c \
	mm/slab_command.c \
	mm/slab_debug.c \
	mm/slab_page.c \
	mm/slab_shrinker.c \
	mm/stack.c \
	mm/touch.c \
	mm/zone.c \
	mm/zone_init.c
