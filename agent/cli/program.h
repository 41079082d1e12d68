/* The parts of one running agent, for the files that build it, load its policy and report on it. */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include "core/log.h"
#include "policy/load.h"
#include "policy/tables.h"
#include "settings.h"

#include <jansson.h>

struct audit_journals;
struct audit_store;
struct audit_writer;
struct dpop;
struct limiter;
struct fetch;
struct introspect;
struct learner;
struct quotas;
struct login_shared;
struct passwords;
struct forwarded;
struct policy;
struct policy_asks;
struct policy_keys;
struct policy_logins;
struct policy_slot;
struct policy_tables;
struct state;
struct strbuf;

struct program {
	struct settings settings;
	char *settings_text;

	struct forwarded *forwarded; /* proxies that the settings trust; NULL: none */

	char *policy_file; /* settings.policy.file beside the settings file; NULL: none */
	char *policy_dir;  /* its directory: key files of the policy set are beside it */
	struct state *state;
	struct audit_store *store;
	struct audit_journals *journals;
	struct audit_writer *writer;
	struct fetch *fetch;
	struct policy_keys *keys;
	struct introspect *introspect;
	struct login_shared *login_shared;
	struct policy_logins *logins;
	struct passwords *passwords;
	struct learner *learner;
	struct quotas *quotas;
	struct policy_asks *asks;
	struct policy_env env;
	struct policy_slot *slot;
	struct dpop *dpop;
	struct limiter *limiter;
	struct policy_tables_env tables_env;
	struct policy_tables *tables;
	struct server *server;
	struct admin *admin;
	struct log_pace tables_failed; /* main's */
};

/* program_import_policy - makes policy.file a new version when its content differs from the last one that
 * came from the file; without any version and file, one that denies everything.
 *
 * errors  0; -EINVAL the file is no policy set, each error logged; or -errno, logged
 * thread  main
 */
MUST_CHECK int program_import_policy(struct program *p);

/* program_load_policy - puts the current version in force. errors as above */
MUST_CHECK int program_load_policy(struct program *p);

/* program_describe_issuers - the issuers of the policy set in force, with the state of their keys. */
json_t *program_describe_issuers(const struct program *p);
/* program_collect_issuers - the same as metrics. */
void program_collect_issuers(const struct program *p, struct strbuf *text);
/* program_collect_policies - how often each policy had a part in a verdict, as metrics. */
void program_collect_policies(const struct program *p, struct strbuf *text);

/* The hooks of admin.h; user is the program. */
void program_publish(void *user, struct policy *policy);
void program_describe(void *user, json_t *system);
bool program_ready(void *user, json_t *checks);
void program_collect(void *user, struct strbuf *text);
void program_tables_changed(void *user);

#endif
