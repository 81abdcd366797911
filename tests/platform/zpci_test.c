// SPDX-License-Identifier: MIT
/*
 * platform/s390x/zpci.c against a model of the instructions: the list with its pages, handles
 * that change when a function is enabled, accesses that are busy, refused, or to a function
 * that is gone, and answers that make no sense.
 */
#include <platform/s390x/zpci.h>

#include <errno.h>
#include <kernel/bits.h>
#include <tests/kernel/text_sink.h>
#include <tests/test.h>

#define MODEL_FUNCTIONS 6
#define ENABLED         0x80000000u
#define MESSAGES        UINT64_C(0xfe00000000000000)

struct model_function {
	uint32_t handle;
	uint32_t id;
	uint32_t uid;
	bool standby;
	bool has_routing;
	uint16_t routing;
	uint8_t group;
	bool refuses;        /* to be enabled */
	bool another;        /* once enabled, it says that it is another one */
	bool gone;           /* cc 3 */
	unsigned busy;       /* accesses with cc 2 to come */
	unsigned short_of;   /* accesses with cc 1, no resources, to come */
	bool blocked;        /* cc 1 for good */
	uint8_t config[256]; /* little-endian, as the bus has it */
	uint8_t bar[64];     /* BAR 2 */
	unsigned interrupts; /* registrations */
};

static struct {
	struct model_function functions[MODEL_FUNCTIONS];
	unsigned count;
	unsigned bad_page; /* the n-th answer has entries of another size; 0: none */
	unsigned page;     /* entries in one answer */
	bool unique;
	uint8_t entry_size;
	bool token_without_entries;
	unsigned busy_calls;
	unsigned lists, sets, loads, stores;
	uint64_t fib[3]; /* of the last registration: flags, vectors, summary */
} model;

static struct zpci zpci;

static struct model_function *by_handle(uint32_t handle)
{
	for (unsigned i = 0; i < model.count; i++) {
		if (model.functions[i].handle == handle && !model.functions[i].gone)
			return &model.functions[i];
	}
	return NULL;
}

static void put_entry(uint8_t *entry, const struct model_function *f)
{
	be16_store(entry, 0x1000);
	be16_store(entry + 2, 0x1af4);
	be32_store(entry + 4, f->standby ? 0 : 0x80000000u);
	be32_store(entry + 8, f->id);
	be32_store(entry + 12, f->handle);
}

static void call_list(const uint8_t *request, uint8_t *response)
{
	unsigned at = (unsigned)be64_load(request + 16), n = 0;

	model.lists++;
	if (model.token_without_entries) {
		be64_store(response + 16, 1);
		be16_store(response, 32);
		return;
	}
	while (n < model.page && at < model.count)
		put_entry(response + 32 + 16 * n++, &model.functions[at++]);
	be64_store(response + 16, at < model.count ? at : 0);
	response[30] = model.unique;
	response[31] = model.lists == model.bad_page ? 24 : model.entry_size;
	be16_store(response, (uint16_t)(32 + 16 * n));
}

static unsigned call_query(uint8_t *response, const struct model_function *f)
{
	be32_store(response + 20, f->another && (f->handle & ENABLED) ? f->id + 1 : f->id);
	response[18] = f->has_routing ? 0x10 : 0;
	response[19] = f->group;
	be16_store(response + 80, f->routing);
	be32_store(response + 124, f->uid);
	return 0x10;
}

/* The handle is another one after each change. */
static unsigned call_set(const uint8_t *request, uint8_t *response, struct model_function *f)
{
	bool enable = request[22] == 0;

	model.sets++;
	if (f->refuses || enable == ((f->handle & ENABLED) != 0) || (enable && !request[23]))
		return 0x102;
	f->handle = (f->handle ^ ENABLED) + 0x10000;
	be32_store(response + 16, f->handle);
	return 0x10;
}

static unsigned model_call(void *block)
{
	uint8_t *request = block, *response = request + be16_load(request);
	struct model_function *f = by_handle(be32_load(request + 16));
	unsigned code = 0x10, command = be16_load(request + 2);

	CHECK_EQ(be16_load(request), 32);
	if (model.busy_calls > 0) {
		model.busy_calls--;
		code = 0x108;
	} else if (command == 2) {
		call_list(request, response);
	} else if (command == 4) {
		be16_store(response + 16, request[19] == 9 ? 16 : 128);
		be64_store(response + 40, request[19] == 8 ? MESSAGES + 8 : MESSAGES);
	} else if (!f) {
		code = 0x101;
	} else if (command == 3) {
		code = call_query(response, f);
	} else {
		code = call_set(request, response, f);
	}
	be16_store(response + 2, (uint16_t)code);
	return 0;
}

