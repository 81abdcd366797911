// SPDX-License-Identifier: MIT
/*
 * Start of the small-object allocators, called once by mm_init(); folios work then.
 */
#ifndef MM_SLAB_INIT_H
#define MM_SLAB_INIT_H

void slab_init(void);
void kmalloc_init(void);

/* Empty slabs go back when memory is short; after kmalloc works. */
void slab_shrinker_init(void);

#endif
