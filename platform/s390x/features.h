// SPDX-License-Identifier: MIT
/*
 * What the machine can do: the facility list (STFLE), read once on the boot CPU; all CPUs of a
 * machine are alike. Never probe by executing: QEMU executes what it says is absent.
 */
#ifndef PLATFORM_S390X_FEATURES_H
#define PLATFORM_S390X_FEATURES_H

#include <platform/types.h>

/* Bits of the facility list (Principles of Operation, "Facility indications"). */
enum facility {
	FACILITY_EDAT1 = 8,
	FACILITY_TOPOLOGY = 11,
	FACILITY_EXTENDED_TRANSLATION_2 = 19,
	FACILITY_STORE_CLOCK_FAST = 25,
	FACILITY_MESSAGE_SECURITY_5 = 57,
	FACILITY_ZPCI = 69,
	FACILITY_ADAPTER_EVENTS = 71,
	FACILITY_ADAPTER_SUPPRESSION = 72,
	FACILITY_EDAT2 = 78,
	FACILITY_VECTOR = 129,
	FACILITY_INSTRUCTION_PROTECTION = 130,
	FACILITY_MIO = 153,
};

/* Fill the list. Boot CPU, first of all. */
void facilities_detect(void);
bool facility_present(enum facility facility);

#endif
