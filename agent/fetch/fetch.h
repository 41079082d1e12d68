/* Outgoing HTTP, on one thread with its own loop: documents that are watched, fetched early, kept when the
 * other side is away, and requests that are made once. Nobody waits for it.
 */
#ifndef FETCH_FETCH_H
#define FETCH_FETCH_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdint.h>

struct fetch;
struct fetch_watch;

struct fetch_options {
	const char *const
		*allow_http_hosts; /* hosts that may be asked without TLS, e.g. "127.0.0.1" */
	size_t n_allow_http_hosts;
	const char *ca_file;    /* PEM bundle for TLS; NULL: the system's */
	unsigned default_age_s; /* how long a document without Cache-Control is fresh; 0: 300 */
	unsigned floor_s;       /* least time between two tries for one document; 0: 10 */
	unsigned timeout_ms;    /* of one whole transfer; 0: 5,000 */
};

/* What became of one try. Views: valid during the call. */
struct fetch_result {
	bool ok;           /* 200 and a whole body within the limits */
	long status;       /* HTTP status; 0 when there was no answer */
	struct sv body;    /* when ok; of a request also when only the status is not 200 */
	struct sv type;    /* Content-Type, as the answer says it; empty when it does not */
	const char *error; /* a sentence when not ok */
};

/* Called on the fetch thread after each try. returns whether the body was good: a bad one is tried again
 * after the floor, as a failure is. Must not call fetch_watch_remove() of its own watch. */
typedef bool fetch_done_fn(void *user, const struct fetch_result *result);

enum { FETCH_BODY_MAX_BYTES = 256 * 1024 };

/* fetch_start - the thread runs until fetch_stop(). errors: 0 or -errno. thread: main */
MUST_CHECK int fetch_start(const struct fetch_options *options, struct fetch **ret);
/* fetch_stop - ends every transfer and the thread; all watches are gone with it. NULL is allowed. */
void fetch_stop(struct fetch *fetch);

/* fetch_url_allowed - https always, http only to the hosts of the options. thread: any */
MUST_CHECK bool fetch_url_allowed(const struct fetch *fetch, struct sv url);

/* fetch_watch_add - fetches url now and again before each answer is stale; after a failure sooner, with a
 * growing pause.
 *
 * out     *ret: borrowed, until fetch_watch_remove()
 * errors  0, -EPERM the URL is not allowed, -ENOMEM
 * thread  any
 */
MUST_CHECK int fetch_watch_add(struct fetch *fetch, const char *url, fetch_done_fn *done,
                               void *user, struct fetch_watch **ret);
/* fetch_watch_remove - no call of done any more once it returns. thread: any but the fetch thread's */
void fetch_watch_remove(struct fetch_watch *watch);

/* fetch_watch_kick - fetch soon: at once, or when the floor since the last try is over. Only sets a flag and
 * wakes the thread, so that a worker may call it in the middle of a verdict. thread: any */
void fetch_watch_kick(struct fetch_watch *watch);

struct fetch_status {
	int64_t tried_at;  /* Unix seconds of the last try; 0: none yet */
	int64_t good_at;   /* of the last that done() called good; 0: none yet */
	int64_t next_at;   /* of the next planned try */
	unsigned n_failed; /* in a row */
	char error[256];   /* of the last try; "" when it was good */
};
/* fetch_watch_status - a copy. thread: any */
void fetch_watch_status(struct fetch_watch *watch, struct fetch_status *ret);

/* One request, made at once and once. Views: valid during the call of fetch_ask(). */
struct fetch_request {
	const char *url;
	struct sv form;          /* application/x-www-form-urlencoded: a POST; empty: a GET */
	struct sv authorization; /* a header's value; empty: none is sent */
	unsigned timeout_ms;     /* of the whole; 0: that of the options */
};

typedef void fetch_answered_fn(void *user, const struct fetch_result *result);

enum { FETCH_REQUESTS_MAX = 2048 }; /* waiting and under way at once */

/* fetch_ask - makes a request; connections are kept and used again. What is copied of it is wiped at its end, as is
 * the answer; libcurl's own copies of headers are not.
 *
 * in      done: called exactly once, on the fetch thread, or by fetch_stop()
 * errors  0; -EPERM the URL is not allowed, -EAGAIN too many, -ESHUTDOWN, -ENOMEM: done is not called then
 * thread  any; only takes a lock for a moment and wakes the thread
 */
MUST_CHECK int fetch_ask(struct fetch *fetch, const struct fetch_request *request,
                         fetch_answered_fn *done, void *user);
/* fetch_end_requests - every request ends soon, as one that failed, and none is taken any more. thread: any */
void fetch_end_requests(struct fetch *fetch);

#endif