static unsigned refuse(struct model_function *f, uint64_t *request)
{
	if (!f || !(*request >> 63))
		return 3;
	if (f->busy > 0) {
		f->busy--;
		return 2;
	}
	if (f->short_of == 0 && !f->blocked)
		return 0;
	*request |= (f->blocked ? 12u : 16u) << 24;
	f->short_of -= f->short_of > 0;
	return 1;
}

static uint8_t *registers_of(struct model_function *f, uint64_t request, uint64_t offset)
{
	unsigned space = request >> 16 & 0xff;

	CHECK(space == 15 || space == 2);
	return (space == 15 ? f->config : f->bar) + offset;
}

/* Bytes go into the register as if they were big-endian. */
static unsigned model_load(uint64_t *data, uint64_t *request, uint64_t offset)
{
	struct model_function *f = by_handle((uint32_t)(*request >> 32));
	unsigned code = refuse(f, request), width = *request & 15;

	model.loads++;
	*data = 0; /* what must never be taken for an answer */
	for (unsigned i = 0; code == 0 && i < width; i++)
		*data = *data << 8 | registers_of(f, *request, offset)[i];
	return code;
}

static unsigned model_store(uint64_t data, uint64_t *request, uint64_t offset)
{
	struct model_function *f = by_handle((uint32_t)(*request >> 32));
	unsigned code = refuse(f, request), width = *request & 15;

	model.stores++;
	for (unsigned i = 0; code == 0 && i < width; i++)
		registers_of(f, *request, offset)[i] = (uint8_t)(data >> 8 * (width - 1 - i));
	return code;
}

static unsigned model_modify(uint64_t *request, const void *block)
{
	struct model_function *f = by_handle((uint32_t)(*request >> 32));
	unsigned code = refuse(f, request);

	CHECK_EQ(*request & 0xff, 2);
	if (code == 0) {
		f->interrupts++;
		model.fib[0] = be32_load((const uint8_t *)block + 40);
		model.fib[1] = be64_load((const uint8_t *)block + 48);
		model.fib[2] = be64_load((const uint8_t *)block + 56);
	}
	return code;
}

static const struct zpci_operations operations = {model_call, model_load, model_store,
						  model_modify};

static struct model_function *add(uint32_t uid, uint32_t id)
{
	struct model_function *f = &model.functions[model.count++];

	f->handle = 0x20000 + model.count;
	f->uid = uid;
	f->id = id;
	le32_store(f->config, 0x10001af4);
	return f;
}

static void create(void)
{
	memset(&model, 0, sizeof(model));
	model.page = MODEL_FUNCTIONS;
	model.unique = true;
	model.entry_size = 16;
	zpci = (struct zpci){
		.operations = &operations,
		.subclass = 2,
		.vectors = 0x1000,
		.summary = 0x1008,
		.nr_vectors = 64,
	};
}

/* Identifier as read, or all ones. */
static uint32_t identify(uint32_t segment, unsigned bdf)
{
	uint32_t value = 0;

	(void)!zpci_config_read(&zpci, segment, bdf, 0, 4, &value);
	return value;
}

TEST(zpci, A_T55_functions_are_listed_by_uid_and_read_by_their_new_handles)
{
	uint32_t segment = 0;
	unsigned bdf = 0;

	create();
	add(7, 0x42);
	add(5, 0x43);
	CHECK_EQ(zpci_find(&zpci), 2);
	CHECK_EQ(model.sets, 2);
	REQUIRE(zpci_next(&zpci, &segment, &bdf));
	CHECK_EQ(segment, 5);
	CHECK_EQ(bdf++, 0);
	REQUIRE(zpci_next(&zpci, &segment, &bdf));
	CHECK_EQ(segment, 7);
	CHECK_EQ(bdf++, 0);
	CHECK(!zpci_next(&zpci, &segment, &bdf));
	CHECK_EQ(identify(5, 0), 0x10001af4);
	CHECK_EQ(identify(7, 0), 0x10001af4);
	CHECK_EQ(zpci.functions[0].handle, 0x20002 + 0x10000 + ENABLED);
	zpci_forget(&zpci);
}

TEST(zpci, long_lists_come_in_pages)
{
	create();
	model.page = 2;
	for (unsigned i = 0; i < 5; i++)
		add(10 + i, i);
	model.functions[2].standby = true;
	CHECK_EQ(zpci_find(&zpci), 4);
	CHECK_EQ(model.lists, 3);
	CHECK_EQ(identify(12, 0), 0xffffffff);
	CHECK_EQ(identify(14, 0), 0x10001af4);
	zpci_forget(&zpci);
}

