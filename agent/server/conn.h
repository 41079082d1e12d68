/* One connection of HAProxy: what was received -> session -> decision -> journal -> what is sent, with one
 * recv() and one send() for all frames of a turn. A private part of worker.c.
 */
#ifndef SERVER_CONN_H
#define SERVER_CONN_H

#include "core/arena.h"
#include "core/eventid.h"
#include "core/log.h"
#include "policy/tables.h"
#include "server/parked.h"
#include "server/worker.h"
#include "spop/session.h"

#include <ev.h>

struct conn;
struct minter;
struct policy;
struct policy_hits_row;
struct policy_mailbox;
struct tokencache;

/* What the connections of one worker share; all of one thread. */
struct conn_home {
	struct ev_loop *loop;
	const struct worker_options *options;
	struct worker_counters *counters;
	struct policy *policy;            /* in force; owned by the worker */
	struct policy_tables_view tables; /* as the policy */
	struct policy_hits_row *hits;     /* the slot's */
	struct tokencache *tokens;
	struct policy_mailbox *mailbox; /* where answers come; owned by the worker */
	struct parking parking;
	struct minter *minter; /* of internal tokens */
	bool gives_tokens;     /* it has given one: what was sent is wiped */
	struct arena arena;
	struct event_ids ids;
	struct conn *conns;        /* list */
	struct log_pace broken;    /* of lines about protocol errors */
	struct log_pace unlearned; /* of lines about relations that were not learned */
	bool draining;
};

/* conn_open - takes over fd; closes it when memory is out. */
void conn_open(struct conn_home *home, int fd);
/* conn_resume - goes on with each that has parked requests that are ready. conn_resume_one - with this one. */
void conn_resume(struct conn_home *home);
void conn_resume_one(struct conn *conn);
/* conn_close_all - at once, as at the end of the drain time. */
void conn_close_all(struct conn_home *home);
/* conn_drain - ends those that are quiet: nothing received for quiet_ns, nothing parked, nothing unsent. */
void conn_drain(struct conn_home *home, uint64_t quiet_ns);

#endif
