#include "admin/call.h"
#include "admin/handlers.h"
#include "admin/reply.h"
#include "audit/journal.h"
#include "audit/store.h"
#include "core/strbuf.h"
#include "state/versions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifndef HAWARD_VERSION
#define HAWARD_VERSION "unknown"
#endif

#define METRICS_MAX_BYTES (1024U * 1024)

static const struct {
	const char *name; /* in /metrics behind haward_admin_, in /system as it is */
	const char *help;
} counter_names[ADMIN_COUNTER_COUNT] = {
	[COUNT_REQUESTS] = {"requests_total", "Requests to the admin side."},
	[COUNT_REFUSED] = {"refused_total", "Requests answered with 4xx."},
	[COUNT_FAILED] = {"failed_total", "Requests answered with 5xx."},
	[COUNT_LOGINS] = {"logins_total", "Sign-ins."},
	[COUNT_LOGINS_FAILED] = {"logins_failed_total", "Sign-ins with a wrong name or password."},
	[COUNT_THROTTLED] = {"logins_throttled_total", "Sign-ins that had to wait."},
	[COUNT_ACTS_LOST] = {"acts_lost_total", "Admin acts that the journal did not take."},
	[COUNT_EXPORTS] = {"exports_total", "Exports begun."},
	[COUNT_EXPORT_ROWS] = {"export_rows_total", "Rows exported."},
};

static unsigned long long counter_value(const struct admin *admin, size_t i)
{
	return atomic_load_explicit(&admin->counters[i], memory_order_relaxed);
}

static json_t *policy_json(const struct admin *admin)
{
	struct state_version version;
	if (state_version_current(admin->deps.state, &version) != 0)
		return json_pack("{s:n, s:n, s:n, s:n}", "version", "digest", "time", "author");
	return json_pack("{s:o, s:s, s:o, s:s}", "version", json_u64(version.number), "digest",
	                 version.digest, "time", json_time(version.at_us), "author",
	                 version.author);
}

static json_t *store_json(const struct admin *admin)
{
	struct audit_store_stats stats;
	if (!admin->deps.store || audit_store_stats(admin->deps.store, &stats) != 0)
		return json_object();
	uint64_t n = stats.last_seq ? stats.last_seq - stats.first_seq + 1 : 0;
	return json_pack("{s:I, s:o, s:o, s:I, s:I, s:I}", "events", (json_int_t)n, "first_seq",
	                 stats.first_seq ? json_u64(stats.first_seq) : json_null(), "last_seq",
	                 stats.last_seq ? json_u64(stats.last_seq) : json_null(), "used_bytes",
	                 (json_int_t)(stats.events_bytes + stats.index_bytes), "limit_bytes",
	                 (json_int_t)stats.map_bytes, "index_lag",
	                 (json_int_t)(stats.last_seq - stats.indexed_seq));
}

static json_t *counters_json(const struct admin *admin)
{
	json_t *json = json_object();
	for (size_t i = 0; i < ADMIN_COUNTER_COUNT; i++)
		json_object_set_new(json, counter_names[i].name,
		                    json_integer((json_int_t)counter_value(admin, i)));
	return json;
}

void system_show(struct call *call)
{
	const struct admin *admin = call->admin;
	json_t *json = json_pack(
		"{s:s, s:o, s:o, s:I, s:o, s:o, s:o}", "version", HAWARD_VERSION, "started_at",
		json_time(admin->started_us), "now", json_time(call->now_us), "uptime_s",
		(json_int_t)((call->now_us - admin->started_us) / 1000000), "policy",
		policy_json(admin), "store", store_json(admin), "counters", counters_json(admin));
	if (json && admin->deps.hooks.describe)
		admin->deps.hooks.describe(admin->deps.hooks.user, json);
	reply_json(call, 200, json);
}

void health_live(struct call *call)
{
	reply_json(call, 200, json_pack("{s:s}", "status", "ok"));
}

void health_ready(struct call *call)
{
	const struct admin_hooks *hooks = &call->admin->deps.hooks;
	json_t *checks = json_object();
	bool stopping = atomic_load(&call->admin->stopping);
	bool ready = !stopping && (!hooks->ready || hooks->ready(hooks->user, checks));
	if (stopping)
		json_object_set_new(checks, "agent", json_string("stopping"));
	reply_json(call, ready ? 200 : 503,
	           json_pack("{s:s, s:o}", "status", ready ? "ok" : "failing", "checks", checks));
}

static void add_metric(struct strbuf *text, const char *name, const char *help,
                       unsigned long long value)
{
	strbuf_addf(
		text,
		"# HELP haward_admin_%s %s\n# TYPE haward_admin_%s counter\nhaward_admin_%s %llu\n",
		name, help, name, name, value);
}

static void add_gauge(struct strbuf *text, const char *name, const char *help,
                      unsigned long long value)
{
	strbuf_addf(text, "# HELP haward_%s %s\n# TYPE haward_%s gauge\nhaward_%s %llu\n", name,
	            help, name, name, value);
}

static void add_store_metrics(struct strbuf *text, const struct admin *admin)
{
	struct audit_store_stats stats;
	if (!admin->deps.store || audit_store_stats(admin->deps.store, &stats) != 0)
		return;
	add_gauge(text, "audit_last_sequence", "Sequence number of the newest record.",
	          stats.last_seq);
	add_gauge(text, "audit_indexed_sequence",
	          "Sequence number up to which records are indexed.", stats.indexed_seq);
	add_gauge(text, "audit_store_bytes", "Size of the book on disk.",
	          stats.events_bytes + stats.index_bytes);
}

void metrics_show(struct call *call)
{
	const struct admin *admin = call->admin;
	struct strbuf text = strbuf_with(METRICS_MAX_BYTES);
	struct state_version version;

	strbuf_addf(
		&text,
		"# HELP haward_build_info Version of the agent.\n# TYPE haward_build_info gauge\n"
		"haward_build_info{version=\"" HAWARD_VERSION "\"} 1\n");
	for (size_t i = 0; i < ADMIN_COUNTER_COUNT; i++)
		add_metric(&text, counter_names[i].name, counter_names[i].help,
		           counter_value(admin, i));
	if (state_version_current(admin->deps.state, &version) == 0)
		add_gauge(&text, "policy_set_version", "Number of the policy set in force.",
		          version.number);
	add_store_metrics(&text, admin);
	if (admin->deps.hooks.collect)
		admin->deps.hooks.collect(admin->deps.hooks.user, &text);
	size_t n = text.n;
	char *taken = strbuf_take(&text);
	strbuf_fini(&text);
	if (taken)
		reply_text(call, 200, "text/plain; version=0.0.4; charset=utf-8", taken, n);
	else
		reply_error(call, -ENOMEM, "the metrics are too long");
}
