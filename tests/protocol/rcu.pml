/*
 * SPDX-License-Identifier: MIT
 * Grace periods (kernel/rcu.c) on one reading CPU: it sleeps, reads, is asked by interrupt, and
 * owes an answer until its reader ends. Checked: nothing is freed while a reader holds it, and
 * the grace period always ends. Mutant: -DMUTANT answers the interrupt inside a reader.
 */
#define ROUNDS 3

bool published_old = true;
bool freed = false;
bool owing = false;	/* the CPU holds the grace period up */
bool idle = true;
bool asked = false;	/* the interrupt is pending */
bool attention = false; /* the running thread owes a quiescent state */
byte count = 0;		/* preemption count of the thread below the interrupt */

proctype reading_cpu()
{
	bool holds_old;
	byte round = 0;

	do
	:: round < ROUNDS ->
		round++;
		idle = false;
		count++;
		holds_old = published_old;
		assert(!(holds_old && freed));
		skip;
		assert(!(holds_old && freed));
		holds_old = false;
		/* preempt_enable(): the count falls, then attention is looked at. */
		count--;
		if
		:: attention -> attention = false; owing = false
		:: else
		fi;
		idle = true
	:: round == ROUNDS -> break
	od
}

/* On top of whatever the CPU does. */
proctype interrupt()
{
end:	do
	:: atomic {
		asked ->
		asked = false;
#ifdef MUTANT
		owing = false
#else
		if
		:: count == 0 -> owing = false
		:: else -> attention = true
		fi
#endif
	   }
	od
}

proctype updater()
{
	published_old = false;
	owing = true;
	if
	:: idle -> owing = false
	:: else -> asked = true
	fi;
	!owing;
	freed = true
}

init
{
	atomic {
		run reading_cpu();
		run interrupt();
		run updater()
	}
}