TEST(zpci, lists_that_make_no_sense_end)
{
	create();
	add(5, 1);
	model.entry_size = 24;
	text_sink_open();
	CHECK_EQ(zpci_find(&zpci), 0);
	CHECK(strstr(text_sink_close(), "makes no sense") != NULL);
	create();
	model.token_without_entries = true;
	CHECK_EQ(zpci_find(&zpci), 0);
	CHECK_EQ(model.lists, 1);
	/* What was good before stays. */
	create();
	model.page = 1;
	add(5, 1);
	add(6, 2);
	model.bad_page = 2;
	CHECK_EQ(zpci_find(&zpci), 1);
	CHECK_EQ(identify(5, 0), 0x10001af4);
	zpci_forget(&zpci);
	create();
	model.busy_calls = 1000;
	CHECK_EQ(zpci_find(&zpci), 0);
	CHECK_EQ(model.busy_calls, 1000 - ZPCI_TRIES);
	zpci_forget(&zpci);
}

TEST(zpci, busy_calls_are_made_again)
{
	create();
	add(5, 1);
	model.busy_calls = ZPCI_TRIES - 1;
	CHECK_EQ(zpci_find(&zpci), 1);
	CHECK_EQ(identify(5, 0), 0x10001af4);
	zpci_forget(&zpci);
}

TEST(zpci, uids_that_are_not_unique_get_segments_of_ours)
{
	create();
	add(5, 1);
	add(5, 2);
	add(0, 3);
	add(5, 4)->has_routing = true;
	model.functions[3].routing = 1; /* the second function of the first one's device */
	CHECK_EQ(zpci_find(&zpci), 4);
	CHECK_EQ(identify(5, 0), 0x10001af4);
	CHECK_EQ(identify(5, 1), 0x10001af4);
	CHECK_EQ(identify(0x10000, 0), 0x10001af4);
	CHECK_EQ(identify(0x10001, 0), 0x10001af4);
	zpci_forget(&zpci);
	create();
	model.unique = false;
	add(5, 1);
	CHECK_EQ(zpci_find(&zpci), 1);
	CHECK_EQ(identify(5, 0), 0xffffffff);
	CHECK_EQ(identify(0x10000, 0), 0x10001af4);
	zpci_forget(&zpci);
}

TEST(zpci, function_in_use_is_reset_first)
{
	create();
	add(5, 1)->handle |= ENABLED;
	CHECK_EQ(zpci_find(&zpci), 1);
	CHECK_EQ(model.sets, 2);
	CHECK_EQ(identify(5, 0), 0x10001af4);
	zpci_forget(&zpci);
}

TEST(zpci, function_that_cannot_be_enabled_is_listed_and_reads_all_ones)
{
	create();
	add(5, 1)->refuses = true;
	add(6, 2);
	add(7, 3)->another = true;
	text_sink_open();
	CHECK_EQ(zpci_find(&zpci), 3);
	CHECK(strstr(text_sink_close(), "function 0x1 (UID 0x5) cannot be enabled") != NULL);
	CHECK_EQ(identify(5, 0), 0xffffffff);
	CHECK_EQ(identify(6, 0), 0x10001af4);
	CHECK_EQ(identify(7, 0), 0xffffffff);
	zpci_forget(&zpci);
}

TEST(zpci, A_T56_invalid_handle_reads_all_ones_and_is_told_once)
{
	uint32_t value = 0;

	create();
	add(5, 1);
	CHECK_EQ(zpci_find(&zpci), 1);
	model.functions[0].gone = true;
	text_sink_open();
	CHECK_EQ(zpci_config_read(&zpci, 5, 0, 0, 2, &value), -EIO);
	CHECK_EQ(value, 0xffff);
	CHECK(strstr(text_sink_close(), "handle is not valid any more") != NULL);
	model.loads = 0;
	text_sink_open();
	CHECK_EQ(zpci_config_read(&zpci, 5, 0, 0, 4, &value), -EIO);
	CHECK_EQ(value, 0xffffffff);
	CHECK_STR(text_sink_close(), "");
	CHECK_EQ(zpci_config_write(&zpci, 5, 0, 4, 2, 6), -EIO);
	CHECK_EQ(model.loads + model.stores, 0);
	CHECK_EQ(zpci_config_read(&zpci, 6, 0, 0, 1, &value), -ENODEV);
	CHECK_EQ(value, 0xff);
	zpci_forget(&zpci);
}

