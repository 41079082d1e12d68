/* One worker: a thread with its own loop, connections, arena, token cache and journal. Shares nothing but
 * the policy slot, the tables, the list of sockets handed to it and its mailbox.
 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "core/counter.h"
#include "core/macros.h"
#include "model/verdict.h"

#include <stdatomic.h>
#include <stdint.h>

struct audit_journal;
struct login_shared;
struct dpop;
struct limiter;
struct policy_asks;
struct forwarded;
struct learner;
struct policy_slot;
struct policy_tables;
struct worker;

/* Upper bounds of the verdict time histogram, nanoseconds; the last bucket has none. */
enum { WORKER_TOOK_BUCKETS = 12 };
extern const uint32_t worker_took_bounds_ns[WORKER_TOOK_BUCKETS - 1];

/* Written by the worker's thread alone, read by any. */
struct worker_counters {
	atomic_uint_fast64_t n_connections; /* open now */
	atomic_uint_fast64_t n_accepted, n_frames, n_protocol_errors, n_health_checks;
	atomic_uint_fast64_t n_verdicts[VERDICT_EFFECT_COUNT];
	atomic_uint_fast64_t n_reasons[REASON_COUNT]; /* of the same */
	atomic_uint_fast64_t n_audit_refused;
	atomic_uint_fast64_t n_token_hits, n_token_misses;
	atomic_uint_fast64_t
		n_parked; /* now; without those of a connection that ended, within a second */
	atomic_uint_fast64_t n_asked, n_answered, n_timed_out;       /* requests that had to wait */
	atomic_uint_fast64_t n_minted, n_mint_reused, n_mint_failed; /* internal tokens */
	atomic_uint_fast64_t n_learned, n_not_learned;               /* relations, from answers */
	atomic_uint_fast64_t took_ns_sum;
	atomic_uint_fast64_t took[WORKER_TOOK_BUCKETS];
};

struct worker_options {
	unsigned number;

	const struct forwarded *forwarded; /* proxies whose headers are believed; NULL: none */

	uint32_t max_frame_size;    /* bytes, SPOP_FRAME_SIZE_MIN to SPOP_FRAME_SIZE_MAX */
	unsigned drain_ms;          /* how long connections are served after worker_drain() */
	unsigned deadline_ms;       /* how long a request may wait for an answer */
	unsigned login_deadline_ms; /* and one that a provider is asked for */
	struct policy_slot *slot;
	const struct login_shared *logins; /* NULL: nobody signs in */
	struct dpop *dpop;                 /* shared by all workers */
	struct limiter *limiter;           /* shared by all workers; NULL: limits are not counted */
	struct policy_asks *asks;          /* NULL: nobody is asked */
	const struct learner *learner;     /* NULL: nothing is learned */
	struct policy_tables *tables;      /* NULL: none */
	struct audit_journal *journal;     /* this worker is its only producer */
};

/* worker_start - the thread runs, with all signals blocked, until worker_join(). errors: 0 or -errno */
MUST_CHECK int worker_start(const struct worker_options *options, struct worker **ret);

/* worker_adopt - takes over an accepted, non-blocking socket. thread: main */
void worker_adopt(struct worker *w, int fd);
/* worker_wake - looks at the policy slot soon, so that an old policy is let go without traffic. thread: any */
void worker_wake(struct worker *w);

/* worker_drain - begin to end: connections are served until they are quiet or drain_ms is over, then told
 * goodbye. Returns at once. worker_join - waits for that; counters stay readable. worker_free - joins and
 * frees. thread: main */
void worker_drain(struct worker *w);
void worker_join(struct worker *w);
void worker_free(struct worker *w);

const struct worker_counters *worker_counters(const struct worker *w);
/* worker_load - connections handed over and still open, for the acceptor's choice. */
uint64_t worker_load(const struct worker *w);

#endif
