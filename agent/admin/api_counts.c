#include "admin/ask.h"
#include "admin/call.h"
#include "admin/handlers.h"
#include "admin/reply.h"
#include "audit/counts.h"
#include "core/clock.h"
#include "core/fileio.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

enum {
	COUNT_MS = 1000, /* a page looks at the clock itself, each AUDIT_QUERY_BUDGET_MS */
	BARS_WANTED = 120,
	TOP_DEFAULT = 10,
	TOP_MAX = 100,
	STEP_MAX_S = 365 * 86400,
};

/* ---- counting ---- */

struct counting {
	audit_row_fn *add;
	void *user;
	uint64_t n_rows, oldest_us;
	bool exhausted;
	int error;
};

static int count_row(void *user, const struct audit_row *row)
{
	struct counting *counting = user;
	counting->error = counting->add(counting->user, row);
	counting->n_rows += counting->error == 0;
	counting->oldest_us = row->record.at_us;
	return counting->error;
}

/* Counts the newest first, until all are counted or time is up. False: the reply is set. */
static bool count_all(struct call *call, struct ask *ask, struct counting *counting)
{
	uint64_t until = clock_mono_ns() + (uint64_t)COUNT_MS * 1000000;
	struct audit_page page = {0};
	int r = 0;
	do {
		r = audit_query_page(ask->query, count_row, counting, &page);
	} while (r == 0 && counting->error == 0 && !page.exhausted && clock_mono_ns() < until);
	counting->exhausted = page.exhausted;
	if (r == 0)
		r = counting->error;
	if (r != 0)
		reply_error(call, r, "the book could not be read");
	return r == 0;
}

static bool begin(struct call *call, struct ask *ask)
{
	ask->options.limit = UINT_MAX;
	return ask_open(call, ask) && ask_allowed(call, ask, "decisions.count");
}

static void answer(struct call *call, json_t *json, const struct ask *ask,
                   const struct counting *counting)
{
	json_t *since = counting->exhausted ? json_null() : json_time((int64_t)counting->oldest_us);
	json_object_set_new(json, "n_rows", json_integer((json_int_t)counting->n_rows));
	json_object_set_new(json, "exhausted", json_boolean(counting->exhausted));
	json_object_set_new(json, "complete_from", since);
	struct sv query = audit_query_text(ask->query);
	json_object_set_new(json, "query", json_stringn(query.at ? query.at : "", query.n));
	reply_json(call, 200, json);
}

static bool read_number(struct call *call, const char *name, unsigned long long most,
                        unsigned long long *ret)
{
	const struct sv *text = target_param(&call->target, name);
	if (!text || (sv_to_u64(*text, ret) && *ret >= 1 && *ret <= most))
		return true;
	reply_problem(call, PROBLEM_INVALID_QUERY, "'%s' is 1 to %llu.", name, most);
	return false;
}

/* ---- over time ---- */

static uint64_t choose_step(uint64_t seconds)
{
	static const uint64_t steps[] = {1,    5,    10,    30,    60,    300,   600,   1800,
	                                 3600, 7200, 10800, 21600, 43200, 86400, 604800};
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (seconds / steps[i] < BARS_WANTED)
			return steps[i];
	return seconds / BARS_WANTED + 1;
}

/* The range becomes that of whole steps. False: the reply is set. */
static bool read_steps(struct call *call, struct ask *ask, struct audit_histogram *ret)
{
	struct audit_query_options *options = &ask->options;
	const uint64_t day_us = 86400ULL * 1000000;
	unsigned long long step = 0;
	if (options->to_us == 0)
		options->to_us = (uint64_t)call->now_us + 1;
	if (options->from_us == 0)
		options->from_us = options->to_us > day_us ? options->to_us - day_us : 1;
	if (!read_number(call, "step", STEP_MAX_S, &step))
		return false;
	if (options->from_us >= options->to_us) {
		reply_problem(call, PROBLEM_INVALID_QUERY, "The range ends before it starts.");
		return false;
	}
	if (step == 0)
		step = choose_step((options->to_us - options->from_us) / 1000000);
	int r = audit_histogram_begin(ret, options->from_us, options->to_us, step * 1000000);
	if (r != 0) {
		reply_problem(call, PROBLEM_INVALID_QUERY,
		              "The range has more than %d steps: take a longer 'step'.",
		              HISTOGRAM_STEPS_MAX);
		return false;
	}
	options->from_us = ret->from_us;
	options->to_us = ret->from_us + ret->n * ret->step_us;
	return true;
}

