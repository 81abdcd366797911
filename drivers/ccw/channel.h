// SPDX-License-Identifier: MIT
/*
 * Blocks of the channel subsystem, by offset and bit: z/Architecture Principles of Operation,
 * chapters 14 to 16. All fields are big-endian.
 */
#ifndef DRIVERS_CCW_CHANNEL_H
#define DRIVERS_CCW_CHANNEL_H

#include <platform/channel_io.h>

/* Subsystem-identification word: a one, the subchannel set, the number. */
#define CHANNEL_ID(set, number) (0x00010000u | (uint32_t)(set) << 17 | (number))
#define CHANNEL_SETS            4u
#define CHANNEL_NUMBERS         0x10000u

/* Subchannel-information block: path-management control word first. */
#define SCHIB_PARAMETER  0
#define SCHIB_FLAGS      4 /* word: subclass, enabled, valid; device number below */
#define SCHIB_TYPE       24
#define SCHIB_SUBCLASS   27 /* shift in SCHIB_FLAGS */
#define SCHIB_ENABLED    0x00800000u
#define SCHIB_VALID      0x00010000u
#define SCHIB_TYPE_MASK  0x00e00000u /* 0: an I/O subchannel */
#define SCHIB_KEEP_FLAGS 0x0000ffffu /* device number */

/* Operation-request block. */
#define ORB_CONTROL       4
#define ORB_PROGRAM       8
#define ORB_CONTROL_VALUE 0x00c0ff00u /* format-1 CCWs, prefetch allowed, all paths */

/* Channel-command word, format 1. */
#define CCW_SIZE          8u
#define CCW_FLAGS         1
#define CCW_COUNT         2
#define CCW_ADDRESS       4
#define CCW_SUPPRESS      0x20 /* a length that differs is no fault */
#define CCW_ADDRESS_LIMIT UINT64_C(0x80000000)

#define CCW_COMMAND_SENSE    0x04
#define CCW_COMMAND_SENSE_ID 0xe4

/* Interruption-response block: subchannel-status word first. */
#define IRB_CONTROL        0
#define IRB_STATUS         8 /* byte: device; next byte: subchannel */
#define IRB_RESIDUAL       10
#define IRB_DEFERRED       0x03000000u /* deferred condition code */
#define IRB_START_FUNCTION 0x00004000u
#define IRB_CLEAR_FUNCTION 0x00001000u
#define IRB_SECONDARY      0x00000002u /* the function has ended */
#define IRB_PENDING        0x00000001u

#define DEVICE_UNIT_CHECK    0x02
#define SUBCHANNEL_FAULTS    0x3f /* all but program-controlled and incorrect length */
#define SENSE_COMMAND_REJECT 0x80
#define SENSE_SIZE           32u

/* What SENSE ID gives, by offset; the first byte is 0xff. */
#define SENSE_ID_SIZE         7u
#define SENSE_ID_CONTROL_UNIT 1
#define SENSE_ID_MODEL        3

#endif
