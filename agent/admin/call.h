#ifndef ADMIN_CALL_H
#define ADMIN_CALL_H

/* Private to admin/: one HTTP exchange on its way from the request line to the answer. */

#include "admin/admin.h"
#include "admin/lane.h"
#include "admin/target.h"
#include "core/eventid.h"
#include "core/netaddr.h"
#include "core/sv.h"
#include "state/admins.h"
#include "state/sessions.h"

#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct route;
struct replays;
struct throttle;
struct assets_index;

/* Counted for /metrics. */
enum admin_counter {
	COUNT_REQUESTS,
	COUNT_REFUSED, /* 4xx */
	COUNT_FAILED,  /* 5xx */
	COUNT_LOGINS,
	COUNT_LOGINS_FAILED,
	COUNT_THROTTLED,
	COUNT_ACTS_LOST, /* admin acts that the journal did not take */
	COUNT_EXPORTS,
	COUNT_EXPORT_ROWS,
	ADMIN_COUNTER_COUNT,
};

struct admin {
	struct admin_deps deps;
	struct MHD_Daemon *daemon;
	int listen_fd;
	bool is_unix;     /* the listener; X-Forwarded-For is believed there */
	bool is_loopback; /* TCP on a loopback address */
	uint16_t port;
	char *unix_path; /* removed at the end; NULL for TCP */
	char **hosts;    /* what the Host header may say, lower case */
	size_t n_hosts;
	char *public_host; /* authority of public_url when it is https; NULL otherwise */

	struct lane *hash_lane;   /* password hashes: two at once */
	struct lane *work_lane;   /* queries, publishing */
	struct lane *export_lane; /* blocks of exports */
	struct replays *replays;  /* NULL: there is no book */
	struct throttle *throttle;
	struct assets_index *assets;

	struct event_ids ids; /* HTTP thread only */
	pthread_mutex_t journal_lock;
	pthread_mutex_t
		publish_lock; /* one publication at a time, so that order of versions = order in force */
	atomic_uint n_connections;
	atomic_uint n_exports;
	atomic_bool stopping;
	int64_t started_us;
	atomic_ullong counters[ADMIN_COUNTER_COUNT];
};

static inline void admin_count_up(struct admin *admin, enum admin_counter counter)
{
	atomic_fetch_add_explicit(&admin->counters[counter], 1, memory_order_relaxed);
}

/* The request headers that mean something here; each may stand once. */
enum call_header {
	HEADER_HOST,
	HEADER_CONTENT_LENGTH,
	HEADER_TRANSFER_ENCODING,
	HEADER_CONTENT_TYPE,
	HEADER_COOKIE,
	HEADER_CSRF,
	HEADER_ORIGIN,
	HEADER_FETCH_SITE,
	HEADER_IF_MATCH,
	HEADER_IF_NONE_MATCH,
	HEADER_ACCEPT,
	HEADER_ACCEPT_ENCODING,
	HEADER_AUTHORIZATION,
	HEADER_FORWARDED_FOR,
	HEADER_USER_AGENT,
	HEADER_REQUEST_ID,
	CALL_HEADER_COUNT,
};

/* Who is asking. Zero is nobody. */
struct caller {
	char name[ADMIN_NAME_BYTES]; /* "" when nobody is signed in */
	uint32_t roles;              /* effective */
	uint8_t session[SESSION_ID_BYTES];
	struct state_session times;
	struct netaddr src; /* family 0: UNIX socket */
};

#define REPLY_HEADERS_MAX 6

struct reply_header {
	const char *name; /* static */
	char *value;      /* owned */
};

/* What is answered. status 0: nothing yet. */
struct reply {
	unsigned status;
	const char *type; /* static; NULL = no body */
	char *body;       /* owned */
	size_t n_body;
	struct MHD_Response *response; /* made already, instead of body; owned */
	struct reply_header headers[REPLY_HEADERS_MAX];
	size_t n_headers;
	bool cacheable;      /* otherwise no-store */
	const char *problem; /* static name of the kind of problem; NULL = none */
};

enum call_state {
	CALL_NEW = 0,
	CALL_BODY,    /* the request is accepted, its body comes in */
	CALL_WORKING, /* on a lane, the connection is suspended */
	CALL_DONE,    /* the reply is there */
	CALL_SENT,
};

struct call {
	struct lane_job job; /* first: the lane gives it back */
	struct admin *admin;
	struct MHD_Connection *conn;
	enum call_state state;
	char *raw; /* owned, target's views point into it */
	struct target target;
	bool target_ok;
	struct sv header[CALL_HEADER_COUNT];
	const char *method; /* MHD's, "HEAD" reads as "GET" */
	const struct route *route;
	struct sv param; /* the {part} of the path */
	struct caller caller;
	int64_t now_us;
	char request_id[EVENT_ID_TEXT_BYTES + 1];
	char *body; /* owned */
	size_t n_body;
	size_t body_room;
	bool body_too_large;
	json_t *input; /* owned; the body, once call_input() was asked */
	struct reply reply;
	void *stream; /* an export on its way out, told by stream_over() when the request is completed */
	void (*stream_over)(struct call *call);
};

#endif
