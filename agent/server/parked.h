/* Requests of one worker whose verdict has to wait for an answer (policy/asks.h): a copy of the NOTIFY each, with what
 * the ACK needs. Bounded in number and bytes; each has a deadline. A private part of worker.c, of its thread.
 */
#ifndef SERVER_PARKED_H
#define SERVER_PARKED_H

#include "core/hash.h"
#include "core/macros.h"
#include "core/sv.h"
#include "spop/frame.h"

#include <ev.h>

enum {
	PARKED_MAX = 4096,
	PARKED_MAX_BYTES = 64 * 1024 * 1024,
	PARKED_ASKS_MAX =
		3, /* one request asks no more often: an answer that cannot be kept asks again */
	PARKING_BUCKETS = 1024,
};

struct conn;

struct parked {
	struct parked *next,
		**link; /* of a bucket while it waits, then of its connection's ready ones */
	struct parking *parking;
	struct conn *conn;
	uint64_t stream_id, frame_id;
	uint64_t started_ns;       /* monotonic, when the frame was read */
	int64_t at_us;             /* wall clock, then */
	uint8_t key[SHA256_BYTES]; /* of the answer it waits for */
	unsigned n_asked;
	bool is_ready;  /* in its connection's list */
	bool late;      /* its deadline passed */
	bool is_proved; /* it waits for a quota: who asks is known, by a proof that is noted */
	bool is_lesson; /* haward-learn: not a question */
	bool is_good;   /* what the answer to it was */
	ev_timer deadline;
	size_t n;
	char payload[]; /* of the NOTIFY; secrets; wiped */
};

/* What one connection has parked. */
struct parked_list {
	struct parked *first, **last; /* those that are to be decided again, the oldest first */
	size_t n;                     /* these and those that wait */
};
static inline void parked_list_init(struct parked_list *list)
{
	*list = (struct parked_list){.last = &list->first};
}

struct parking {
	struct ev_loop *loop;
	double deadline_s;
	void (*ready)(struct conn *conn); /* one of conn's became ready by its deadline */
	struct parked *waiting[PARKING_BUCKETS];
	size_t n, n_bytes; /* waiting and ready */
};

/* parking_add - a copy of a frame, on its way to wait. NULL: there is no room. in: frame: a NOTIFY */
MUST_CHECK struct parked *parking_add(struct parking *parking, struct conn *conn,
                                      const struct spop_frame *frame);
/* parking_set_deadline - another than the usual one, before it waits. */
void parking_set_deadline(struct parked *p, double seconds);
/* parking_wait - it waits for the answer of this key; its deadline counts from the first time. */
void parking_wait(struct parked *p, const uint8_t key[SHA256_BYTES]);
/* parking_answered - all that wait for this key become ready, each in its connection's list. */
void parking_answered(struct parking *parking, const uint8_t key[SHA256_BYTES], bool is_good);
/* parked_take - the first that is ready, or NULL; the caller's, to wait again or to be freed. */
MUST_CHECK struct parked *parked_take(struct parked_list *list);
/* parked_free - not in a list any more, or never was. */
void parked_free(struct parked *p);
/* parking_drop - frees all of a connection that ends. */
void parking_drop(struct parking *parking, struct conn *conn);

/* conn_parked - a connection's own list. In conn.c */
struct parked_list *conn_parked(struct conn *conn);

#endif
