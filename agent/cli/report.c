#include "audit/journal.h"
#include "audit/writer.h"
#include "cli/program.h"
#include "core/clock.h"
#include "core/strbuf.h"
#include "policy/asks.h"
#include "policy/introspect.h"
#include "policy/keys.h"
#include "policy/limiter.h"
#include "policy/logins.h"
#include "policy/passwords.h"
#include "policy/quotas.h"
#include "policy/slot.h"

void program_publish(void *user, struct policy *policy)
{
	struct program *p = user;
	if (policy_slot_publish_newer(p->slot, policy))
		server_wake(p->server);
}

static uint64_t load(const atomic_uint_fast64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static json_t *strings(const struct json_strings *list)
{
	json_t *array = json_array();
	for (size_t i = 0; i < list->n; i++)
		(void)json_array_append_new(array, json_string(list->at[i]));
	return array;
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

/* Sums over workers of one counter, named by its place. */
static uint64_t sum(const struct program *p, size_t offset)
{
	uint64_t total = 0;
	for (size_t i = 0; i < server_n_workers(p->server); i++) {
		const char *counters = (const char *)server_worker(p->server, i);
		total += load((const atomic_uint_fast64_t *)(const void *)(counters + offset));
	}
	return total;
}
#define SUM(p, member) sum(p, offsetof(struct worker_counters, member))

static uint64_t verdicts(const struct program *p, unsigned effect)
{
	return sum(p, offsetof(struct worker_counters, n_verdicts) +
	                      effect * sizeof(atomic_uint_fast64_t));
}

static json_t *describe_spop(const struct program *p)
{
	json_t *spop = json_object();
	uint64_t n_verdicts = 0;
	for (unsigned i = 0; i < VERDICT_EFFECT_COUNT; i++)
		n_verdicts += verdicts(p, i);
	(void)json_object_set_new(spop, "connections", number(SUM(p, n_connections)));
	(void)json_object_set_new(spop, "workers", number(server_n_workers(p->server)));
	(void)json_object_set_new(spop, "verdicts", number(n_verdicts));
	(void)json_object_set_new(spop, "protocol_errors", number(SUM(p, n_protocol_errors)));
	(void)json_object_set_new(spop, "audit_refused", number(SUM(p, n_audit_refused)));
	(void)json_object_set_new(spop, "listen", strings(&p->settings.spop.listen));
	return spop;
}

static json_t *describe_outcomes(const struct program *p)
{
	const struct loglisten_counters *c = server_accounting(p->server);
	json_t *outcomes = json_object();
	(void)json_object_set_new(outcomes, "connections", number(load(&c->n_connections)));
	(void)json_object_set_new(outcomes, "lines", number(load(&c->n_lines)));
	(void)json_object_set_new(outcomes, "refused", number(load(&c->n_bad)));
	(void)json_object_set_new(outcomes, "listen", strings(&p->settings.accounting.listen));
	return outcomes;
}

static json_t *describe_journals(const struct program *p)
{
	json_t *array = json_array();
	for (size_t i = 0; i < audit_journals_count(p->journals); i++) {
		struct audit_journal *journal = audit_journals_at(p->journals, i);
		struct audit_journal_stats stats;
		json_t *one = json_object();
		audit_journal_stats(journal, &stats);
		(void)json_object_set_new(one, "name", json_string(audit_journal_name(journal)));
		(void)json_object_set_new(one, "used_bytes", number(stats.used_bytes));
		(void)json_object_set_new(one, "capacity_bytes", number(stats.size_bytes));
		(void)json_object_set_new(one, "refused", number(stats.n_refused));
		(void)json_array_append_new(array, one);
	}
	return array;
}

static json_t *time_or_null(int64_t at_s)
{
	char time[CLOCK_TEXT_BYTES];
	if (at_s <= 0)
		return json_null();
	(void)clock_format(at_s * 1000000, time);
	return json_string(time);
}

static void describe_endpoint(void *user, const struct introspect_status *status)
{
	json_t *one = json_object();
	bool is_good = status->error[0] == '\0';
	(void)json_object_set_new(one, "url", json_string(status->url));
	(void)json_object_set_new(one, "state", json_string(is_good ? "good" : "failing"));
	(void)json_object_set_new(one, "asked", number(status->n_asked));
	(void)json_object_set_new(one, "active", number(status->n_active));
	(void)json_object_set_new(one, "refused", number(status->n_refused));
	(void)json_object_set_new(one, "failed", number(status->n_failed));
	(void)json_object_set_new(one, "good_at", time_or_null(status->good_at));
	(void)json_object_set_new(one, "failed_at", time_or_null(status->failed_at));
	(void)json_object_set_new(one, "error", is_good ? json_null() : json_string(status->error));
	(void)json_array_append_new(user, one);
}

static json_t *describe_passwords(const struct program *p)
{
	struct passwords_stats stats;
	json_t *passwords = json_object();
	passwords_stats(p->passwords, &stats);
	(void)json_object_set_new(passwords, "right", number(stats.n_right));
	(void)json_object_set_new(passwords, "wrong", number(stats.n_wrong));
	(void)json_object_set_new(passwords, "throttled", number(stats.n_throttled));
	(void)json_object_set_new(passwords, "full", number(stats.n_full));
	(void)json_object_set_new(passwords, "waiting", number(stats.n_waiting));
	return passwords;
}

static json_t *describe_asks(const struct program *p)
{
	struct policy_asks_stats stats;
	json_t *asks = json_object();
	json_t *endpoints = json_array();
	policy_asks_stats(p->asks, &stats);
	introspect_each(p->introspect, describe_endpoint, endpoints);
	(void)json_object_set_new(asks, "parked", number(SUM(p, n_parked)));
	(void)json_object_set_new(asks, "waited", number(SUM(p, n_asked)));
	(void)json_object_set_new(asks, "timed_out", number(SUM(p, n_timed_out)));
	(void)json_object_set_new(asks, "under_way", number(stats.n_under_way));
	(void)json_object_set_new(asks, "asked", number(stats.n_asked));
	(void)json_object_set_new(asks, "refused", number(stats.n_refused));
	(void)json_object_set_new(asks, "introspection", endpoints);
	(void)json_object_set_new(asks, "passwords", describe_passwords(p));
	return asks;
}

static json_t *describe_logins(const struct program *p)
{
	struct policy_logins_stats stats;
	json_t *logins = json_object();
	policy_logins_stats(p->logins, &stats);
	(void)json_object_set_new(logins, "signed_in", number(stats.n_signed_in));
	(void)json_object_set_new(logins, "refused", number(stats.n_refused));
	(void)json_object_set_new(logins, "failed", number(stats.n_failed));
	(void)json_object_set_new(logins, "refreshed", number(stats.n_refreshed));
	(void)json_object_set_new(logins, "refreshes_failed", number(stats.n_refresh_failed));
	(void)json_object_set_new(logins, "ended", number(stats.n_ended));
	(void)json_object_set_new(logins, "failed_at", time_or_null(stats.failed_at));
	(void)json_object_set_new(logins, "error",
	                          stats.error[0] ? json_string(stats.error) : json_null());
	return logins;
}

void program_describe(void *user, json_t *system)
{
	const struct program *p = user;
	(void)json_object_set_new(system, "spop", describe_spop(p));
	(void)json_object_set_new(system, "outcomes", describe_outcomes(p));
	(void)json_object_set_new(system, "journals", describe_journals(p));
	(void)json_object_set_new(system, "keys", program_describe_issuers(p));
	(void)json_object_set_new(system, "asks", describe_asks(p));
	(void)json_object_set_new(system, "logins", describe_logins(p));
}

bool program_ready(void *user, json_t *checks)
{
	const struct program *p = user;
	struct audit_writer_stats stats;
	audit_writer_stats(p->writer, &stats);
	(void)json_object_set_new(checks, "policy", json_string("in force"));
	(void)json_object_set_new(
		checks, "audit",
		json_string(stats.failing ? "the disk refuses records" : "records are kept"));
	return !stats.failing;
}

static void metric(struct strbuf *text, const char *name, const char *type, const char *help,
                   uint64_t value)
{
	strbuf_addf(text, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name,
	            (unsigned long long)value);
}

static void collect_verdicts(const struct program *p, struct strbuf *text)
{
	strbuf_addf(text, "# HELP haward_verdicts_total Verdicts given to HAProxy.\n"
	                  "# TYPE haward_verdicts_total counter\n");
	for (unsigned i = 0; i < VERDICT_EFFECT_COUNT; i++)
		strbuf_addf(text, "haward_verdicts_total{verdict=\"%s\"} %llu\n",
		            verdict_effect_name((enum verdict_effect)i),
		            (unsigned long long)verdicts(p, i));
}

static void collect_reasons(const struct program *p, struct strbuf *text)
{
	strbuf_addf(text,
	            "# HELP haward_verdict_reasons_total Verdicts given to HAProxy, by reason.\n"
	            "# TYPE haward_verdict_reasons_total counter\n");
	for (unsigned i = 0; i < REASON_COUNT; i++)
		strbuf_addf(text, "haward_verdict_reasons_total{reason=\"%s\"} %llu\n",
		            reason_name((enum reason)i),
		            (unsigned long long)sum(p, offsetof(struct worker_counters, n_reasons) +
		                                               i * sizeof(atomic_uint_fast64_t)));
}

static void collect_took(const struct program *p, struct strbuf *text)
{
	uint64_t below = 0;
	strbuf_addf(text, "# HELP haward_verdict_duration_seconds Time from the decoded request to "
	                  "the verdict.\n"
	                  "# TYPE haward_verdict_duration_seconds histogram\n");
	for (unsigned i = 0; i < WORKER_TOOK_BUCKETS; i++) {
		below += sum(p, offsetof(struct worker_counters, took) +
		                        i * sizeof(atomic_uint_fast64_t));
		if (i < WORKER_TOOK_BUCKETS - 1)
			strbuf_addf(
				text, "haward_verdict_duration_seconds_bucket{le=\"%.9g\"} %llu\n",
				(double)worker_took_bounds_ns[i] / 1e9, (unsigned long long)below);
	}
	strbuf_addf(text,
	            "haward_verdict_duration_seconds_bucket{le=\"+Inf\"} %llu\n"
	            "haward_verdict_duration_seconds_sum "
	            "%.9f\nhaward_verdict_duration_seconds_count %llu\n",
	            (unsigned long long)below, (double)SUM(p, took_ns_sum) / 1e9,
	            (unsigned long long)below);
}

static void collect_audit(const struct program *p, struct strbuf *text)
{
	struct audit_writer_stats stats;
	audit_writer_stats(p->writer, &stats);
	metric(text, "haward_audit_committed_sequence", "counter", "Last record on disk.",
	       stats.committed_seq);
	metric(text, "haward_audit_indexed_sequence", "counter", "Last record indexed.",
	       stats.indexed_seq);
	metric(text, "haward_audit_commit_failures_total", "counter", "Commits the disk refused.",
	       stats.n_failures);
	metric(text, "haward_audit_failing", "gauge", "1 while the disk refuses records.",
	       stats.failing);
	metric(text, "haward_journal_used_bytes", "gauge", "Records waiting for the disk.",
	       stats.journal_used_bytes);
	metric(text, "haward_journal_capacity_bytes", "gauge", "Room of all journals.",
	       stats.journal_size_bytes);
	metric(text, "haward_journal_refused_total", "counter",
	       "Records that found the journal full.", stats.n_refused);
}

struct key_sets {
	uint64_t n, n_failing;
	int64_t oldest_at;
};

static void count_key_set(void *user, const struct policy_keys_status *status)
{
	struct key_sets *sets = user;
	sets->n++;
	sets->n_failing += status->error && *status->error;
	if (status->fetched_at && (!sets->oldest_at || status->fetched_at < sets->oldest_at))
		sets->oldest_at = status->fetched_at;
}

static void collect_keys(const struct program *p, struct strbuf *text)
{
	struct key_sets sets = {0};
	policy_keys_each(p->keys, count_key_set, &sets);
	int64_t age = sets.oldest_at ? clock_real_us() / 1000000 - sets.oldest_at : 0;
	metric(text, "haward_key_sets", "gauge", "Key sets that are fetched.", sets.n);
	metric(text, "haward_key_sets_failing", "gauge", "Key sets whose last fetch failed.",
	       sets.n_failing);
	metric(text, "haward_key_set_age_seconds", "gauge", "Age of the oldest fetched key set.",
	       age > 0 ? (uint64_t)age : 0);
}

static void count_endpoint(void *user, const struct introspect_status *status)
{
	struct introspect_status *sum = user;
	sum->n_asked += status->n_asked;
	sum->n_failed += status->n_failed;
}

static void collect_asks(const struct program *p, struct strbuf *text)
{
	struct policy_asks_stats stats;
	struct introspect_status endpoints = {0};
	policy_asks_stats(p->asks, &stats);
	introspect_each(p->introspect, count_endpoint, &endpoints);
	metric(text, "haward_requests_parked", "gauge", "Requests that wait for an answer.",
	       SUM(p, n_parked));
	metric(text, "haward_requests_parked_total", "counter",
	       "Times that a request had to wait for an answer.", SUM(p, n_asked));
	metric(text, "haward_requests_answered_total", "counter",
	       "Times that an answer came in time.", SUM(p, n_answered));
	metric(text, "haward_requests_timed_out_total", "counter",
	       "Requests refused because no answer came in time.", SUM(p, n_timed_out));
	metric(text, "haward_asks_under_way", "gauge", "Questions to others under way.",
	       stats.n_under_way);
	metric(text, "haward_asks_total", "counter", "Questions put to others.", stats.n_asked);
	metric(text, "haward_asks_refused_total", "counter",
	       "Questions not put: too many, or nobody to ask.", stats.n_refused);
	struct passwords_stats passwords;
	passwords_stats(p->passwords, &passwords);
	struct limiter_stats limits;
	limiter_stats(p->limiter, &limits);
	metric(text, "haward_limit_counts_evicted_total", "counter",
	       "Counts of limits that were given up for others, since there was no room.",
	       limits.n_evicted);
	struct quotas_stats quotas;
	quotas_stats(p->quotas, &quotas);
	metric(text, "haward_quota_reservations_total", "counter",
	       "Blocks of quotas that were reserved on disk.", quotas.n_reserved);
	metric(text, "haward_quota_reservations_failed_total", "counter",
	       "Blocks of quotas that could not be reserved: their requests were refused.",
	       quotas.n_failed);
	metric(text, "haward_quota_keys_full_total", "counter",
	       "Reservations of quotas for which limits.quota_keys is too small.",
	       quotas.table.n_full);
	metric(text, "haward_passwords_wrong_total", "counter", "Passwords that were wrong.",
	       passwords.n_wrong);
	metric(text, "haward_passwords_throttled_total", "counter",
	       "Passwords not looked at, so soon after wrong ones.", passwords.n_throttled);
	metric(text, "haward_passwords_refused_total", "counter",
	       "Passwords that found the lane full.", passwords.n_full);
	metric(text, "haward_introspections_total", "counter",
	       "Answers of introspection endpoints.", endpoints.n_asked);
	metric(text, "haward_introspections_failed_total", "counter",
	       "Introspections without a usable answer.", endpoints.n_failed);
}

static void collect_logins(const struct program *p, struct strbuf *text)
{
	struct policy_logins_stats stats;
	policy_logins_stats(p->logins, &stats);
	metric(text, "haward_logins_total", "counter", "People who signed in with a browser.",
	       stats.n_signed_in);
	metric(text, "haward_logins_refused_total", "counter",
	       "Sign-ins that came back with a code or a state that is not acceptable.",
	       stats.n_refused);
	metric(text, "haward_logins_failed_total", "counter",
	       "Sign-ins that failed for want of a usable answer or of space.", stats.n_failed);
	metric(text, "haward_login_refreshes_total", "counter",
	       "Sessions whose tokens were changed.", stats.n_refreshed);
	metric(text, "haward_login_refreshes_failed_total", "counter",
	       "Refreshes without a usable answer.", stats.n_refresh_failed);
	metric(text, "haward_login_sessions_ended_total", "counter",
	       "Sessions ended by their user, their provider, or a refusal to refresh.",
	       stats.n_ended);
}

void program_collect(void *user, struct strbuf *text)
{
	const struct program *p = user;
	const struct loglisten_counters *log = server_accounting(p->server);
	collect_verdicts(p, text);
	collect_reasons(p, text);
	collect_took(p, text);
	metric(text, "haward_spop_connections", "gauge", "Open connections of HAProxy.",
	       SUM(p, n_connections));
	metric(text, "haward_spop_connections_refused_total", "counter",
	       "Connections closed because spop.max_connections were open.",
	       server_n_refused(p->server));
	metric(text, "haward_spop_frames_total", "counter", "NOTIFY frames received.",
	       SUM(p, n_frames));
	metric(text, "haward_spop_protocol_errors_total", "counter",
	       "Connections ended for breaking SPOP.", SUM(p, n_protocol_errors));
	metric(text, "haward_spop_health_checks_total", "counter", "Health checks answered.",
	       SUM(p, n_health_checks));
	metric(text, "haward_audit_refused_total", "counter",
	       "Requests refused because they could not be recorded.", SUM(p, n_audit_refused));
	metric(text, "haward_token_cache_hits_total", "counter", "Tokens found verified.",
	       SUM(p, n_token_hits));
	metric(text, "haward_token_cache_misses_total", "counter",
	       "Tokens that had to be verified.", SUM(p, n_token_misses));
	metric(text, "haward_internal_tokens_minted_total", "counter",
	       "Internal tokens made for services.", SUM(p, n_minted));
	metric(text, "haward_internal_tokens_reused_total", "counter",
	       "Internal tokens that served once more.", SUM(p, n_mint_reused));
	metric(text, "haward_internal_tokens_failed_total", "counter",
	       "Internal tokens that could not be made.", SUM(p, n_mint_failed));
	metric(text, "haward_relations_learned_total", "counter",
	       "Relations written from what services answered.", SUM(p, n_learned));
	metric(text, "haward_relations_not_learned_total", "counter",
	       "Answers that should have taught a relation and did not: the log has the cause.",
	       SUM(p, n_not_learned));
	metric(text, "haward_outcome_lines_total", "counter", "Log lines received from HAProxy.",
	       load(&log->n_lines));
	metric(text, "haward_outcome_lines_bad_total", "counter",
	       "Log lines that could not be read.", load(&log->n_bad));
	collect_audit(p, text);
	collect_keys(p, text);
	program_collect_issuers(p, text);
	program_collect_policies(p, text);
	collect_asks(p, text);
	collect_logins(p, text);
}
