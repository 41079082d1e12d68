/* Learned ownership: who performs AUTHN_ASK_LEARN. A thread writes what answers of services taught into the relations,
 * many in one step, and answers when all workers know it, so that whoever created an order may read it at once.
 *
 * What is to be learned goes through HAProxy and back (authz/learn.h). It is bound to its decision by a code that only
 * this agent, or one that shares its state, can make; so nobody who reaches the port can teach.
 */
#ifndef POLICY_LEARNER_H
#define POLICY_LEARNER_H

#include "model/lesson.h"
#include "policy/asks.h"

struct arena;
struct decision;
struct learner;
struct policy_tables;
struct state;

enum {
	LEARNER_OFFER_AGE_S = 3600, /* a service that takes longer teaches nothing */
};

/* learner_start - lifetime: state and tables outlive it. errors: 0 or -errno */
MUST_CHECK int learner_start(struct state *state, struct policy_tables *tables,
                             struct learner **ret);
/* learner_end - takes nothing more; what waits is written still. After the last worker, before the asks are freed. */
void learner_end(struct learner *learner);
/* learner_free - after learner_end() and the asks. NULL is allowed, for both. */
void learner_free(struct learner *learner);

/* learner_performer - lifetime: as the learner */
struct policy_performer learner_performer(struct learner *learner);

/* learner_seal - what a decision offers (verdict.learn) becomes what HAProxy may keep, bound to its event; empty where
 * that cannot be made. in: learner: NULL: nothing is learned here. thread: any */
void learner_seal(const struct learner *learner, struct decision *decision, struct arena *arena);

/* learner_ask - what an answer taught, as a question to the learner.
 *
 * in      serial: of the compiled set in force; now_us: wall clock
 * out     *ret on true, its views valid as long as lesson and arena; *ret_why: a static text on false, NULL when there is
 *         simply nothing to learn: the answer is not 2xx
 * thread  any
 */
MUST_CHECK bool learner_ask(const struct learner *learner, const struct lesson *lesson,
                            uint64_t serial, int64_t now_us, struct arena *arena,
                            struct authn_ask *ret, const char **ret_why);

/* What the answer's claims hold, for the book. */
#define LEARNER_TUPLE  "tuple"
#define LEARNER_POLICY "policy"
#define LEARNER_EVENT  "event"

#endif
