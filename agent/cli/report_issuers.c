/* The issuers of the policy set in force: where their keys are from, how old they are, what is wrong. */
#include "authn/authn.h"
#include "authn/issuer.h"
#include "cli/program.h"
#include "core/clock.h"
#include "core/strbuf.h"
#include "policy/keys.h"
#include "policy/policy.h"
#include "policy/slot.h"

static void unrefp(struct policy **policy)
{
	policy_unref(*policy);
}

/* --- /api/v1/system --- */

static json_t *time_or_null(int64_t at_s)
{
	char text[CLOCK_TEXT_BYTES];
	if (at_s == 0)
		return json_null();
	(void)clock_format(at_s * 1000000, text);
	return json_string(text);
}

static json_t *unusable(const struct jwks *set)
{
	json_t *list = json_array();
	for (size_t i = 0; set && i < set->n_unusable; i++)
		(void)json_array_append_new(list,
		                            json_pack("{s:s?, s:s}", "kid", set->unusable[i].kid,
		                                      "reason", set->unusable[i].why));
	return list;
}

static const char *state_of(const struct policy_keys_status *status)
{
	bool failed = status->error[0];
	if (!status->set && (!status->is_bundle || status->fetched_at == 0))
		return failed ? "missing" : "pending";
	return failed ? "stale" : "good";
}

static void describe_fetched(void *user, const struct policy_keys_status *status)
{
	json_t *one = user;
	(void)json_object_set_new(one, "source", json_string(status->url));
	(void)json_object_set_new(one, "discovered", json_boolean(status->issuer));
	(void)json_object_set_new(one, "discovered_at", time_or_null(status->discovered_at));
	(void)json_object_set_new(one, "fetched_at", time_or_null(status->fetched_at));
	(void)json_object_set_new(one, "next_at", time_or_null(status->next_at));
	(void)json_object_set_new(one, "error",
	                          status->error[0] ? json_string(status->error) : json_null());
	(void)json_object_set_new(one, "state", json_string(state_of(status)));
}

static void describe_bundle(void *user, const struct policy_keys_status *status)
{
	if (!status->is_bundle)
		return;
	json_t *one = json_pack("{s:s, s:s, s:I}", "name", status->url, "issuer", status->url,
	                        "n_keys", (json_int_t)status->n_keys);
	if (one)
		describe_fetched(one, status);
	(void)json_array_append_new(user, one);
}

/* Keys that came with the policy set. */
static void describe_local(json_t *one, const struct issuer *issuer)
{
	const char *source = issuer->jwks_file     ? issuer->jwks_file
	                     : issuer->secret_file ? issuer->secret_file
	                     : issuer->has_keys    ? "policy set"
	                                           : "introspection";
	(void)json_object_set_new(one, "source", json_string(source));
	(void)json_object_set_new(one, "discovered", json_false());
	(void)json_object_set_new(one, "error", json_null());
	(void)json_object_set_new(one, "state", json_string("local"));
}

static json_t *describe(const struct program *p, const struct issuer *issuer)
{
	CLEANUP(jwks_unrefp) struct jwks *set = keyslot_get(issuer->keys);
	json_t *one =
		json_pack("{s:s, s:s, s:I, s:o}", "name", issuer->name, "issuer", issuer->issuer,
	                  "n_keys", (json_int_t)(set ? set->n : 0), "unusable", unusable(set));
	if (one && !policy_keys_look(p->keys, issuer->keys, describe_fetched, one))
		describe_local(one, issuer);
	return one;
}

json_t *program_describe_issuers(const struct program *p)
{
	CLEANUP(unrefp) struct policy *policy = policy_slot_get(p->slot);
	json_t *list = json_array();
	for (size_t i = 0; policy && i < authn_n_issuers(policy_authn(policy)); i++)
		(void)json_array_append_new(list,
		                            describe(p, authn_issuer(policy_authn(policy), i)));
	policy_keys_each(p->keys, describe_bundle, list);
	return list;
}

/* --- /metrics --- */

/* A label's value. source: Prometheus text format 0.0.4 */
static void add_label(struct strbuf *text, const char *value)
{
	for (const char *c = value; *c; c++) {
		if (*c == '"' || *c == '\\')
			strbuf_char(text, '\\');
		if (*c == '\n')
			strbuf_add(text, SVL("\\n"));
		else
			strbuf_char(text, *c);
	}
}

/* What is known of one issuer; of local keys only that they are there. */
struct figures {
	uint64_t up, n_keys, n_unusable, age_s;
};

static void look(void *user, const struct policy_keys_status *status)
{
	struct figures *f = user;
	int64_t age = status->fetched_at ? clock_real_us() / 1000000 - status->fetched_at : 0;
	f->up = status->set && !status->error[0];
	f->age_s = age > 0 ? (uint64_t)age : 0;
}

static struct figures figures_of(const struct program *p, const struct issuer *issuer)
{
	CLEANUP(jwks_unrefp) struct jwks *set = keyslot_get(issuer->keys);
	struct figures f = {
		.up = 1, .n_keys = set ? set->n : 0, .n_unusable = set ? set->n_unusable : 0};
	(void)policy_keys_look(p->keys, issuer->keys, look, &f);
	return f;
}

static const struct {
	const char *name, *help;
	size_t offset;
} metrics[] = {
	{"haward_issuer_up", "1 while the issuer's keys are there and the last fetch was good.",
         offsetof(struct figures, up)},
	{"haward_issuer_keys", "Keys of the issuer in force.", offsetof(struct figures, n_keys)},
	{"haward_issuer_keys_unusable", "Keys of the issuer that were left out.",
         offsetof(struct figures, n_unusable)},
	{"haward_issuer_key_age_seconds", "Time since the issuer's keys were fetched; 0: local.",
         offsetof(struct figures, age_s)},
};

void program_collect_issuers(const struct program *p, struct strbuf *text)
{
	CLEANUP(unrefp) struct policy *policy = policy_slot_get(p->slot);
	for (size_t m = 0; policy && m < ARRAY_LEN(metrics); m++) {
		strbuf_addf(text, "# HELP %s %s\n# TYPE %s gauge\n", metrics[m].name,
		            metrics[m].help, metrics[m].name);
		for (size_t i = 0; i < authn_n_issuers(policy_authn(policy)); i++) {
			const struct issuer *issuer = authn_issuer(policy_authn(policy), i);
			const struct figures f = figures_of(p, issuer);
			uint64_t value;
			memcpy(&value, (const char *)&f + metrics[m].offset, sizeof(value));
			strbuf_addf(text, "%s{issuer=\"", metrics[m].name);
			add_label(text, issuer->name);
			strbuf_addf(text, "\"} %llu\n", (unsigned long long)value);
		}
	}
}
