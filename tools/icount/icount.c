// SPDX-License-Identifier: MIT
/*
 * A QEMU TCG plugin that counts executed guest instructions, in total and between marks: the
 * arguments `mark=NAME:ADDRESS` name virtual addresses of guest code, and the first execution
 * of each is reported with the count so far. With `count=FILE` the total stands in the first
 * eight bytes of that file, host order, for who stops the machine and looks. Debian packages no
 * qemu-plugin.h, so the few declarations of the documented plugin interface (version 1) that
 * are used stand here.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;

enum { PLUGIN_NO_REGISTERS = 0 };
enum { PLUGIN_INLINE_ADD_U64 = 0 };

typedef void tb_translated_fn(uint64_t id, struct qemu_plugin_tb *tb);
typedef void executed_fn(unsigned vcpu, void *data);
typedef void at_exit_fn(uint64_t id, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, tb_translated_fn *callback);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    executed_fn *callback, int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int operation,
						void *counter, uint64_t value);
void qemu_plugin_register_atexit_cb(uint64_t id, at_exit_fn *callback, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv);
__attribute__((visibility("default"))) int qemu_plugin_version = 1;

#define MARKS_MAX 16

struct mark {
	char name[32];
	uint64_t address;
	uint64_t count;
	bool seen;
};

static struct mark marks[MARKS_MAX];
static unsigned mark_count;
static uint64_t private_count;
static uint64_t *executed = &private_count;
static FILE *output;

static void reached(unsigned vcpu, void *data)
{
	struct mark *mark = data;

	(void)vcpu;
	if (mark->seen)
		return;
	mark->seen = true;
	mark->count = *executed;
	fprintf(output, "mark %s %" PRIu64 "\n", mark->name, *executed);
	fflush(output);
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t count = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		for (unsigned m = 0; m < mark_count; m++)
			if (qemu_plugin_insn_vaddr(insn) == marks[m].address)
				qemu_plugin_register_vcpu_insn_exec_cb(
					insn, reached, PLUGIN_NO_REGISTERS, &marks[m]);
		qemu_plugin_register_vcpu_insn_exec_inline(insn, PLUGIN_INLINE_ADD_U64,
							   executed, 1);
	}
}

static void finish(uint64_t id, void *data)
{
	(void)id;
	(void)data;
	fprintf(output, "total %" PRIu64 "\n", *executed);
	fclose(output);
}

static bool add_mark(const char *text)
{
	const char *colon = strchr(text, ':');

	if (!colon || mark_count == MARKS_MAX || colon - text >= (int)sizeof(marks[0].name))
		return false;
	memcpy(marks[mark_count].name, text, (size_t)(colon - text));
	marks[mark_count++].address = strtoull(colon + 1, NULL, 0);
	return true;
}

static bool share_count(const char *path)
{
	FILE *file = fopen(path, "w+");
	void *memory = MAP_FAILED;

	if (file && fwrite(executed, sizeof(*executed), 1, file) == 1 && !fflush(file))
		memory = mmap(NULL, sizeof(*executed), PROT_READ | PROT_WRITE, MAP_SHARED,
			      fileno(file), 0);
	if (file)
		fclose(file);
	if (memory == MAP_FAILED)
		return false;
	executed = memory;
	return true;
}

__attribute__((visibility("default"))) int
qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	output = stderr;
	for (int i = 0; i < argc; i++) {
		bool good = false;

		if (strncmp(argv[i], "mark=", 5) == 0)
			good = add_mark(argv[i] + 5);
		else if (strncmp(argv[i], "out=", 4) == 0)
			good = (output = fopen(argv[i] + 4, "w")) != NULL;
		else if (strncmp(argv[i], "count=", 6) == 0)
			good = share_count(argv[i] + 6);
		if (!good) {
			fprintf(stderr,
				"icount: cannot use argument %s (mark=NAME:ADDRESS, "
				"out=FILE, count=FILE)\n",
				argv[i]);
			return -1;
		}
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, finish, NULL);
	return 0;
}
