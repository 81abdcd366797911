// SPDX-License-Identifier: MIT
/*
 * Memory that runs dry for a balloon: it gets so many more pages or blocks, then its
 * allocations fail. For test builds, which have the hook.
 */
#ifndef TESTS_DRIVERS_BALLOON_BUDGET_H
#define TESTS_DRIVERS_BALLOON_BUDGET_H

void balloon_budget_start(unsigned allocations);
/* A new budget, while the balloon's thread may be spending the old one. */
void balloon_budget_set(unsigned allocations);
/* Memory is there again; a fault that is armed stays so. */
void balloon_budget_end(void);

#endif
