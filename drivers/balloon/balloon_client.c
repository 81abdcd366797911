// SPDX-License-Identifier: MIT
/*
 * The list of running balloons, and what the shell says about each. A report is asked for with
 * the list locked, so that none goes away meanwhile.
 */
#include <drivers/balloon/balloon_client.h>

#include <drivers/balloon/balloon_clients.h>
#include <kernel/log.h>
#include <kernel/mutex.h>

static struct mutex clients_lock = MUTEX_INIT(clients_lock);
static struct list_head clients = LIST_INIT(clients); /* clients_lock */

void balloon_client_add(struct balloon_client *client)
{
	mutex_lock(&clients_lock);
	list_add_tail(&clients, &client->link);
	mutex_unlock(&clients_lock);
}

void balloon_client_remove(struct balloon_client *client)
{
	mutex_lock(&clients_lock);
	list_del(&client->link);
	mutex_unlock(&clients_lock);
}

static bool is_counter(const struct balloon_client_report *report, unsigned nr)
{
	return nr < BALLOON_CLIENT_COUNTERS && report->counters[nr].name;
}

static void client_json(struct json *json, struct balloon_client *client)
{
	struct balloon_client_report report = {0};

	client->report(client, &report);
	json_object(json, NULL);
	json_string(json, "device", client->name);
	json_string(json, "state", report.state);
	json_number(json, "target", report.target);
	json_number(json, "actual", report.actual);
	json_number(json, "isolated", report.isolated);
	for (unsigned i = 0; is_counter(&report, i); i++)
		json_number(json, report.counters[i].name, report.counters[i].value);
	json_end(json);
}

static void client_text(struct balloon_client *client)
{
	struct balloon_client_report report = {0};

	client->report(client, &report);
	print("%s: %s, target %llu pages, %llu at the host, %llu isolated", client->name,
	      report.state, (unsigned long long)report.target,
	      (unsigned long long)report.actual, (unsigned long long)report.isolated);
	for (unsigned i = 0; is_counter(&report, i); i++)
		print(", %s %llu", report.counters[i].name,
		      (unsigned long long)report.counters[i].value);
	print("\n");
}

void balloon_clients_json(struct json *json)
{
	struct balloon_client *client;

	mutex_lock(&clients_lock);
	list_for_each_entry (client, &clients, link)
		client_json(json, client);
	mutex_unlock(&clients_lock);
}

unsigned balloon_clients_text(void)
{
	struct balloon_client *client;
	unsigned count = 0;

	mutex_lock(&clients_lock);
	list_for_each_entry (client, &clients, link) {
		client_text(client);
		count++;
	}
	mutex_unlock(&clients_lock);
	return count;
}
