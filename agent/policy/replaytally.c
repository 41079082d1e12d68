#include "policy/replaytally.h"

#include "audit/query.h"
#include "core/clock.h"
#include "core/eventid.h"
#include "core/utf8.h"
#include "policy/explain.h"

#include <stdlib.h>

/* The classes that a group counts; the others are no change. */
static const enum replay_class changes[] = {REPLAY_NEWLY_DENIED, REPLAY_NEWLY_ALLOWED,
                                            REPLAY_OTHER_CHANGE, REPLAY_CANNOT_TELL};

bool replay_tally_init(bool hides_people, struct replay_tally *ret)
{
	*ret = (struct replay_tally){
		.hides_people = hides_people,
		.by_policy = json_object(),
		.by_service = json_object(),
		.by_user = json_object(),
		.reasons = json_object(),
		.changes = json_array(),
	};
	return ret->by_policy && ret->by_service && ret->by_user && ret->reasons && ret->changes;
}

void replay_tally_fini(struct replay_tally *tally)
{
	json_decref(tally->by_policy);
	json_decref(tally->by_service);
	json_decref(tally->by_user);
	json_decref(tally->reasons);
	json_decref(tally->changes);
	*tally = (struct replay_tally){0};
}

/* ---- counting ---- */

static json_t *text(struct sv value)
{
	return value.n && utf8_valid(value) ? json_stringn(value.at, value.n) : json_null();
}

static void count_up(struct replay_tally *tally, json_t *object, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(object, name));
	if (json_object_set_new(object, name, json_integer(n + 1)) != 0)
		tally->out_of_memory = true;
}

/* A name that is no text of JSON, or one too many, counts under "". */
static void count_in(struct replay_tally *tally, json_t *group, struct sv name,
                     enum replay_class class)
{
	json_t *counts = NULL;
	bool fits = utf8_valid(name) && sv_find(name, 0) == name.n;
	if (fits)
		counts = json_object_getn(group, name.at ? name.at : "", name.n);
	if (!counts && (!fits || json_object_size(group) >= REPLAY_NAMES_MAX)) {
		name = SVL("");
		counts = json_object_get(group, "");
	}
	if (!counts) {
		counts = json_object();
		if (json_object_setn_new(group, name.at ? name.at : "", name.n, counts) != 0) {
			tally->out_of_memory = true;
			return;
		}
	}
	count_up(tally, counts, replay_class_names[class]);
}

/* The policy that makes the change: the one that decides now; where none does, the one that did. */
static struct sv policy_of(const struct audit_record *record, const struct replay_result *result)
{
	bool decides = result->now.reason == REASON_POLICY_ALLOWED ||
	               result->now.reason == REASON_POLICY_DENIED;
	return decides ? result->now.policy : record->policy;
}

static void add_groups(struct replay_tally *tally, const struct audit_record *record,
                       const struct replay_result *result)
{
	count_in(tally, tally->by_policy, policy_of(record, result), result->class);
	count_in(tally, tally->by_service, record->service, result->class);
	if (!tally->hides_people)
		count_in(tally, tally->by_user, record->user.n ? record->user : record->workload,
		         result->class);
}

/* ---- the changes themselves ---- */

static json_t *was(const struct audit_record *record)
{
	return json_pack("{s:s, s:o, s:o}", "verdict", verdict_effect_name(record->effect),
	                 "reason", text(record->reason), "policy", text(record->policy));
}

static json_t *now(const struct replay_result *result)
{
	const struct verdict *v = &result->now;
	json_t *why = policy_explain_why(v);
	policy_explain_words(why);
	return json_pack("{s:s, s:s, s:o, s:o}", "verdict", verdict_effect_name(v->effect),
	                 "reason", reason_name(v->reason), "policy", text(v->policy), "why", why);
}

