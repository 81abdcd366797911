/*
 * SPDX-License-Identifier: MIT
 * Sleeping and being woken (kernel/scheduler.c): a thread that looks at its condition and then
 * blocks, two wakers, and a CPU that steals. A wake-up that finds the thread awake leaves a
 * permit; a thread that moves belongs to its new CPU before it is on that queue. Checked: the
 * thread is never queued twice nor while it runs, and it always gets on (no invalid end state).
 * Mutant: with -DMUTANT a wake-up that finds the thread awake leaves nothing.
 */
#define WAKERS 2

mtype = { RUNNING, READY, BLOCKED };

mtype state = RUNNING;
byte cpu = 0;		/* whose queue rules the thread */
bool permit = false;
bool queued = false;
byte condition = 0;
bool locked[2] = false;

inline lock(c)
{
	atomic { !locked[c]; locked[c] = true }
}

inline unlock(c)
{
	locked[c] = false
}

inline enqueue(c)
{
	lock(c);
	assert(!queued && state == READY);
	queued = true;
	unlock(c)
}

inline lock_ruling(c)
{
	do
	:: c = cpu;
	   lock(c);
	   if
	   :: cpu == c -> break
	   :: else -> unlock(c)
	   fi
	od
}

proctype sleeper()
{
	byte here;

	do
	:: condition == WAKERS -> break
	:: else ->
		here = cpu;
		lock(here);
		if
		:: permit -> permit = false; unlock(here)
		:: else -> state = BLOCKED; unlock(here); state == RUNNING
		fi
	od
}

proctype waker()
{
	byte old, new;

	atomic { condition++ };
	lock_ruling(old);
	if
	:: state == BLOCKED ->
		state = READY;
		if
		:: new = 0
		:: new = 1
		fi;
		cpu = new;
		unlock(old);
		enqueue(new)
	:: else ->
#ifndef MUTANT
		permit = true;
#endif
		unlock(old)
	fi
}

proctype scheduler(byte c)
{
end:	do
	:: queued && cpu == c ->
		lock(c);
		if
		:: queued && cpu == c -> queued = false; state = RUNNING
		:: else
		fi;
		unlock(c)
	od
}

proctype stealer(byte c)
{
	byte victim = 1 - c;

	lock(victim);
	if
	:: queued && cpu == victim ->
		queued = false;
		cpu = c;
		unlock(victim);
		enqueue(c)
	:: else -> unlock(victim)
	fi
}

init
{
	atomic {
		run sleeper();
		run waker();
		run waker();
		run scheduler(0);
		run scheduler(1);
		run stealer(1)
	}
}
