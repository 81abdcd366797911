// SPDX-License-Identifier: MIT
/*
 * The instructions of channel I/O, one function each (Principles of Operation, chapter 14), and
 * the way of its interruptions to drivers/ccw, where the meaning of condition codes and blocks
 * is known.
 */
#include <platform/channel_io.h>

#include <platform/s390x/io_interrupt.h>
#include <kernel/attributes.h>

/* The subchannel is named in register 1; the block's address is the operand. */
#define SUBCHANNEL_INSTRUCTION(name, block_type)                                \
	static unsigned name(struct channel_io *io UNUSED, uint32_t subchannel, \
			     block_type block)                                  \
	{                                                                       \
		register uint64_t id __asm__("1") = subchannel;                 \
		unsigned code;                                                  \
                                                                                \
		__asm__ volatile(#name " 0(%2)\n\tipm %0\n\tsrl %0,28"          \
				 : "=d"(code)                                   \
				 : "d"(id), "a"(block)                          \
				 : "cc", "memory");                             \
		return code;                                                    \
	}

SUBCHANNEL_INSTRUCTION(stsch, void *)
SUBCHANNEL_INSTRUCTION(msch, const void *)
SUBCHANNEL_INSTRUCTION(ssch, const void *)
SUBCHANNEL_INSTRUCTION(tsch, void *)

static unsigned csch(struct channel_io *io UNUSED, uint32_t subchannel)
{
	register uint64_t id __asm__("1") = subchannel;
	unsigned code;

	__asm__ volatile("csch\n\tipm %0\n\tsrl %0,28" : "=d"(code) : "d"(id) : "cc", "memory");
	return code;
}

/* Set-domain-attributes: the one thing asked of CHSC. Big-endian like the machine. */
struct domain_attributes {
	uint16_t length;
	uint16_t command;
	uint16_t reserved;
	uint16_t operation;
	uint8_t data[0x400 - 8];
	uint16_t response_length;
	uint16_t response;
	uint8_t rest[0x1000 - 0x404];
};
#define CHSC_SET_DOMAIN_ATTRIBUTES 0x0031
#define CHSC_SUBCHANNEL_SETS       2
#define CHSC_DONE                  1

static bool enable_sets(struct channel_io *io UNUSED)
{
	static struct domain_attributes block __attribute__((aligned(PAGE_SIZE)));
	unsigned code;

	block = (struct domain_attributes){
		.length = 0x400,
		.command = CHSC_SET_DOMAIN_ATTRIBUTES,
		.operation = CHSC_SUBCHANNEL_SETS,
	};
	__asm__ volatile(".insn rre,0xb25f0000,%1,0\n\tipm %0\n\tsrl %0,28"
			 : "=d"(code)
			 : "a"(&block)
			 : "cc", "memory");
	return code == 0 && block.response == CHSC_DONE;
}

/* KVM's virtio notification, function 3 of DIAGNOSE 0x500. */
static int64_t notify(struct channel_io *io UNUSED, uint32_t subchannel, uint64_t queue,
		      int64_t cookie)
{
	register uint64_t function __asm__("1") = 3;
	register int64_t id __asm__("2") = subchannel;
	register uint64_t index __asm__("3") = queue;
	register int64_t last __asm__("4") = cookie;

	__asm__ volatile("diag 2,4,0x500"
			 : "+d"(id)
			 : "d"(function), "d"(index), "d"(last)
			 : "cc", "memory");
	return id;
}

static const struct channel_operations operations = {
	.store = stsch,
	.modify = msch,
	.start = ssch,
	.test = tsch,
	.clear = csch,
	.enable_sets = enable_sets,
	.notify = notify,
};

static struct channel_io channel = {&operations, IO_SUBCLASS_DEVICES, NULL, NULL};

struct channel_io *platform_channel_io(void)
{
	io_subclass_open(channel.subclass);
	return &channel;
}

void channel_interrupt(uint32_t subchannel)
{
	if (channel.subchannel_interrupt)
		channel.subchannel_interrupt(&channel, subchannel);
}

void channel_adapter_interrupt(void)
{
	if (channel.adapter_interrupt)
		channel.adapter_interrupt();
}
