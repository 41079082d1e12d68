#include "authz/limit.h"

#include "authz/locate.h"
#include "core/hash.h"
#include "core/jsonfields.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "model/request.h"

#include <errno.h>
#include <stdlib.h>

/* Two, so that one that comes late is not lost: the rate is kept however unevenly they come. */
enum {
	NO_PERIOD = 255,
	BURST_USUAL = 2,
	PARTS_MAX = 8,
	PERIOD_MAX_S = 86400,
	REQUESTS_MAX_S = 1000000
};

/* ---- compiling ---- */

struct raw_limit {
	const json_t *name, *rules, *per;
	struct draft_choice where;
	unsigned mode, period;
	int64_t requests, period_s, burst; /* 0: left out */
};

#define FIELD(text, what, member, ...)                                                             \
	{                                                                                          \
		.name = (text), .kind = (what), .offset = JSON_FIELD_AT(struct raw_limit, member), \
		__VA_ARGS__                                                                        \
	}
static const char *const period_names[] = {"day", "month"}; /* quota_period, from QUOTA_DAY on */

static const struct json_field limit_fields[] = {
	FIELD("name", JSON_FIELD_VALUE, name, .required = true),
	FIELD("mode", JSON_FIELD_ENUM, mode, .names = authz_mode_names,
              .n_names = AUTHZ_MODE_COUNT),
	FIELD("services", JSON_FIELD_VALUE, where.services, .required = false),
	FIELD("namespace", JSON_FIELD_VALUE, where.namespace, .required = false),
	FIELD("selector", JSON_FIELD_VALUE, where.selector, .required = false),
	FIELD("rules", JSON_FIELD_VALUE, rules, .required = false),
	FIELD("per", JSON_FIELD_VALUE, per, .required = false),
	FIELD("requests", JSON_FIELD_INT, requests, .min = 1, .max = 1000000000, .required = true),
	FIELD("periodSeconds", JSON_FIELD_INT, period_s, .min = 1, .max = PERIOD_MAX_S),
	FIELD("period", JSON_FIELD_ENUM, period, .names = period_names,
              .n_names = ARRAY_LEN(period_names)),
	FIELD("burst", JSON_FIELD_INT, burst, .min = 1, .max = 1000000),
};
#undef FIELD

static void compile_part(struct drafting *d, const json_t *value, const struct compile_place *at,
                         struct authz_limit_part *ret)
{
	struct sv text;
	const char *why = NULL;
	if (!compile_text(&d->c, value, at, &text))
		return;
	if (sv_eq(text, SVL("destination.service")))
		ret->kind = AUTHZ_LIMIT_SERVICE;
	else if (sv_eq(text, SVL("route")))
		ret->kind = AUTHZ_LIMIT_ROUTE;
	else if (!authz_attribute_parse(text, d->c.keep, &ret->attribute, &why))
		compile_report(&d->c, at, "unknown_key",
		               "%s; route and destination.service are "
		               "known here too",
		               why);
	else if (ret->attribute.kind == AUTHZ_ATTRIBUTE_CAPTURE)
		compile_report(&d->c, at, "bad_value",
		               "what a path captures cannot be counted by; route can");
}

static void compile_per(struct drafting *d, const json_t *per, const struct compile_place *at,
                        struct authz_limit *limit)
{
	struct compile_place place = compile_key(at, "per");
	size_t n = per ? compile_list(&d->c, per, &place) : 0;
	if (n > PARTS_MAX) {
		compile_report(&d->c, &place, "too_many", "at most %d keys are allowed", PARTS_MAX);
		return;
	}
	struct authz_limit_part *parts = compile_array(&d->c, &place, n + 1, sizeof(*parts));
	if (!parts)
		return;
	limit->condition = arena_printf(d->c.keep, n ? "per" : "all");
	for (size_t i = 0; i < n; i++) {
		struct compile_place one = compile_index(&place, i);
		compile_part(d, json_array_get(per, i), &one, &parts[i]);
		limit->condition = arena_printf(d->c.keep, "%.*s %s", SV_ARG(limit->condition),
		                                json_string_value(json_array_get(per, i)));
	}
	limit->parts = parts;
	limit->n_parts = n;
}