TEST(zpci, A_T56_busy_is_tried_again_a_bounded_number_of_times)
{
	struct model_function *f;
	uint32_t value;

	create();
	f = add(5, 1);
	CHECK_EQ(zpci_find(&zpci), 1);
	f->busy = ZPCI_TRIES - 1;
	CHECK_EQ(identify(5, 0), 0x10001af4);
	f->short_of = ZPCI_TRIES - 1;
	CHECK_EQ(identify(5, 0), 0x10001af4);
	f->busy = ZPCI_TRIES + 5;
	CHECK_EQ(zpci_config_read(&zpci, 5, 0, 0, 4, &value), -EIO);
	CHECK_EQ(value, 0xffffffff);
	CHECK_EQ(f->busy, 5);
	f->busy = 0;
	f->blocked = true;
	model.loads = 0;
	CHECK_EQ(zpci_config_read(&zpci, 5, 0, 0, 4, &value), -EIO);
	CHECK_EQ(value, 0xffffffff);
	CHECK_EQ(model.loads, 1); /* no use in trying again */
	f->blocked = false;
	CHECK_EQ(identify(5, 0), 0x10001af4);
	zpci_forget(&zpci);
}

TEST(zpci, A_T46_registers_have_the_same_bytes_on_every_machine)
{
	struct model_function *f;
	uint32_t value;

	create();
	f = add(5, 1);
	CHECK_EQ(zpci_find(&zpci), 1);
	le32_store(f->config + 0x28, 0xabcd0000);
	CHECK_EQ(zpci_config_write(&zpci, 5, 0, 0x28, 2, 0x1240), 0);
	CHECK_EQ(f->config[0x28], 0x40);
	CHECK_EQ(f->config[0x29], 0x12);
	CHECK_EQ(f->config[0x2a], 0xcd);
	CHECK_EQ(f->config[0x2b], 0xab);
	CHECK_EQ(zpci_config_read(&zpci, 5, 0, 0x28, 4, &value), 0);
	CHECK_EQ(value, 0xabcd1240);
	CHECK_EQ(zpci_config_read(&zpci, 5, 0, 0x29, 1, &value), 0);
	CHECK_EQ(value, 0x12);
	zpci_forget(&zpci);
}

TEST(zpci, bars_are_reached_by_addresses_that_name_them)
{
	struct model_function *f;
	volatile uint8_t *at;

	create();
	add(4, 1);
	f = add(5, 2);
	CHECK_EQ(zpci_find(&zpci), 2);
	at = zpci_map(&zpci, 5, 0, 2, 16, 32);
	REQUIRE(at != NULL);
	zpci_store(&zpci, at + 4, 4, 0x11223344);
	CHECK_EQ(f->bar[20], 0x44);
	CHECK_EQ(f->bar[23], 0x11);
	CHECK_EQ(zpci_load(&zpci, at + 6, 2), 0x1122);
	zpci_store(&zpci, at + 8, 8, UINT64_C(0x8877665544332211));
	CHECK_EQ(f->bar[24], 0x11);
	CHECK_EQ(zpci_load(&zpci, at + 15, 1), 0x88);
	CHECK(zpci_map(&zpci, 5, 0, 6, 0, 4) == NULL);
	CHECK(zpci_map(&zpci, 6, 0, 0, 0, 4) == NULL);
	CHECK(zpci_map(&zpci, 5, 0, 0, 0, MIB(128) + 1) == NULL);
	CHECK(zpci_map(&zpci, 5, 0, 0, UINT64_MAX, 4) == NULL);
	CHECK(zpci_map(&zpci, 5, 0, 5, 0, MIB(128)) != NULL);
	f->gone = true;
	CHECK_EQ(zpci_load(&zpci, at, 4), 0xffffffff);
	CHECK_EQ(zpci_load(&zpci, at, 8), UINT64_MAX);
	zpci_forget(&zpci);
}

TEST(zpci, messages_go_to_one_word_of_indicators)
{
	create();
	add(4, 1);
	add(5, 2);
	CHECK_EQ(zpci_find(&zpci), 2);
	CHECK_EQ(model.functions[0].interrupts, 1);
	CHECK_EQ(model.functions[1].interrupts, 1);
	CHECK_EQ(zpci.message_address, MESSAGES);
	CHECK_EQ(zpci.message_limit, 64);
	CHECK_EQ(model.fib[0], 2u << 28 | 64u << 16 | 0x80);
	CHECK_EQ(model.fib[1], 0x1000);
	CHECK_EQ(model.fib[2], 0x1008);
	zpci_forget(&zpci);
}

TEST(zpci, group_with_few_messages_bounds_all)
{
	create();
	add(4, 1)->group = 9;
	add(5, 2);
	CHECK_EQ(zpci_find(&zpci), 2);
	CHECK_EQ(zpci.message_limit, 16);
	CHECK_EQ(model.fib[0], 2u << 28 | 16u << 16 | 0x80);
	zpci_forget(&zpci);
}
