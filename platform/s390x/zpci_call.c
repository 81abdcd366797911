// SPDX-License-Identifier: MIT
/*
 * The calls to the logical processor about PCI functions: request and response blocks, by
 * offset, big-endian. A response is judged before it is believed.
 */
#include <platform/s390x/zpci.h>

#include <platform/clock.h>
#include <kernel/bits.h>
#include <kernel/kmem.h>
#include <kernel/log.h>
#include <errno.h>

#define COMMAND_LIST  2u
#define COMMAND_QUERY 3u
#define COMMAND_GROUP 4u
#define COMMAND_SET   5u

#define RESPONSE_DONE 0x0010u
#define RESPONSE_BUSY 0x0108u

/* Header of both halves: length, command or response code. */
#define HEADER_CODE   2
#define REQUEST_SIZE  32u
#define REQUEST_TOKEN 16
#define REQUEST_NAME  16 /* handle, or group */
#define SET_OPERATION 22
#define SET_SPACES    23
#define SET_DISABLE   1

#define RESPONSE_SIZE     (ZPCI_BLOCK_SIZE - REQUEST_SIZE)
#define LIST_TOKEN        16
#define LIST_FLAGS        30
#define LIST_ENTRY_SIZE   31
#define LIST_ENTRIES      32u
#define LIST_UNIQUE_IDS   0x01
#define ENTRY_CONFIGURED  0x80000000u
#define ENTRY_STATE       4
#define ENTRY_ID          8
#define ENTRY_HANDLE      12
#define ENTRY_SIZE        16u
#define QUERY_FLAGS       18
#define QUERY_HAS_ROUTING 0x10
#define QUERY_GROUP       19
#define QUERY_ID          20
#define QUERY_ROUTING     80
#define QUERY_UID         124
#define GROUP_MESSAGES    16
#define GROUP_NUMBER_MASK 0x0fffu
#define GROUP_ADDRESS     40
#define SET_HANDLE        16

/* Fill the header, call, and look at the answer; the response or NULL. */
static uint8_t *call(struct zpci *zpci, uint8_t *block, unsigned command, const char *what)
{
	uint8_t *response = block + REQUEST_SIZE;
	unsigned code = 0, length = 0, condition;

	be16_store(block, REQUEST_SIZE);
	be16_store(block + HEADER_CODE, (uint16_t)command);
	for (unsigned tries = 0; tries < ZPCI_TRIES; tries++) {
		be16_store(response, RESPONSE_SIZE);
		condition = zpci->operations->call(block);
		code = be16_load(response + HEADER_CODE);
		length = be16_load(response);
		if (condition == 0 && code == RESPONSE_DONE && length <= RESPONSE_SIZE)
			return response;
		if (condition != 2 && code != RESPONSE_BUSY)
			break;
		clock_delay_ns(NSEC_PER_USEC);
	}
	log_warn("zpci: %s failed: condition code %u, response %#x, %u bytes", what, condition,
		 code, length);
	return NULL;
}

static void *request(void *block)
{
	memset(block, 0, ZPCI_BLOCK_SIZE);
	return block;
}

/* Room for `more` functions; false when memory is short or there are too many. */
static bool reserve(struct zpci *zpci, unsigned more)
{
	struct zpci_function *larger;

	if (zpci->count + more > ZPCI_FUNCTIONS_MAX)
		return false;
	larger = kmem_alloc((zpci->count + more) * sizeof(*larger));
	if (!larger)
		return false;
	if (zpci->functions)
		memcpy(larger, zpci->functions, zpci->count * sizeof(*larger));
	kmem_free(zpci->functions);
	zpci->functions = larger;
	return true;
}

static void keep(struct zpci *zpci, const uint8_t *entry)
{
	struct zpci_function *function = &zpci->functions[zpci->count];

	if (!(be32_load(entry + ENTRY_STATE) & ENTRY_CONFIGURED))
		return;
	*function = (struct zpci_function){
		.id = be32_load(entry + ENTRY_ID),
		.handle = be32_load(entry + ENTRY_HANDLE),
	};
	zpci->count++;
}

/* One page of the list; the token of the next, 0 after the last or when this one is no good. */
static uint64_t list_page(struct zpci *zpci, uint8_t *block, uint64_t token)
{
	uint8_t *response;
	unsigned length;

	be64_store((uint8_t *)request(block) + REQUEST_TOKEN, token);
	response = call(zpci, block, COMMAND_LIST, "the list of functions");
	if (!response)
		return 0;
	length = be16_load(response);
	token = be64_load(response + LIST_TOKEN);
	if (response[LIST_ENTRY_SIZE] != ENTRY_SIZE || length < LIST_ENTRIES ||
	    (length == LIST_ENTRIES && token)) {
		log_warn("zpci: the list of functions makes no sense: %u bytes, entries of %u",
			 length, response[LIST_ENTRY_SIZE]);
		return 0;
	}
	zpci->unique_ids = response[LIST_FLAGS] & LIST_UNIQUE_IDS;
	length = (length - LIST_ENTRIES) / ENTRY_SIZE;
	if (length == 0)
		return 0;
	if (!reserve(zpci, length)) {
		log_warn("zpci: more than %u functions, or no memory for them: the rest is "
			 "left out",
			 zpci->count);
		return 0;
	}
	for (unsigned i = 0; i < length; i++)
		keep(zpci, response + LIST_ENTRIES + i * ENTRY_SIZE);
	return token;
}

/* Ends: a page has an entry, or is the last; standby entries count for the bound, too. */
void zpci_call_list(struct zpci *zpci, void *block)
{
	uint64_t token = 0;

	for (unsigned pages = 0; pages < ZPCI_FUNCTIONS_MAX; pages++) {
		token = list_page(zpci, block, token);
		if (!token)
			break;
	}
}

int zpci_call_query(struct zpci *zpci, void *block, uint32_t handle, struct zpci_query *query)
{
	uint8_t *response;

	be32_store((uint8_t *)request(block) + REQUEST_NAME, handle);
	response = call(zpci, block, COMMAND_QUERY, "a query of a function");
	if (!response)
		return -EIO;
	*query = (struct zpci_query){
		.id = be32_load(response + QUERY_ID),
		.uid = be32_load(response + QUERY_UID),
		.devfn = response[QUERY_FLAGS] & QUERY_HAS_ROUTING ? response[QUERY_ROUTING + 1]
								   : 0,
		.group = response[QUERY_GROUP],
	};
	return 0;
}

int zpci_call_group(struct zpci *zpci, void *block, uint8_t group, struct zpci_group *result)
{
	uint8_t *response;

	be32_store((uint8_t *)request(block) + REQUEST_NAME, group);
	response = call(zpci, block, COMMAND_GROUP, "a query of a group of functions");
	if (!response)
		return -EIO;
	*result = (struct zpci_group){
		.message_address = be64_load(response + GROUP_ADDRESS),
		.messages = be16_load(response + GROUP_MESSAGES) & GROUP_NUMBER_MASK,
	};
	return 0;
}

int zpci_call_set(struct zpci *zpci, void *block, bool enable, uint32_t *handle)
{
	uint8_t *bytes = request(block), *response;

	be32_store(bytes + REQUEST_NAME, *handle);
	bytes[SET_OPERATION] = enable ? 0 : SET_DISABLE;
	bytes[SET_SPACES] = enable ? 1 : 0;
	response = call(zpci, block, COMMAND_SET, enable ? "enabling" : "disabling");
	if (!response)
		return -EIO;
	*handle = be32_load(response + SET_HANDLE);
	return 0;
}
