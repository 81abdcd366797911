// SPDX-License-Identifier: MIT
/*
 * A pseries hypervisor made of memory, behind the two functions of struct cmm_host. It keeps
 * its own account of every page on loan, in parts where its pages are smaller than the guest's,
 * stamps what it is lent, and fails the calls that a test wants to fail.
 */
#ifndef TESTS_DRIVERS_CMM_MODEL_H
#define TESTS_DRIVERS_CMM_MODEL_H

#include <drivers/balloon/cmm_balloon.h>

struct cmm_model {
	uint64_t wanted; /* pages it wants on loan in all */
	bool request_is_fixed;
	int64_t request; /* bytes, answered as it is then */
	int performance_error;
	unsigned fail_from;         /* page_init call that fails, 0: none; counted from 1 */
	unsigned fail_to;           /* the last that does */
	bool (*fails)(bool loaned); /* or by this */

	unsigned calls;              /* of page_init */
	unsigned loans, activations; /* that succeeded */
	uint64_t nr_loaned;          /* pages with a part on loan */
	uint64_t nr_stray;           /* of them, those it refused to take back into use */
	unsigned errors;
};

extern struct cmm_model cmm_model;

/* The host to give to cmm_balloon_create(); its pages are 1 << page_shift bytes. */
const struct cmm_host *cmm_model_create(unsigned page_shift);
void cmm_model_destroy(void);
bool cmm_model_holds(const struct page *page); /* all parts */
/* First difference between its account and the guest's, or NULL. At rest. */
const char *cmm_model_compare(struct cmm_balloon *balloon);

#endif
