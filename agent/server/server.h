/* The main thread: owns workers, listeners, signals and timers; starts, runs, reloads, drains and stops. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "core/jsonfields.h"
#include "server/loglisten.h"
#include "server/worker.h"

struct audit_journals;
struct login_shared;
struct dpop;
struct learner;
struct limiter;
struct policy_asks;
struct forwarded;
struct policy_slot;
struct policy_tables;
struct server;

/* Section "spop" of haward.json. */
struct spop_options {
	struct json_strings listen; /* address.h */
	int64_t workers;            /* 0: one for each processor */
	int64_t max_connections;
	int64_t max_frame_size; /* bytes */
	char *socket_mode;      /* octal permissions of UNIX sockets, "0660" */
	int64_t drain_ms;
	int64_t deadline_ms; /* a verdict that has to wait for others comes by then */
	int64_t login_deadline_ms; /* and one that a provider has to be asked for, at the end of a sign-in */
};
extern const struct json_field spop_option_fields[];
extern const size_t n_spop_option_fields;

/* Section "accounting" of haward.json. */
struct accounting_options {
	struct json_strings listen;
};
extern const struct json_field accounting_option_fields[];
extern const size_t n_accounting_option_fields;

/* server_worker_count - workers that these options mean, 1 to 64: as many journals are needed. */
unsigned server_worker_count(const struct spop_options *options);

/* All borrowed for as long as the server lives. */
struct server_deps {
	const struct forwarded *forwarded; /* proxies whose headers are believed; NULL: none */
	const struct spop_options *spop;
	const struct accounting_options *accounting;
	struct policy_slot *slot;
	const struct login_shared *logins; /* NULL: nobody signs in with a browser */
	struct dpop *
		dpop; /* what workers remember of proofs; NULL: tokens bound to a key are refused */
	struct limiter *limiter;       /* NULL: limits are not counted */
	struct policy_asks *asks;      /* NULL: nobody is asked */
	const struct learner *learner; /* NULL: nothing is learned */
	struct policy_tables *tables;  /* NULL: none */
	struct audit_journals *journals;
	void (*reload)(void *user); /* SIGHUP; thread: main */
	void (*watch)(
		void *user); /* several times a second: what did others change? thread: main */
	void (*note)(
		void *user); /* once a minute, and at the end: keep what workers have marked. thread: main */
	void *user;
};

/* server_new - binds the listeners and starts the workers; nothing is accepted yet.
 *
 * out     *ret, owned, released with server_free(); d: an address that cannot be used, with its pointer
 * errors  0, -EINVAL with items in d, or -errno
 * thread  main, as all below but server_wake() and the counters
 */
MUST_CHECK int server_new(const struct server_deps *deps, struct diag *d, struct server **ret);

/* server_run - accepts and serves until SIGTERM or SIGINT, then drains; returns when all is quiet.
 * SIGHUP calls deps.reload, SIGUSR1 opens the log file again. */
void server_run(struct server *s);
/* server_stop - as SIGTERM does. thread: any */
void server_stop(struct server *s);
/* server_free - the four signals are ignored from here on. NULL is allowed. */
void server_free(struct server *s);

/* server_wake - after a publish: every worker looks at the policy slot. thread: any */
void server_wake(struct server *s);

/* server_port - of the n-th SPOP listener; 0 when it is not TCP. For tests that ask for port 0. */
unsigned server_port(const struct server *s, size_t n);
unsigned server_accounting_port(const struct server *s, size_t n);

size_t server_n_workers(const struct server *s);
const struct worker_counters *server_worker(const struct server *s, size_t n);
/* server_n_refused - connections closed at once because spop.max_connections were open. */
uint64_t server_n_refused(const struct server *s);
const struct loglisten_counters *server_accounting(const struct server *s);

#endif