static void compile_quota(struct drafting *d, const struct raw_limit *raw,
                          const struct compile_place *at, struct authz_limit *limit)
{
	struct compile_place place = compile_key(at, "burst");
	limit->period = (enum quota_period)(QUOTA_DAY + raw->period);
	limit->requests = raw->requests;
	limit->period_s = (limit->period == QUOTA_MONTH ? 31 : 1) * INT64_C(86400);
	limit->expected = arena_printf(d->c.keep, "%lld a %s", (long long)raw->requests,
	                               quota_period_names[limit->period]);
	if (raw->burst)
		compile_report(&d->c, &place, "conflict",
		               "a quota has no burst: all of it may be used at once");
}

static void compile_rate(struct drafting *d, const struct raw_limit *raw,
                         const struct compile_place *at, struct authz_limit *limit)
{
	struct compile_place place = compile_key(at, "requests");
	if (raw->requests < 1 || raw->period_s < 1)
		return;
	if (raw->requests / raw->period_s >= REQUESTS_MAX_S) {
		compile_report(&d->c, &place, "bad_value", "less than %d a second can be counted",
		               REQUESTS_MAX_S);
		return;
	}
	limit->requests = raw->requests;
	limit->period_s = raw->period_s;
	limit->rate =
		(struct gcra_rate){gcra_interval((uint64_t)raw->requests, (uint64_t)raw->period_s),
	                           (uint64_t)(raw->burst ? raw->burst : BURST_USUAL)};
	place = compile_key(at, "burst");
	if (!gcra_rate_ok(&limit->rate))
		compile_report(&d->c, &place, "bad_value",
		               "a burst that takes more than 18 years to be there again cannot be "
		               "counted; fewer at once, or more in a period");
	limit->expected = arena_printf(d->c.keep, "%lld in %lld s", (long long)raw->requests,
	                               (long long)raw->period_s);
}

/* A rate, or a quota. */
static void compile_numbers(struct drafting *d, const struct raw_limit *raw,
                            const struct compile_place *at, struct authz_limit *limit)
{
	if ((raw->period != NO_PERIOD) == (raw->period_s != 0))
		compile_report(&d->c, at, "conflict",
		               "one of periodSeconds, for a rate, and period, for a quota a day or "
		               "month, is expected");
	else if (raw->period != NO_PERIOD)
		compile_quota(d, raw, at, limit);
	else
		compile_rate(d, raw, at, limit);
}

static uint64_t identity_of(struct drafting *d, const struct authz_limit *limit)
{
	return hash_fnv1a(arena_printf(
		d->c.keep, "%.*s %.*s %llu %.*s", SV_ARG(limit->name), SV_ARG(limit->expected),
		(unsigned long long)limit->rate.burst, SV_ARG(limit->condition)));
}

