// SPDX-License-Identifier: MIT
/*
 * Row 59: every combination of port states on paths of up to two switches, every set of
 * completers, root visible or hidden, against the oracle.
 */
#include <kernel/log.h>
#include <tests/pci/atomic_oracle.h>
#include <tests/pci/topology.h>
#include <tests/test.h>

/* One machine of a fixed shape whose registers are poked between evaluations. */
struct shape {
	struct topology *t;
	struct pci_image_function *root; /* NULL: hidden */
	struct pci_image_function *ports[ORACLE_PORTS_MAX];
	struct pci_device *endpoint;
	struct oracle_path path;
	unsigned mismatches;
	unsigned combinations;
};

static void build(struct shape *s, unsigned switches, bool visible)
{
	struct pci_image_function *above = NULL, *endpoint;

	s->t = topology_new();
	s->path = (struct oracle_path){.count = 2 * switches, .root_visible = visible};
	s->root = visible ? topology_root_port(s->t, DEVFN(1, 0), 0) : NULL;
	above = s->root;
	for (unsigned i = s->path.count; i-- > 0;) {
		bool up = i % 2 == 1;

		s->path.ports[i].upstream = up;
		above = topology_express(s->t, above, above ? 0 : DEVFN(1, 0),
					 up ? PCI_TYPE_UPSTREAM_PORT : PCI_TYPE_DOWNSTREAM_PORT,
					 0);
		s->ports[i] = above;
	}
	endpoint = above ? topology_endpoint(s->t, above)
			 : topology_express(s->t, NULL, DEVFN(1, 0), PCI_TYPE_ENDPOINT, 0);
	s->endpoint = topology_device(s->t, endpoint);
}

/* Three bits per port: routes, blocks, unreadable. */
static void set_port(struct shape *s, unsigned index, unsigned state)
{
	struct oracle_port *port = &s->path.ports[index];
	struct pci_image_function *function = s->ports[index];

	port->routes = state & 1;
	port->blocks = state >> 1 & 1;
	port->readable = !(state >> 2 & 1);
	pci_image_set(function, TOPOLOGY_DEVCAP2, 4, port->routes ? TOPOLOGY_ROUTE : 0);
	topology_set_control2(function, port->blocks ? PCI_EXP_EGRESS_BLOCK : 0);
	function->dead = !port->readable;
}

static void compare(struct shape *s)
{
	static const uint32_t sizes[] = {ATOMIC_32, ATOMIC_64, ATOMIC_128};
	static const enum oracle_answer meaning[] = {
		[ATOMIC_YES] = ORACLE_YES,
		[ATOMIC_NO] = ORACLE_NO,
		[ATOMIC_UNKNOWN] = ORACLE_OPEN,
	};

	if (atomic_ops_evaluate(s->endpoint, ATOMIC_ALL, &s->t->result) != 0)
		s->mismatches++;
	for (unsigned i = 0; i < 3; i++) {
		if (meaning[atomic_result_verdict(&s->t->result, sizes[i])] !=
		    oracle_ask(&s->path, 1u << i))
			s->mismatches++;
	}
	s->combinations++;
}

static void try_completers(struct shape *s)
{
	for (unsigned completes = 0; completes < 8; completes++) {
		s->path.completes = completes;
		if (s->root)
			pci_image_set(s->root, TOPOLOGY_DEVCAP2, 4, completes * ATOMIC_32);
		compare(s);
		if (!s->root)
			return; /* nothing to complete: the eight are one */
	}
}

static unsigned try_shape(unsigned switches, bool visible)
{
	struct shape s = {0};
	unsigned combinations;

	build(&s, switches, visible);
	for (unsigned states = 0; states < 1u << (3 * s.path.count); states++) {
		for (unsigned i = 0; i < s.path.count; i++)
			set_port(&s, i, states >> (3 * i) & 7);
		try_completers(&s);
	}
	CHECK_EQ(s.mismatches, 0);
	combinations = s.combinations;
	topology_free(s.t);
	return combinations;
}

TEST(pci_atomics, A_T59_every_combination_agrees_with_the_oracle)
{
	unsigned combinations = 0;

	for (unsigned switches = 0; switches <= 2; switches++) {
		combinations += try_shape(switches, true);
		combinations += try_shape(switches, false);
	}
	/* (1 + 64 + 4096) port states, times 8 completer sets or one hidden root. */
	CHECK_EQ(combinations, (1 + 64 + 4096) * (8 + 1));
	print("# %u combinations\n", combinations);
}
