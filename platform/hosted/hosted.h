// SPDX-License-Identifier: MIT
/*
 * What the files of the hosted port share, and what its main and hosted tests do with the
 * machine: CPUs are POSIX threads, kernel threads are fibers that move between them, and an
 * interrupt is a pending bit that is noticed where the simulated mask opens.
 */
#ifndef PLATFORM_HOSTED_HOSTED_H
#define PLATFORM_HOSTED_HOSTED_H

#include <platform/cpu.h>
#include <platform/types.h>
#include <pthread.h>

#define HOSTED_PENDING_TIMER     (1u << 0)
#define HOSTED_PENDING_IPI       (1u << 1)
#define HOSTED_PENDING_NMI       (1u << 2)
#define HOSTED_PENDING_VECTOR(n) (UINT64_C(1) << (8 + (n)))
#define HOSTED_VECTORS           48

struct fiber;

/* own: only code on that CPU touches it. */
struct hosted_cpu {
	unsigned number;
	bool interrupts_open;     /* own */
	struct thread *thread;    /* own */
	struct fiber *outgoing;   /* own; across a switch */
	struct fiber *incoming;   /* own; across a first switch */
	_Atomic uint64_t pending; /* HOSTED_PENDING_ bits */
	_Atomic uint64_t deadline_ns;
	_Atomic uint64_t naps; /* begun and ended; odd while it sleeps */
	pthread_mutex_t mutex; /* with `wake`: the sleep of an idle CPU */
	pthread_cond_t wake;
	pthread_t host_thread;
};

/* Set CPU 0 up for the calling POSIX thread; `cpus` is what cpu_possible() says. */
void hosted_cpu_init(unsigned cpus);
struct hosted_cpu *hosted_cpu(unsigned number);
/* The calling POSIX thread is this CPU from now on; nobody else is at the same time. */
void hosted_cpu_enter(unsigned number);

/* Make an interrupt pending and wake its CPU. Any host thread. */
void hosted_raise(struct hosted_cpu *cpu, uint64_t bits);

/* Call the handlers of the device vectors in `bits`; from the delivery loop. */
void hosted_vectors_deliver(uint64_t bits);
/* A simulated device raises the vector it was given; any host thread. */
void hosted_vector_raise(unsigned number);

/* Map the arena: physical addresses 0 to size. Ends the program with a message on failure. */
void hosted_memory_init(uint64_t size);
/* The host's page at an arena offset, for the mappings of mmu.c. */
int hosted_arena_fd(void);
uint64_t hosted_arena_size(void);
/* RAM that the port keeps for its first page tables, at the end of the arena. */
#define HOSTED_TABLES_SIZE MIB(16)

/* Page tables with the direct map in them. */
void hosted_mmu_init(void);
/* What mmu_set_allocator() set last, for tests that change it for a while. */
struct page_table_allocator;
const struct page_table_allocator *hosted_mmu_allocator(void);

/* Let tests set the time: clock_ns() stands still at `ns` until hosted_clock_advance(). */
void hosted_clock_fake(uint64_t ns);
void hosted_clock_advance(uint64_t ns);
void hosted_clock_real(void);

/*
 * Whether time that all CPUs would sleep through is skipped: the clock jumps to the next timer.
 * Everything happens in the same order, and a wait of an hour takes none. Off at first; returns
 * what it was.
 */
bool hosted_clock_hurry(bool on);
/* A CPU has just fallen asleep: skip if it was the last. */
void hosted_clock_skip(void);
/* There was a moment at which every CPU slept and no interrupt was pending. */
bool hosted_cpus_sleep(void);

/* `serve` on the command line (serve.c): returns once in each copy of the process, with the
 * line that is to be its command line; in the process itself never. Before anything is
 * initialised. */
void hosted_serve(char *line, size_t size);

/* CF8/CFC for tests: from now on the machine has these ports; NULL takes them away. */
struct hosted_pci_ports {
	uint32_t (*read)(unsigned bus, unsigned devfn, unsigned offset, unsigned width);
	void (*write)(unsigned bus, unsigned devfn, unsigned offset, unsigned width,
		      uint32_t value);
};
void hosted_pci_set_ports(const struct hosted_pci_ports *ports);
/* The same for functions that come as a list. */
struct platform_pci_functions;
void hosted_pci_set_functions(const struct platform_pci_functions *functions);

/* Addresses that stand for memory private to a CPU, for tests of what must refuse it. */
extern uint8_t hosted_private_slot[PAGE_SIZE];

#endif
