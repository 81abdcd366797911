// SPDX-License-Identifier: MIT
/*
 * What the tests of the VMware client share: one balloon below one model of a host, moved step
 * by step without its thread. After each step both accounts are compared.
 */
#ifndef TESTS_DRIVERS_VMWARE_FIXTURE_H
#define TESTS_DRIVERS_VMWARE_FIXTURE_H

#include <tests/drivers/vmware_model.h>

extern struct vmware_balloon *vmware_tested;

/* A host that offers these capabilities; a guest that has not spoken yet. */
void vmware_create(uint32_t offers);
void vmware_compare(void);
void vmware_step(void);
/* The host wants this many pages; one step. */
void vmware_resize(uint64_t target);
/* The end of the guest: everything is accounted for. */
void vmware_destroy(void);

struct page *vmware_first_page(void); /* of the balloon */
struct page *vmware_fresh_page(void); /* one that may go there */

/* A judge that gives vmware_answer to every command vmware_answered. */
extern uint32_t vmware_answer, vmware_answered;
uint32_t vmware_answer_call(uint32_t command, unsigned nr, uint64_t frame);

#endif
