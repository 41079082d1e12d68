/* Policies as metrics: how often each had a part in a verdict. */
#include "cli/program.h"
#include "core/strbuf.h"
#include "policy/hits.h"
#include "policy/slot.h"

/* So many policies have series of their own, the first that were seen: what a scrape has to carry stays bounded, and a
 * series never changes its meaning. The others are summed. */
enum { SERIES_MAX = 256 };

struct collecting {
	struct strbuf *text;
	const char *metric;
	uint64_t (*count)(const struct policy_hit_counts *counts);
};

static uint64_t matched(const struct policy_hit_counts *counts)
{
	return counts->n_matched;
}

static uint64_t decided(const struct policy_hit_counts *counts)
{
	return counts->n_decided;
}

static uint64_t would_change(const struct policy_hit_counts *counts)
{
	return counts->n_would_change;
}

/* A policy's name needs no escapes: letters, digits and "._:/-". */
static void collect_one(void *user, struct sv name, const struct policy_hit_counts *counts)
{
	const struct collecting *c = user;
	if (name.n > 0)
		strbuf_addf(c->text, "%s{policy=\"%.*s\"} %llu\n", c->metric, SV_ARG(name),
		            (unsigned long long)c->count(counts));
	else
		strbuf_addf(c->text, "%s{policy=\"\",others=\"true\"} %llu\n", c->metric,
		            (unsigned long long)c->count(counts));
}

void program_collect_policies(const struct program *p, struct strbuf *text)
{
	static const struct {
		const char *metric, *help;
		uint64_t (*count)(const struct policy_hit_counts *counts);
	} metrics[] = {
		{"haward_policy_matched_total",
	         "Requests of which a rule of the policy was the first to hold.", matched},
		{"haward_policy_decided_total", "Requests that the policy decided.", decided},
		{"haward_policy_would_change_total",
	         "Requests that the policy, a shadow for them, would have decided otherwise.",
	         would_change},
	};
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
		struct collecting c = {text, metrics[i].metric, metrics[i].count};
		strbuf_addf(text, "# HELP %s %s\n# TYPE %s counter\n", c.metric, metrics[i].help,
		            c.metric);
		policy_hits_each(policy_slot_hits(p->slot), SERIES_MAX, collect_one, &c);
	}
}