static void add_change(struct replay_tally *tally, const struct audit_record *record,
                       const struct replay_result *result)
{
	char id[EVENT_ID_TEXT_BYTES + 1], time[CLOCK_TEXT_BYTES];
	bool hides = tally->hides_people;
	json_t *row = json_pack("{s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
	                        event_id_text(&record->id, id).at, "class",
	                        replay_class_names[result->class], "time",
	                        text(clock_format((int64_t)record->at_us, time)), "kind",
	                        audit_kind_name(record->kind), "service", text(record->service),
	                        "method", text(record->method), "path", text(record->path), "user",
	                        hides ? json_null() : text(record->user), "workload",
	                        hides ? json_null() : text(record->workload), "was", was(record),
	                        "now", now(result));
	if (json_array_append_new(tally->changes, row) != 0)
		tally->out_of_memory = true;
}

void replay_tally_add(struct replay_tally *tally, const struct audit_row *row,
                      const struct replay_result *result)
{
	const struct audit_record *record = &row->record;
	bool changed = result->class == REPLAY_NEWLY_DENIED ||
	               result->class == REPLAY_NEWLY_ALLOWED ||
	               result->class == REPLAY_OTHER_CHANGE;
	tally->counts[result->class]++;
	if (result->why)
		count_up(tally, tally->reasons, result->why);
	if (changed || result->class == REPLAY_CANNOT_TELL)
		add_groups(tally, record, result);
	if (changed && json_array_size(tally->changes) < REPLAY_CHANGES_MAX)
		add_change(tally, record, result);
}

/* ---- telling ---- */

json_t *replay_tally_counts(const struct replay_tally *tally)
{
	json_t *ret = json_object();
	uint64_t all = 0;
	for (unsigned i = 0; i < REPLAY_CLASS_COUNT; i++) {
		all += tally->counts[i];
		json_object_set_new(ret, replay_class_names[i],
		                    json_integer((json_int_t)tally->counts[i]));
	}
	if (json_object_set_new(ret, "considered", json_integer((json_int_t)all)) == 0)
		return ret;
	json_decref(ret);
	return NULL;
}

static json_int_t total(const json_t *counts)
{
	json_int_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++)
		n += json_integer_value(json_object_get(counts, replay_class_names[changes[i]]));
	return n;
}

static int order_rows(const void *a, const void *b)
{
	json_int_t l = total(*(json_t *const *)a), r = total(*(json_t *const *)b);
	return l > r ? -1 : l < r;
}

static json_t *group_row(const char *name, const json_t *counts)
{
	json_t *row = json_pack("{s:s}", "name", name);
	for (size_t i = 0; row && i < ARRAY_LEN(changes); i++) {
		const char *class = replay_class_names[changes[i]];
		json_int_t n = json_integer_value(json_object_get(counts, class));
		json_object_set_new(row, class, json_integer(n));
	}
	return row;
}

/* The names with most changes first, the first of them only. */
static json_t *group_json(json_t *group)
{
	size_t n = 0;
	const char *name;
	json_t *counts, *ret = json_array();
	json_t **rows = calloc(json_object_size(group) + 1, sizeof(json_t *));
	json_object_foreach(group, name, counts)
	{
		if (rows && (rows[n] = group_row(name, counts)))
			n++;
	}
	if (rows)
		qsort(rows, n, sizeof(json_t *), order_rows);
	for (size_t i = 0; i < n; i++)
		if (i >= REPLAY_GROUP_ROWS)
			json_decref(rows[i]);
		else
			json_array_append_new(ret, rows[i]);
	free(rows);
	return ret;
}

json_t *replay_tally_json(const struct replay_tally *tally)
{
	if (tally->out_of_memory)
		return NULL;
	return json_pack("{s:o, s:o, s:o, s:o, s:O, s:O}", "counts", replay_tally_counts(tally),
	                 "policies", group_json(tally->by_policy), "services",
	                 group_json(tally->by_service), "users",
	                 tally->hides_people ? json_null() : group_json(tally->by_user), "reasons",
	                 tally->reasons, "changes", tally->changes);
}
