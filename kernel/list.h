// SPDX-License-Identifier: MIT
/*
 * Circular doubly linked list with the links inside the members. A node that is on no list
 * points at itself, so list_is_empty(node) tells whether it is linked.
 */
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

#include <kernel/bits.h>

struct list_head {
	struct list_head *next;
	struct list_head *prev;
};

#define LIST_INIT(name)          \
	{                        \
		&(name), &(name) \
	}

static inline void list_init(struct list_head *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool list_is_empty(const struct list_head *list)
{
	return list->next == list;
}

static inline void list_insert_between(struct list_head *node, struct list_head *prev,
				       struct list_head *next)
{
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
}

static inline void list_add_head(struct list_head *list, struct list_head *node)
{
	list_insert_between(node, list, list->next);
}

static inline void list_add_tail(struct list_head *list, struct list_head *node)
{
	list_insert_between(node, list->prev, list);
}

/* Unlink; the node is then a list of itself. Harmless on an unlinked node. */
static inline void list_del(struct list_head *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* Move the members of `from` before `stop`, a member of it or itself, to the tail of `to`. */
static inline void list_move_before(struct list_head *from, struct list_head *stop,
				    struct list_head *to)
{
	struct list_head *first = from->next;
	struct list_head *last = stop->prev;

	if (first == stop)
		return;
	from->next = stop;
	stop->prev = from;
	first->prev = to->prev;
	to->prev->next = first;
	last->next = to;
	to->prev = last;
}

/* Move all members of `from` to the tail of `to`; `from` is empty afterwards. */
static inline void list_splice_tail(struct list_head *from, struct list_head *to)
{
	list_move_before(from, from, to);
}

#define list_entry(node, type, member) container_of(node, type, member)
#define list_first(list, type, member) list_entry((list)->next, type, member)

#define list_for_each_entry(pos, list, member)                                                 \
	for (pos = list_entry((list)->next, __typeof__(*pos), member); &pos->member != (list); \
	     pos = list_entry(pos->member.next, __typeof__(*pos), member))

/* `next` holds the member after pos, so pos may be unlinked in the body. */
#define list_for_each_entry_safe(pos, next_pos, list, member)                  \
	for (pos = list_entry((list)->next, __typeof__(*pos), member),         \
	    next_pos = list_entry(pos->member.next, __typeof__(*pos), member); \
	     &pos->member != (list); pos = next_pos,                           \
	    next_pos = list_entry(next_pos->member.next, __typeof__(*pos), member))

#endif
