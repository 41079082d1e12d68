#include "audit/journal.h"
#include "audit/store.h"
#include "audit/writer.h"
#include "authn/dpop.h"
#include "authn/forwarded.h"
#include "authn/session.h"
#include "cli/cli.h"
#include "cli/program.h"
#include "core/clock.h"
#include "core/fileio.h"
#include "core/log.h"
#include "fetch/fetch.h"
#include "policy/apikeys.h"
#include "policy/asks.h"
#include "policy/introspect.h"
#include "policy/keyfetch.h"
#include "policy/keys.h"
#include "policy/learner.h"
#include "policy/limiter.h"
#include "policy/logins.h"
#include "policy/passwords.h"
#include "policy/quotas.h"
#include "policy/signing.h"
#include "policy/slot.h"
#include "state/revocations.h"
#include "state/state.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct arguments {
	const char *config;
};

static const struct argp_option options[] = {
	{"config", 'c', "FILE", 0, "Settings; without it the built-in defaults hold", 0},
	{0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	if (key == 'c')
		arguments->config = value;
	else if (key == ARGP_KEY_ARG)
		argp_usage(state);
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

/* What an operator most likely has to look at. */
static const struct {
	int error;
	const char *cause;
} causes[] = {
	{EBUSY, "another haward serves this data directory"},
	{EACCES, "the directory has to belong to the user the agent runs as"},
	{EPERM, "the directory has to belong to the user the agent runs as"},
	{ENOTDIR, "a part of the path is no directory"},
	{EROFS, "the file system is read-only"},
	{ENOSPC, "the disk is full"},
	{EBADMSG, "a file is damaged; `haward audit verify` tells where"},
	{EPROTONOSUPPORT, "a later version of haward wrote it"},
};

static const char *likely_cause(int error)
{
	for (size_t i = 0; i < ARRAY_LEN(causes); i++)
		if (causes[i].error == error)
			return causes[i].cause;
	return "";
}

static int say(const struct program *p, const char *what, int r)
{
	char words[128];
	log_event(LOG_ERROR, "start_failed", "part=%s error=\"%s\" data_dir=%s cause=\"%s\"", what,
	          strerror_r(-r, words, sizeof(words)),
	          p->settings.data_dir ? p->settings.data_dir : "-", likely_cause(-r));
	return r;
}

static int read_settings(struct program *p, const char *path)
{
	if (!path)
		return settings_default(&p->settings);
	struct diag d = diag_over(path, (struct sv){0});
	int r = settings_load(path, &d, &p->settings_text, &p->settings);
	diag_print(&d, stderr);
	bool explained = d.n > 0;
	diag_fini(&d);
	return r == 0 || explained ? r : say(p, "settings", r);
}

static int place_policy(struct program *p, const char *config)
{
	const char *file = p->settings.policy.file;
	const char *beside = file ? file : config;
	p->policy_dir = sv_dup(SVL("."));
	if (file) {
		p->policy_file = settings_beside(config ? config : "", file);
		beside = p->policy_file;
	}
	const char *slash = beside ? strrchr(beside, '/') : NULL;
	if (slash && p->policy_dir) {
		free(p->policy_dir);
		p->policy_dir = sv_dup((struct sv){beside, (size_t)(slash - beside)});
	}
	return p->policy_dir && (p->policy_file || !file) ? 0 : -ENOMEM;
}

/* Nobody else reads what is kept; nothing of it lands in a core file. */
static void protect(void)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct rlimit files;
	(void)umask(0077);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	/* a limit of file size is to us a full disk, and no end */
	(void)sigaction(SIGXFSZ, &ignore, NULL);
	/* nor is a reader of the log that leaves */
	(void)sigaction(SIGPIPE, &ignore, NULL);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

static int start_state(struct program *p, const char *path)
{
	(void)path;
	char dir[PATH_MAX];
	int r = dir_make(p->settings.data_dir, 0700);
	(void)snprintf(dir, sizeof(dir), "%s/state", p->settings.data_dir);
	return r ? r : state_open(dir, &p->state);
}

static int start_store(struct program *p, const char *path)
{
	(void)path;
	char dir[PATH_MAX];
	(void)snprintf(dir, sizeof(dir), "%s/audit", p->settings.data_dir);
	return audit_store_open(dir, AUDIT_STORE_WRITE, (uint64_t)p->settings.audit.map_bytes,
	                        &p->store);
}

static int start_journals(struct program *p, const char *path)
{
	(void)path;
	char dir[PATH_MAX];
	(void)snprintf(dir, sizeof(dir), "%s/journal", p->settings.data_dir);
	const struct audit_journals_options o = {
		.dir = dir,
		.n_workers = server_worker_count(&p->settings.spop),
		.size_bytes = (uint64_t)p->settings.audit.journal_bytes,
	};
	return audit_journals_open(&o, &p->journals);
}

static int start_writer(struct program *p, const char *path)
{
	(void)path;
	const struct audit_writer_options o = {
		.store = p->store,
		.journals = p->journals,
		.commit_interval_ms = (unsigned)p->settings.audit.commit_interval_ms,
	};
	return audit_writer_start(&o, &p->writer);
}

static int start_fetch(struct program *p, const char *path)
{
	(void)path;
	const struct fetch_settings *s = &p->settings.fetch;
	const struct fetch_options o = {
		.allow_http_hosts = (const char *const *)s->allow_http_hosts.at,
		.n_allow_http_hosts = s->allow_http_hosts.n,
		.ca_file = s->ca_file,
		.default_age_s = (unsigned)s->default_age_s,
		.floor_s = (unsigned)s->floor_s,
		.timeout_ms = (unsigned)s->timeout_ms,
	};
	return fetch_start(&o, &p->fetch);
}

/* The keys of browser sessions are beside the database that they seal, not in it. */
static int start_logins(struct program *p, const char *path)
{
	(void)path;
	char keys[PATH_MAX];
	(void)snprintf(keys, sizeof(keys), "%s/session.keys", p->settings.data_dir);
	p->login_shared = calloc(1, sizeof(*p->login_shared));
	if (!p->login_shared)
		return -ENOMEM;
	const struct policy_logins_options o = {
		.state = p->state, .fetch = p->fetch, .shared = p->login_shared, .keys_path = keys};
	return policy_logins_start(&o, &p->logins);
}
enum { PASSWORD_THREADS = 2 }; /* 19 MiB and a core each, while a password is checked */

/* Who finds out what workers cannot. */
static int start_asks(struct program *p, const char *path)
{
	(void)path;
	int r = introspect_new(p->fetch, &p->introspect);
	if (r == 0)
		r = passwords_start(p->state, PASSWORD_THREADS, &p->passwords);
	if (r == 0)
		r = learner_start(p->state, p->tables, &p->learner);
	if (r == 0)
		r = quotas_start(p->state, (size_t)p->settings.limits.quota_keys, &p->quotas);
	if (r)
		return r;
	struct policy_performer performers[AUTHN_ASK_KIND_COUNT] = {
		[AUTHN_ASK_INTROSPECT] = introspect_performer(p->introspect),
		[AUTHN_ASK_PASSWORD] = passwords_performer(p->passwords),
		[AUTHN_ASK_LEARN] = learner_performer(p->learner),
		[AUTHN_ASK_QUOTA] = quotas_performer(p->quotas),
	};
	policy_logins_performers(p->logins, performers);
	return policy_asks_new(performers, &p->asks);
}

static int start_policy(struct program *p, const char *path)
{
	const struct policy_keys_fetcher fetcher = policy_keys_over_fetch(p->fetch);
	p->slot = policy_slot_new();
	int r = p->slot ? policy_keys_new(&fetcher, &p->keys) : -ENOMEM;
	if (r == 0)
		r = place_policy(p, path);
	p->env = (struct policy_env){.base_dir = p->policy_dir, .keys = p->keys, .fetch = p->fetch};
	if (r == 0)
		r = program_import_policy(p);
	return r ? r : program_load_policy(p);
}

/* What the agent itself did goes into the book too; when that is full the log still has it. */
static void note(struct program *p, struct sv action, struct sv detail)
{
	if (audit_submit_system(audit_journals_main(p->journals), action, detail) != 0)
		log_event(LOG_ERROR, "system_event_not_recorded", "action=%.*s", SV_ARG(action));
}

/* A file that is refused changes nothing: what is in force stays. */
static void on_reload(void *user)
{
	struct program *p = user;
	int r = program_import_policy(p);
	if (r == 0)
		r = program_load_policy(p); /* key files are read again with it */
	log_event(r ? LOG_ERROR : LOG_NOTICE, "reloaded", "ok=%s", r ? "no" : "yes");
	note(p, SVL("reload"), r ? SVL("refused; the policy in force stays") : SVL("done"));
}

static int start_proofs(struct program *p, const char *path)
{
	(void)path;
	int r = dpop_new(DPOP_PROOFS, clock_real_us() / 1000000, &p->dpop);
	return r == 0 ? limiter_new((size_t)p->settings.limits.rate_keys, p->quotas, &p->limiter)
	              : r;
}

static int rotate_signing(struct program *p)
{
	return policy_signing_rotate(p->state, p->settings.internal_tokens.rotate_hours * 3600,
	                             clock_real_us() / 1000000);
}

static int start_tables(struct program *p, const char *path)
{
	(void)path;
	const char *failed;
	p->tables_env =
		(struct policy_tables_env){.state = p->state,
	                                   .data_dir = p->settings.data_dir,
	                                   .token_issuer = p->settings.internal_tokens.issuer};
	int r = rotate_signing(p);
	if (r)
		return r;
	r = policy_tables_new(&p->tables_env, policy_table_sources, &p->tables, &failed);
	const char *words = policy_apikey_error_text(r);
	if (r && failed)
		log_event(LOG_ERROR, "table_failed", "table=\"%s\" cause=\"%s\"", failed,
		          words ? words : "");
	return r;
}

static int poll_tables(struct program *p)
{
	bool changed = false;
	int r = policy_tables_poll(p->tables, &changed);
	if (changed && p->server)
		server_wake(p->server);
	return r;
}

/* A table that cannot be made is gone: what it held is refused until it can. */
static void log_failed(int r, uint64_t n_left_out)
{
	const char *cause = policy_apikey_error_text(r);
	log_event(LOG_ERROR, "table_failed", "errno=%d cause=\"%s\" n_not_logged=%llu", -r,
	          cause ? cause : "", (unsigned long long)n_left_out);
}

void program_tables_changed(void *user)
{
	int r = poll_tables(user);
	if (r)
		log_failed(r, 0);
}

/* What the command line changed meanwhile; several times a second, so that a failure is said now and then. */
static void on_watch(void *user)
{
	struct program *p = user;
	uint64_t n_left_out;
	int r = poll_tables(p);
	if (r && log_pace_due(&p->tables_failed, clock_mono_ns(), &n_left_out))
		log_failed(r, n_left_out);
}

/* What is over is forgotten; it did not count before either. */
static void expire_revocations(struct program *p)
{
	size_t n = 0;
	int r = state_revocation_expire(p->state, clock_real_us() / 1000000, &n);
	if (r)
		log_event(LOG_WARNING, "revocations_not_expired", "errno=%d", -r);
	else if (n)
		log_event(LOG_INFORM, "revocations_expired", "n=%zu", n);
}

static void on_note(void *user)
{
	struct program *p = user;
	expire_revocations(p);
	int rotated = rotate_signing(p);
	if (rotated)
		log_event(LOG_ERROR, "signing_key_not_made", "errno=%d", -rotated);
	struct shared *keys = policy_tables_get(p->tables, POLICY_TABLE_APIKEYS);
	int r = policy_apikeys_note_used(&p->tables_env, keys);
	shared_unref(keys);
	if (r)
		log_event(LOG_WARNING, "key_uses_not_noted", "errno=%d", -r);
}

static int start_server(struct program *p, const char *path)
{
	int trusted = forwarded_new(&p->settings.authn.trusted_proxies, "/authn/trusted_proxies",
	                            NULL, &p->forwarded); /* judged with the settings */
	if (trusted)
		return trusted;
	const struct server_deps deps = {.forwarded = p->forwarded,
	                                 .spop = &p->settings.spop,
	                                 .accounting = &p->settings.accounting,
	                                 .slot = p->slot,
	                                 .logins = p->login_shared,
	                                 .asks = p->asks,
	                                 .learner = p->learner,
	                                 .dpop = p->dpop,
	                                 .limiter = p->limiter,
	                                 .journals = p->journals,
	                                 .tables = p->tables,
	                                 .reload = on_reload,
	                                 .watch = on_watch,
	                                 .note = on_note,
	                                 .user = p};
	struct diag d = diag_over(path ? path : "built-in settings",
	                          sv_of(p->settings_text ? p->settings_text : ""));
	int r = server_new(&deps, &d, &p->server);
	diag_print(&d, stderr);
	diag_fini(&d);
	return r;
}

static int start_admin(struct program *p, const char *path)
{
	(void)path;
	const struct admin_deps deps = {.options = &p->settings.admin,
	                                .state = p->state,
	                                .store = p->store,
	                                .journal = audit_journals_admin(p->journals),
	                                .policy_env = &p->env,
	                                .tables_env = &p->tables_env,
	                                .logins = p->login_shared,
	                                .tables = p->tables,
	                                .hits = policy_slot_hits(p->slot),
	                                .slot = p->slot,
	                                .hooks = {.user = p,
	                                          .publish = program_publish,
	                                          .describe = program_describe,
	                                          .ready = program_ready,
	                                          .collect = program_collect,
	                                          .tables_changed = program_tables_changed}};
	return admin_start(&deps, -1, &p->admin);
}

/* In the order they stand on each other; stop() goes the other way. */
static const struct {
	const char *name;
	int (*start)(struct program *p, const char *settings_path);
} parts[] = {
	{"state", start_state},   {"store", start_store},   {"journals", start_journals},
	{"writer", start_writer}, {"fetch", start_fetch},   {"logins", start_logins},
	{"tables", start_tables}, {"asks", start_asks},     {"policy", start_policy},
	{"proofs", start_proofs}, {"server", start_server}, {"admin", start_admin},
};

static void print_setup_link(const struct program *p)
{
	char link[1024];
	int r = admin_setup_link(p->admin, link, sizeof(link));
	if (r)
		(void)say(p, "setup_link", r);
	else if (link[0])
		log_event(LOG_NOTICE, "setup_link", "url=%s once=yes", link);
}

static void stop(struct program *p)
{
	admin_stop(p->admin);
	server_free(p->server);
	forwarded_free(p->forwarded);
	if (p->fetch)
		fetch_end_requests(p->fetch);
	passwords_end(p->passwords);
	learner_end(p->learner);
	quotas_end(p->quotas);
	policy_asks_free(p->asks); /* they hold policies, as refreshes of logins do */
	policy_logins_stop(p->logins);
	passwords_free(p->passwords);
	learner_free(p->learner);
	quotas_free(p->quotas);
	introspect_free(p->introspect);
	dpop_free(p->dpop);
	limiter_free(p->limiter);
	policy_slot_free(p->slot);
	policy_tables_free(p->tables);
	policy_keys_free(p->keys);
	fetch_stop(p->fetch);
	audit_writer_stop(p->writer);
	audit_journals_close(p->journals);
	audit_store_close(p->store);
	if (p->login_shared)
		seal_ring_fini(&p->login_shared->ring);
	free(p->login_shared);
	state_close(p->state);
	free(p->policy_file);
	free(p->policy_dir);
	settings_fini(&p->settings);
	free(p->settings_text);
}

static int start(struct program *p, const char *config)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		int r = parts[i].start(p, config);
		if (r)
			return say(p, parts[i].name, r);
	}
	return 0;
}

static void serve(struct program *p)
{
	note(p, SVL("start"), SVL("haward " HAWARD_VERSION));
	print_setup_link(p);
	log_event(LOG_NOTICE, "ready", "version=%s n_workers=%zu data_dir=%s", HAWARD_VERSION,
	          server_n_workers(p->server), p->settings.data_dir);
	server_run(p->server);
	note(p, SVL("stop"), SVL(""));
}

static char own_name[] = "haward serve"; /* for the usage text */

int cli_serve(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Answer HAProxy's SPOE requests, keep the audit trail and serve the "
		       "dashboard, until SIGTERM. SIGHUP reads policy and key files again, "
		       "SIGUSR1 opens the log file again."};
	struct arguments arguments = {0};
	struct program p = {0};
	argv[0] = own_name;
	(void)argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	int r = read_settings(&p, arguments.config);
	if (r == 0) {
		protect();
		log_set_level((enum log_level)p.settings.log.level);
		if (p.settings.log.file)
			log_to_file(p.settings.log.file);
		r = start(&p, arguments.config);
	}
	if (r == 0)
		serve(&p);
	stop(&p);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
