// SPDX-License-Identifier: MIT
/*
 * The shell's view of all balloons: per device target and state, and the core's counters. One
 * page is 4 KiB on every port and for every host.
 */
#include <drivers/balloon/balloon_clients.h>
#include <drivers/balloon/virtio_balloon.h>

#include <kernel/json.h>
#include <kernel/log.h>
#include <kernel/shell.h>
#include <mm/node.h>
#include <platform/clock.h>

static const char *state_text(const struct virtio_balloon *balloon)
{
	if (balloon->dead)
		return "given up";
	if (balloon->size < balloon->target && balloon->yielded)
		return "gave way";
	if (balloon->size < balloon->target)
		return balloon->retry_at > clock_ns() ? "waiting for memory" : "inflating";
	return balloon->size > balloon->target ? "deflating" : "idle";
}

static void report_device_json(struct json *json, struct virtio_balloon *balloon)
{
	json_object(json, NULL);
	json_string(json, "device", balloon->device->name);
	json_string(json, "state", state_text(balloon));
	json_number(json, "wanted", balloon->wanted);
	json_number(json, "target", balloon->target);
	json_number(json, "size", balloon->size);
	json_number(json, "actual", balloon->actual);
	json_number(json, "held", balloon_pages(&balloon->core));
	json_number(json, "isolated", balloon_isolated(&balloon->core));
	json_number(json, "shortages", balloon->shortages);
	json_number(json, "given_in_need", balloon->given_in_need);
	json_number(json, "resets", balloon->recoveries);
	json_object(json, "hinting");
	json_number(json, "held", balloon->hinting.held);
	json_number(json, "hinted", balloon->hinting.hinted);
	json_number(json, "returned", balloon->hinting.returned);
	json_number(json, "runs", balloon->hinting.runs);
	json_end(json);
	json_end(json);
}

/* ---- free page reporting ---- */

static void reporting_json(struct json *json)
{
	struct page_reporting_statistics now;
	const char *device = page_reporting_statistics(&now);

	json_object(json, "reporting");
	json_string(json, "device", device);
	json_number(json, "block_size", PAGE_REPORTING_BLOCK);
	json_number(json, "reported", now.reported);
	json_number(json, "refused", now.refused);
	json_number(json, "lost", now.lost);
	json_number(json, "taken_back", now.taken_back);
	json_number(json, "early", now.early);
	json_number(json, "pending", now.pending);
	json_number(json, "held_back", now.held);
	json_number(json, "looks", now.looks);
	json_number(json, "batches", now.batches);
	json_number(json, "waited_p50_ns", page_reporting_percentile(&now, 50));
	json_number(json, "waited_p99_ns", page_reporting_percentile(&now, 99));
	json_number(json, "waited_max_ns", now.waited_max_ns);
	json_array(json, "waited_10ms");
	for (unsigned i = 0; i < PAGE_REPORTING_BUCKETS; i++)
		json_number(json, NULL, now.waited[i]);
	json_end(json);
	json_end(json);
}

static void reporting_text(void)
{
	struct page_reporting_statistics now;
	const char *device = page_reporting_statistics(&now);

	if (!device) {
		print("free memory is not reported to the host\n");
		return;
	}
	print("%s: free blocks of 2 MiB reported %llu, refused %llu, lost %llu; pending %llu, "
	      "of them held back %llu\n",
	      device, (unsigned long long)now.reported, (unsigned long long)now.refused,
	      (unsigned long long)now.lost, (unsigned long long)now.pending,
	      (unsigned long long)now.held);
	print("used again %llu, within 100 ms %llu; looks %llu, batches %llu\n",
	      (unsigned long long)now.taken_back, (unsigned long long)now.early,
	      (unsigned long long)now.looks, (unsigned long long)now.batches);
	if (!now.reported)
		return;
	print("from free to reported: half within %llu ms, 99 %% within %llu ms, all within "
	      "%llu ms\n",
	      (unsigned long long)(page_reporting_percentile(&now, 50) / NSEC_PER_MSEC),
	      (unsigned long long)(page_reporting_percentile(&now, 99) / NSEC_PER_MSEC),
	      (unsigned long long)(now.waited_max_ns / NSEC_PER_MSEC));
	for (unsigned i = 0; i < PAGE_REPORTING_BUCKETS; i++)
		if (now.waited[i])
			print("%4u ms%s: %llu\n", i * 10,
			      i + 1 < PAGE_REPORTING_BUCKETS ? "" : " or more",
			      (unsigned long long)now.waited[i]);
}

static void report_json(const struct balloon_events *events)
{
	struct virtio_balloon *balloon;
	struct json json;

	json_start(&json);
	json_object(&json, NULL);
	json_number(&json, "page_size", PAGE_SIZE);
	json_number(&json, "inflate", events->inflate);
	json_number(&json, "deflate", events->deflate);
	json_number(&json, "migrate", events->migrate);
	json_array(&json, "nodes");
	for (unsigned node = 0; node < node_count(); node++)
		json_number(&json, NULL, balloon_node_pages(node));
	json_end(&json);
	json_array(&json, "devices");
	list_for_each_entry (balloon, &virtio_balloons, link)
		report_device_json(&json, balloon);
	balloon_clients_json(&json);
	json_end(&json);
	reporting_json(&json);
	json_finish(&json);
}

static void report_device_text(struct virtio_balloon *balloon)
{
	print("%s: %s, target %llu pages of %u wanted, %llu at the host, %llu held, %llu "
	      "isolated\n",
	      balloon->device->name, state_text(balloon), (unsigned long long)balloon->target,
	      (unsigned)balloon->wanted, (unsigned long long)balloon->actual,
	      (unsigned long long)balloon_pages(&balloon->core),
	      (unsigned long long)balloon_isolated(&balloon->core));
	print("  shortages %llu, given back in need %llu, resets %u of %u\n",
	      (unsigned long long)balloon->shortages,
	      (unsigned long long)balloon->given_in_need, (unsigned)balloon->recoveries,
	      VIRTIO_BALLOON_RECOVERIES);
}

static void report_text(const struct balloon_events *events)
{
	struct virtio_balloon *balloon;

	list_for_each_entry (balloon, &virtio_balloons, link)
		report_device_text(balloon);
	if (!balloon_clients_text() && list_is_empty(&virtio_balloons))
		print("no balloon device: the host cannot ask for memory\n");
	print("pages inflated %llu, deflated %llu, migrated %llu\n",
	      (unsigned long long)events->inflate, (unsigned long long)events->deflate,
	      (unsigned long long)events->migrate);
	for (unsigned node = 0; node < node_count(); node++)
		print("node %u: %llu pages lent\n", node,
		      (unsigned long long)balloon_node_pages(node));
	reporting_text();
}

static int balloon_command(int argc, char **argv)
{
	struct balloon_events events;

	if (argc > 2 || (argc == 2 && !json_wanted(argc, argv)))
		return shell_usage("balloon");
	balloon_events(&events);
	mutex_lock(&virtio_balloons_lock);
	if (json_wanted(argc, argv))
		report_json(&events);
	else
		report_text(&events);
	mutex_unlock(&virtio_balloons_lock);
	return 0;
}

SHELL_COMMAND(
	balloon, "[-j]",
	"what each balloon device holds, and what its host wants\n"
	"Target, what the host was told of (actual), pages held and of those isolated (on the\n"
	"way to another place), all in pages of 4 KiB; events since boot; pages lent by each\n"
	"NUMA node; free blocks reported to the host, and a histogram of how long after they\n"
	"became free.\n"
	"-j  one line of JSON",
	balloon_command);
