#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "core/diag.h"
#include "core/jsonfields.h"
#include "core/macros.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct audit_journal;
struct audit_store;
struct login_shared;
struct policy;
struct policy_env;
struct policy_hits;
struct policy_slot;
struct policy_tables;
struct policy_tables_env;
struct state;
struct strbuf;

/* Section "admin" of haward.json. Read with json_fields_read() and freed with json_fields_free() by
 * admin_option_fields; admin_options_default() first. */
struct admin_options {
	char *listen; /* "127.0.0.1:12380", "[::1]:12380" or "unix@/run/haward/admin.sock"; port 0 = any */
	char *public_url; /* NULL, or how browsers reach it through HAProxy: "https://haward.example" */
	struct json_strings allowed_hosts; /* further values of the Host header that are answered */
};
extern const struct json_field admin_option_fields[];
extern const size_t n_admin_option_fields;

/* admin_options_default - what holds without a settings file. errors: 0 or -ENOMEM */
MUST_CHECK int admin_options_default(struct admin_options *options);

/* admin_options_check - would admin_start() take them, as far as that can be told without binding?
 *
 * out     d: what is wrong, with its pointer in haward.json; may be NULL
 * errors  0 or -EINVAL
 */
MUST_CHECK int admin_options_check(const struct admin_options *options, struct diag *d);

/* admin_hooks - what the admin side asks of the program around it; any may be NULL.
 *
 * thread  publish: one call at a time, from an admin thread. describe, ready, collect, tables_changed: any
 *         admin thread,
 *         several at once.
 */
struct admin_hooks {
	void *user;
	/* Puts policy in force for all workers, unless a newer version is already. Takes the reference
	 * over. Must return within
	 * milliseconds. */
	void (*publish)(void *user, struct policy *policy);
	/* Adds members to the answer of GET /api/v1/system (spop, journals, keys, outcomes,
	 * settings: see openapi.json). */
	void (*describe)(void *user, json_t *system);
	/* True when the agent can decide and record; says what is wrong as members name -> text of
	 * checks. */
	bool (*ready)(void *user, json_t *checks);
	/* Adds Prometheus text (format 0.0.4) of the rest of the agent to GET /metrics. */
	void (*collect)(void *user, struct strbuf *text);
	/* What policy/tables.h is made from was changed: in force for all workers when it returns. */
	void (*tables_changed)(void *user);
};

/* All borrowed; they must outlive admin_stop(). */
struct admin_deps {
	const struct admin_options *options;
	struct state *state;
	struct audit_store *store;                  /* NULL: decisions answer 503 */
	struct audit_journal *journal;              /* the admin side is its only producer */
	const struct policy_env *policy_env;        /* for policy_load() */
	const struct policy_tables_env *tables_env; /* for API keys */
	struct login_shared *logins;                /* NULL: browsers do not sign in here */
	struct policy_tables *tables; /* what workers look at; NULL: no relation is known */
	struct policy_hits *hits;     /* NULL: policies are listed without */
	struct policy_slot *slot;     /* NULL: who asks for a decision is denied */
	struct admin_hooks hooks;
};

struct admin;

/* admin_start - bind the listener and serve the admin API and the dashboard on threads of its own.
 *
 * in      deps: see above; listen_fd: a listening socket to use instead of options->listen, or -1; taken
 *         over on 0
 * out     *ret, stopped and freed with admin_stop(); set only on 0
 * errors  0, or a negative errno; -EPERM: the listener is not loopback or UNIX and public_url is not
 *         https
 * thread  main
 */
MUST_CHECK int admin_start(const struct admin_deps *deps, int listen_fd, struct admin **ret);

/* admin_stop - answer what is in work, close everything, free. NULL is allowed.
 *
 * thread  main
 */
void admin_stop(struct admin *admin);

/* admin_port - the TCP port that was bound; 0 for a UNIX socket. */
uint16_t admin_port(const struct admin *admin);

/* admin_setup_link - while no admin exists, make a fresh one-time setup token and write the link to
 * give to the operator.
 *
 * out     link: at most n_link bytes with its NUL; "" when an admin exists already
 * errors  0, or a negative errno; -ENOSPC: link is too short
 * thread  main; a link made earlier stops working
 */
MUST_CHECK int admin_setup_link(const struct admin *admin, char *link, size_t n_link);

#endif
