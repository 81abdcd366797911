/*
 * SPDX-License-Identifier: MIT
 * One ballooned page (mm/balloon*.c, mm/migrate.c) between a client that deflates and frees it, or
 * takes it in again, and two movers that isolate it and then migrate it or put it back. `private`
 * belongs to the list lock. Checked: the page is freed once and held by nobody then; who isolated
 * it owns it until it migrates it or puts it back; the device's count is what the list and the
 * isolation say. Mutant: -DMUTANT clears private after unlocking when the page was vacated.
 */
#define ROUNDS 2

bool list_lock = false;
bool page_lock = false;
bool mine = true;     /* private == device */
bool linked = true;   /* on the device's list */
bool isolated = false;/* migration core's flag */
bool flagged = true;  /* movable-ops flag: sticky until the page is free */
byte count = 1;	      /* pages of the device: listed and isolated */
byte references = 1;  /* the list's */
bool free = false;

inline lock(l) { atomic { !l -> l = true } }
inline unlock(l) { l = false }

/* The last reference frees the page: nobody may have it. */
inline put()
{
	atomic {
		assert(references > 0 && !free);
		references--;
		if
		:: references == 0 ->
			assert(!linked && !isolated && !page_lock);
			free = true;
			flagged = false
		:: else
		fi
	}
}

inline check_books()
{
	assert(count == (linked -> 1 : 0) + ((mine && !linked) -> 1 : 0))
}

/* Takes the page off the list and frees it, and inflates it again if it got it. */
proctype client()
{
	byte round = 0;
	bool got;

	do
	:: round < ROUNDS ->
		round++;
		got = false;
		lock(list_lock);
		if
		:: linked ->
			assert(mine);
			linked = false;
			mine = false;
			count--;
			got = true
		:: else
		fi;
		check_books();
		unlock(list_lock);
		if
		:: got -> put()
		:: else
		fi;
		/* The allocator gives the same page again. */
		if
		:: atomic { free -> free = false; references = 1 } ->
			lock(list_lock);
			assert(!mine && !linked);
			flagged = true;
			mine = true;
			linked = true;
			count++;
			check_books();
			unlock(list_lock)
		:: else
		fi
	:: round == ROUNDS -> break
	od
}

proctype mover()
{
	bool held = false;
	bool owner = false;

	/* Flag seen, reference taken if there is one, flag looked at again, page lock tried. */
	if
	:: flagged ->
		atomic {
			if
			:: references > 0 -> references++; held = true
			:: else
			fi
		}
	:: else
	fi;
	if
	:: held && flagged ->
		if
		:: atomic { !page_lock -> page_lock = true } ->
			if
			:: !isolated ->
				lock(list_lock);
				if
				:: mine ->
					assert(linked);
					linked = false;
					owner = true
				:: else
				fi;
				check_books();
				unlock(list_lock);
				if
				:: owner -> isolated = true
				:: else
				fi
			:: else
			fi;
			unlock(page_lock)
		:: else
		fi
	:: else
	fi;
	if
	:: owner ->
		lock(page_lock);
		assert(isolated && references >= 2 && !linked);
		lock(list_lock);
		assert(mine);
		if
		:: /* putback */
			linked = true;
			check_books();
			unlock(list_lock)
		:: /* migrated, or deflated only: this page is vacated */
			count--;
#ifdef MUTANT
			unlock(list_lock);
			mine = false;
#else
			mine = false;
			check_books();
			unlock(list_lock);
#endif
			put() /* the list's reference */
		fi;
		isolated = false;
		unlock(page_lock)
	:: else
	fi;
	if
	:: held -> put()
	:: else
	fi
}

init
{
	atomic {
		run client();
		run mover();
		run mover()
	}
}