static int enter(struct drafting *d, const struct authz_limit *limit,
                 const struct authz_limit_list **list)
{
	struct authz_limit_list *entry = arena_alloc(d->c.keep, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	*entry = (struct authz_limit_list){limit, *list};
	*list = entry;
	return 0;
}

static int enter_all(struct drafting *d, const struct draft *draft, const struct authz_limit *limit)
{
	int r = 0;
	if (limit->mode == AUTHZ_MODE_DISABLED)
		return 0;
	if (!draft->targets)
		return enter(d, limit, &d->set->limits);
	for (size_t i = 0; i < draft->n_targets && r == 0; i++)
		r = enter(d, limit, &draft->targets[i]->limits);
	return r;
}

static void check_name(struct drafting *d, const json_t *list, size_t i, struct sv name,
                       const struct compile_place *at)
{
	struct compile_place place = compile_key(at, "name");
	for (size_t k = 0; k < i; k++)
		if (sv_eq(name, json_string_sv(json_object_get(json_array_get(list, k), "name"))))
			compile_report(&d->c, &place, "doubled_name",
			               "another limit has the name '%.*s'", SV_ARG(name));
}

static int compile_limit(struct drafting *d, const json_t *list, size_t i,
                         const struct compile_place *at, struct authz_limit *limit)
{
	struct raw_limit raw = {.period = NO_PERIOD};
	struct draft draft = {0};
	struct authz_rule *rules = NULL;
	if (json_fields_read(json_array_get(list, i), limit_fields, ARRAY_LEN(limit_fields),
	                     at->pointer, d->c.diag, &raw) != 0)
		d->c.failed = true;
	struct compile_place place = compile_key(at, "name");
	if (raw.name)
		limit->name = compile_name(&d->c, raw.name, &place);
	check_name(d, list, i, limit->name, at);
	limit->number = (uint32_t)(d->n + i); /* behind the policies */
	limit->mode = (enum authz_mode)raw.mode;
	limit->pointer = arena_printf(d->c.keep, "%s", at->pointer);
	limit->policy = arena_printf(d->c.keep, "limit:%.*s", SV_ARG(limit->name));
	struct authz_policy *policy = compile_array(&d->c, at, 1, sizeof(*policy));
	if (!policy)
		return 0;
	/* as of one that denies: what is not known counts */
	*policy = (struct authz_policy){.name = limit->policy, .action = AUTHZ_ACTION_DENY};
	place = compile_key(at, "rules");
	compile_policy_rules(&d->c, raw.rules, &place, policy, &rules, &limit->n_rules);
	limit->rules = rules;
	compile_per(d, raw.per, at, limit);
	compile_numbers(d, &raw, at, limit);
	limit->identity = identity_of(d, limit);
	draft_targets(d, &draft, &raw.where, at);
	int r = enter_all(d, &draft, limit);
	free(draft.targets);
	return r;
}

static size_t length_of(const struct authz_limit_list *list)
{
	size_t n = 0;
	for (; list; list = list->next)
		n++;
	return n;
}

/* So many that a request is for them all must not be too many to count. */
static void check_number(struct drafting *d)
{
	struct compile_place at = {"/limits"};
	size_t n_all = length_of(d->set->limits), n_max = 0;
	for (size_t i = 0; i < authz_services_count(d->set->services); i++) {
		size_t n = length_of(authz_services_at(d->set->services, i)->limits);
		n_max = n > n_max ? n : n_max;
	}
	if (n_all + n_max > AUTHZ_LIMITS_MAX)
		compile_report(&d->c, &at, "too_many",
		               "%zu limits are for one service; at most %d are allowed",
		               n_all + n_max, AUTHZ_LIMITS_MAX);
}

int authz_limits_compile(struct drafting *d, const json_t *list)
{
	struct compile_place at = {"/limits"};
	if (!list)
		return 0;
	size_t n = json_array_size(list);
	if (!json_is_array(list) || n > POLICY_SET_MAX_LIMITS) {
		compile_report(&d->c, &at, "wrong_type",
		               "an array of at most %d limits is expected here",
		               POLICY_SET_MAX_LIMITS);
		return 0;
	}
	struct authz_limit *limits = compile_array(&d->c, &at, n + 1, sizeof(*limits));
	int r = limits ? 0 : -ENOMEM;
	/* the last first: lists grow at their head */
	for (size_t i = n; i-- > 0 && r == 0;) {
		struct compile_place place = compile_index(&at, i);
		r = compile_limit(d, list, i, &place, &limits[i]);
	}
	if (r == 0)
		check_number(d);
	d->set->counted_limits = limits;
	d->set->n_counted_limits = limits ? n : 0;
	return r;
}

/* ---- for one request ---- */

/* What is hashed, and what is shown of it. */
struct counting {
	struct sv key, shown;
	struct arena *scratch;
	bool failed;
};

static char *put(char *to, struct sv bytes)
{
	if (bytes.n)
		memcpy(to, bytes.at, bytes.n);
	return to + bytes.n;
}

/* Each with its length before it; one copy of the key for all of them. */
static void add_all(struct counting *c, const struct sv *at, size_t n)
{
	size_t n_key = c->key.n;
	for (size_t i = 0; i < n; i++)
		n_key += sizeof(uint32_t) + at[i].n;
	char *key = arena_alloc(c->scratch, n_key);
	if (!key) {
		c->failed = true;
		return;
	}
	char *to = put(key, c->key);
	for (size_t i = 0; i < n; i++) {
		uint32_t length = (uint32_t)at[i].n;
		to = put(to, (struct sv){(const char *)&length, sizeof(length)});
		to = put(to, at[i]);
	}
	c->key = (struct sv){key, n_key};
}

static void add(struct counting *c, struct sv bytes)
{
	add_all(c, &bytes, 1);
}

static void show(struct counting *c, struct sv text)
{
	c->shown = c->shown.n
	                   ? arena_printf(c->scratch, "%.*s %.*s", SV_ARG(c->shown), SV_ARG(text))
	                   : text;
}

static void add_attribute(struct counting *c, const struct authz_attribute *attribute,
                          const struct authz_view *view)
{
	struct authz_values values = {0};
	if (authz_attribute_is_address(attribute->kind)) {
		struct netaddr address = authz_attribute_address(attribute->kind, view);
		add(c, (struct sv){(const char *)&address, sizeof(address)});
	} else {
		authz_attribute_get(attribute, view, NULL, &values);
		add_all(c, values.at, values.n);
	}
	show(c, authz_attribute_text(attribute, view, NULL));
}

static void add_part(struct counting *c, const struct authz_limit_part *part, struct sv route,
                     const struct authz_view *view)
{
	uint8_t kind = (uint8_t)part->kind;
	add(c, (struct sv){(const char *)&kind,
	                   1}); /* or else the values of two could change places */
	if (part->kind == AUTHZ_LIMIT_ATTRIBUTE) {
		add_attribute(c, &part->attribute, view);
		return;
	}
	struct sv text = part->kind == AUTHZ_LIMIT_SERVICE ? view->service : route;
	add(c, text);
	show(c, text);
}

static bool counts(const struct authz_limit *limit, const struct authz_view *view, struct sv *route)
{
	struct authz_miss ignored = {.progress = UINT32_MAX};
	for (size_t i = 0; i < limit->n_rules; i++)
		if (authz_rule_holds(&limit->rules[i], view, route, &ignored))
			return true;
	return limit->n_rules == 0;
}

static void count_to(const struct authz_limit *limit, const struct authz_view *view,
                     struct authz_limited *ret, size_t *n)
{
	struct counting c = {.scratch = view->scratch};
	struct sv route = {0};
	if (!counts(limit, view, &route))
		return;
	add(&c, (struct sv){(const char *)&limit->identity, sizeof(limit->identity)});
	for (size_t i = 0; i < limit->n_parts; i++)
		add_part(&c, &limit->parts[i], route, view);
	ret[(*n)++] = (struct authz_limited){.name = limit->name,
	                                     .policy = limit->policy,
	                                     .pointer = limit->pointer,
	                                     .condition = limit->condition,
	                                     .expected = limit->expected,
	                                     .number = limit->number,
	                                     .requests = limit->requests,
	                                     .period_s = limit->period_s,
	                                     .period = limit->period,
	                                     .rate = &limit->rate,
	                                     .is_shadow = limit->mode == AUTHZ_MODE_SHADOW,
	                                     .key = c.key,
	                                     .value = c.shown,
	                                     .failed = c.failed};
}

size_t authz_limits_of(const struct authz *authz, const struct authz_target *target,
                       const struct request *request, const struct identity *who,
                       struct arena *scratch, struct authz_limited ret[static AUTHZ_LIMITS_MAX])
{
	const struct authz_limit_list *own = target->service ? target->service->limits : NULL;
	size_t n = 0;
	if (!authz->limits && !own)
		return 0;
	struct authz_view view = authz_view_of(target, request, who, scratch);
	view.issuers = authz->issuers_json;
	if (target->service)
		view.service = target->service->name;
	for (const struct authz_limit_list *l = authz->limits; l; l = l->next)
		count_to(l->limit, &view, ret, &n);
	for (const struct authz_limit_list *l = own; l; l = l->next)
		count_to(l->limit, &view, ret, &n);
	return n;
}