static json_t *bar_json(const struct audit_histogram *histogram, size_t i)
{
	const struct audit_bar *bar = &histogram->bars[i];
	json_t *json = json_object();
	json_object_set_new(json, "time",
	                    json_time((int64_t)(histogram->from_us + i * histogram->step_us)));
	for (unsigned k = 0; k < VERDICT_EFFECT_COUNT; k++)
		json_object_set_new(json, verdict_effect_name((enum verdict_effect)k),
		                    json_integer((json_int_t)bar->verdicts[k]));
	json_object_set_new(json, "others", json_integer((json_int_t)bar->others));
	return json;
}

void decisions_histogram(struct call *call)
{
	CLEANUP(ask_close) struct ask ask = {0};
	CLEANUP(freep) struct audit_histogram *histogram = malloc(sizeof(*histogram));
	struct counting counting = {.add = audit_histogram_add, .user = histogram};
	if (!histogram) {
		reply_error(call, -ENOMEM, "no memory for the counts");
		return;
	}
	if (!ask_read(call, &ask) || !read_steps(call, &ask, histogram) || !begin(call, &ask) ||
	    !count_all(call, &ask, &counting))
		return;
	json_t *items = json_array();
	for (size_t i = 0; i < histogram->n; i++)
		json_array_append_new(items, bar_json(histogram, i));
	json_t *json =
		json_pack("{s:o, s:o, s:I, s:o}", "from", json_time((int64_t)ask.options.from_us),
	                  "to", json_time((int64_t)ask.options.to_us), "step",
	                  (json_int_t)(histogram->step_us / 1000000), "items", items);
	answer(call, json, &ask, &counting);
}

/* ---- by value ---- */

struct wanted {
	const struct audit_facet_field *fields[FACETS_MAX];
	size_t n;
};

static bool is_of_people(struct sv name)
{
	return sv_eq(name, SVL("user")) || sv_eq(name, SVL("ip"));
}

static bool add_field(struct call *call, struct wanted *wanted, struct sv name)
{
	const struct audit_facet_field *field = audit_facet_field(name);
	if (!field || wanted->n == FACETS_MAX) {
		reply_problem(call, PROBLEM_INVALID_QUERY,
		              "'fields' names no field that can be counted, or more than %d.",
		              FACETS_MAX);
		return false;
	}
	if (is_of_people(name) && !ask_sees_people(call)) {
		reply_problem(call, PROBLEM_FORBIDDEN,
		              "Counting people and addresses needs the role auditor.");
		return false;
	}
	wanted->fields[wanted->n++] = field;
	return true;
}

static bool read_fields(struct call *call, struct wanted *ret)
{
	const struct sv *given = target_param(&call->target, "fields");
	struct sv rest = given ? *given : SVL("verdict,service,policy,reason");
	while (rest.n > 0) {
		size_t n = sv_find(rest, ',');
		if (!add_field(call, ret, sv_first(rest, n)))
			return false;
		rest = sv_from(rest, MIN_OF(n + 1, rest.n));
	}
	return true;
}

static json_t *facet_json(const struct audit_facets *facets, const struct wanted *wanted, size_t i,
                          size_t top)
{
	struct audit_facet_value best[TOP_MAX];
	size_t n_values;
	uint64_t others;
	size_t n = audit_facets_top(facets, i, best, top, &n_values, &others);
	json_t *values = json_array();
	for (size_t k = 0; k < n; k++)
		json_array_append_new(values,
		                      json_pack("{s:o, s:I}", "value", json_sv(best[k].text),
		                                "count", (json_int_t)best[k].count));
	return json_pack("{s:s, s:o, s:I, s:I}", "field", audit_facet_name(wanted->fields[i]),
	                 "values", values, "n_values", (json_int_t)n_values, "others",
	                 (json_int_t)others);
}

static void close_facets(struct audit_facets **facets)
{
	audit_facets_free(*facets);
}

void decisions_facets(struct call *call)
{
	CLEANUP(ask_close) struct ask ask = {0};
	CLEANUP(close_facets) struct audit_facets *facets = NULL;
	struct wanted wanted = {0};
	unsigned long long top = TOP_DEFAULT;
	if (!ask_read(call, &ask) || !read_fields(call, &wanted) ||
	    !read_number(call, "top", TOP_MAX, &top) || !begin(call, &ask))
		return;
	facets = audit_facets_new(wanted.fields, wanted.n);
	struct counting counting = {.add = audit_facets_add, .user = facets};
	if (!facets) {
		reply_error(call, -ENOMEM, "no memory for the counts");
		return;
	}
	if (!count_all(call, &ask, &counting))
		return;
	json_t *list = json_array();
	for (size_t i = 0; i < wanted.n; i++)
		json_array_append_new(list, facet_json(facets, &wanted, i, top));
	answer(call, json_pack("{s:o}", "fields", list), &ask, &counting);
}
