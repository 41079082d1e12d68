#include "admin/acts.h"
#include "admin/ask.h"
#include "admin/call.h"
#include "admin/handlers.h"
#include "admin/mask.h"
#include "admin/reply.h"
#include "audit/json.h"
#include "audit/query.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/limits.h"
#include "core/strbuf.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "policy/retrace.h"
#include "state/state.h"
#include "state/versions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A page of the longest rows would be 130 MB: it ends early, and says so by its cursor. */
#define PAGE_TEXT_MAX  (16U * 1024 * 1024)
#define PAGE_TEXT_FULL (PAGE_TEXT_MAX - 2 * AUDIT_JSON_MAX)

/* One answer in the making. */
struct page {
	const uint8_t *mask_key; /* NULL: show everything */
	unsigned hidden_kinds;
	bool as_acts; /* under the names that an act has: AdminEvent */
	struct strbuf text;
	size_t n_rows;
	struct mask_room room;
	uint8_t line[AUDIT_JSON_MAX];
};

static void free_page(struct page **page)
{
	if (*page)
		strbuf_fini(&(*page)->text);
	free(*page);
}

static struct page *new_page(const struct call *call)
{
	struct page *page = calloc(1, sizeof(*page));
	if (!page)
		return NULL;
	page->text = strbuf_with(PAGE_TEXT_MAX);
	if (!ask_sees_people(call)) {
		page->mask_key = state_mask_key(call->admin->deps.state);
		page->hidden_kinds = AUDIT_KIND_BIT(AUDIT_ADMIN);
	}
	return page;
}

static bool put_act(const struct audit_row *row, struct outbuf *line)
{
	const struct audit_record *record = &row->record;
	char id[EVENT_ID_TEXT_BYTES + 1];
	char src[NETADDR_TEXT_BYTES];
	json_t *json = json_pack(
		"{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "id", event_id_text(&record->id, id).at,
		"seq", json_u64(row->seq), "time", json_time((int64_t)record->at_us), "actor",
		json_sv(record->user), "roles", json_sv(record->roles), "channel",
		json_sv(record->channel), "src", json_sv(netaddr_format(&record->src, src)));
	const struct {
		const char *name;
		struct sv text;
	} texts[] = {
		{"action", record->action}, {"target", record->target},
		{"result", record->result}, {"reason", record->reason},
		{"before", record->before}, {"after", record->after},
		{"detail", record->detail}, {"request_id", record->request_id},
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		json_object_set_new(json, texts[i].name, json_sv(texts[i].text));
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	outbuf_put(line, sv_of(text));
	free(text);
	return text != NULL;
}

static bool put_row(const struct page *page, const struct audit_row *row, struct outbuf *line)
{
	if (page->as_acts)
		return put_act(row, line) && !line->failed;
	audit_json_row(row, page->mask_key != NULL, line);
	return !line->failed;
}

static int add_row(void *user, const struct audit_row *row)
{
	struct page *page = user;
	struct audit_row masked;
	const struct audit_row *shown = row;
	struct outbuf line = outbuf_over(page->line, sizeof(page->line));

	if (page->text.n > PAGE_TEXT_FULL)
		return 1;
	if (page->hidden_kinds & AUDIT_KIND_BIT(row->record.kind))
		return -ENOENT;
	if (page->mask_key) {
		if (!mask_row(page->mask_key, row, &page->room, &masked))
			return -EIO;
		shown = &masked;
	}
	if (!put_row(page, shown, &line))
		return -EMSGSIZE;
	if (page->n_rows++ > 0)
		strbuf_char(&page->text, ',');
	strbuf_add(&page->text, outbuf_sv(&line));
	return page->text.failed ? -ENOMEM : 0;
}

static void add_text(struct strbuf *b, const char *name, struct sv value)
{
	strbuf_addf(b, ",\"%s\":", name);
	if (value.n > 0)
		strbuf_json(b, value);
	else
		strbuf_add(b, SVL("null"));
}

static void add_time(struct strbuf *b, const char *name, uint64_t us)
{
	char text[CLOCK_TEXT_BYTES];
	add_text(b, name, us ? clock_format((int64_t)us, text) : (struct sv){0});
}

static void reply_page(struct call *call, struct page *page, const struct ask *ask,
                       const struct audit_page *info, struct sv filter)
{
	struct strbuf *b = &page->text;
	strbuf_char(b, ']');
	add_text(b, "next_cursor", sv_of(info->cursor));
	strbuf_addf(b, ",\"exhausted\":%s", info->exhausted ? "true" : "false");
	add_time(b, "from", ask->options.from_us);
	add_time(b, "to", ask->options.to_us);
	strbuf_add(b, SVL(",\"query\":"));
	strbuf_json(b, filter);
	strbuf_char(b, '}');
	size_t n = b->n;
	char *text = strbuf_take(b);
	if (text)
		reply_text(call, 200, "application/json", text, n);
	else
		reply_error(call, -ENOMEM, "the page is too long");
}

static void list(struct call *call, unsigned kinds, bool as_acts)
{
	CLEANUP(free_page) struct page *page = new_page(call);
	CLEANUP(ask_close) struct ask ask = {0};
	struct audit_page info = {0};

	if (!page) {
		reply_error(call, -ENOMEM, "no memory for the page");
		return;
	}
	page->as_acts = as_acts;
	if (!ask_read(call, &ask))
		return;
	ask.options.kinds = kinds;
	if (!ask_open(call, &ask))
		return;
	struct sv filter = audit_query_text(ask.query);
	if (!ask_allowed(call, &ask, "decisions.search"))
		return;
	strbuf_add(&page->text, SVL("{\"items\":["));
	int r = audit_query_page(ask.query, add_row, page, &info);
	if (r == 0)
		reply_page(call, page, &ask, &info, filter);
	else
		reply_error(call, r, "the book could not be read");
}

void decisions_list(struct call *call)
{
	list(call, 0, false);
}

/* ---- one of them, and on request once more ---- */

/* The row, and a copy of the record that outlives the store's view. */
struct shown {
	struct page *page;
	struct outbuf copy;
	uint8_t bytes[AUDIT_RECORD_MAX];
};

static int add_shown(void *user, const struct audit_row *row)
{
	struct shown *shown = user;
	int r = add_row(shown->page, row);
	if (r == 0)
		audit_record_encode(&row->record, &shown->copy);
	return r;
}

static json_t *cannot_rejudge(bool is_kept, const char *why)
{
	return json_pack("{s:b, s:n, s:s, s:[], s:n}", "kept", is_kept, "class", "text", why,
	                 "not_recorded", "trace");
}

static json_t *rejudge_by(const struct call *call, const struct audit_record *record,
                          const struct state_version *version)
{
	CLEANUP(arena_fini) struct arena arena = {0};
	struct policy *policy = NULL;
	const struct policy_env offline = {.base_dir = call->admin->deps.policy_env->base_dir};
	int r = policy_load(sv_of(version->text), &offline, version->number, NULL, &policy);
	if (r == -EINVAL)
		return cannot_rejudge(
			false, "the policy set of then does not load with this program any more");
	json_t *json = NULL;
	if (r == 0 && arena_init(&arena, REQUEST_ARENA_BYTES) == 0)
		json = policy_retrace(policy, record, &arena);
	json_object_set_new(json, "kept", json_true());
	policy_unref(policy);
	return json;
}

/* NULL: no memory, or the store cannot be read */
static json_t *rejudge(const struct call *call, struct sv bytes)
{
	CLEANUP(state_version_fini) struct state_version version = {0};
	struct audit_record record;
	if (audit_record_decode(bytes, &record) != 0)
		return NULL;
	if (record.kind != AUDIT_REQUEST && record.kind != AUDIT_CONNECTION)
		return cannot_rejudge(false, "this is no decision");
	int r = record.policy_version ? state_version_get(call->admin->deps.state,
	                                                  record.policy_version, &version)
	                              : -ENOENT;
	if (r == -ENOENT)
		return cannot_rejudge(false, "the policy set of then is not kept");
	return r == 0 ? rejudge_by(call, &record, &version) : NULL;
}

/* The row with one more member. */
static bool add_rejudged(const struct call *call, struct shown *shown)
{
	struct strbuf *b = &shown->page->text;
	json_t *json = rejudge(call, outbuf_sv(&shown->copy));
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	bool good = text && b->n > 0 && !shown->copy.failed;
	if (good) {
		b->n--; /* the '}' */
		strbuf_add(b, SVL(",\"rejudged\":"));
		strbuf_add(b, sv_of(text));
		strbuf_char(b, '}');
	}
	free(text);
	return good && !b->failed;
}

static bool read_verbose(struct call *call, bool *ret)
{
	const struct sv *text = target_param(&call->target, "verbose");
	*ret = text && sv_eq(*text, SVL("true"));
	if (text && !*ret && !sv_eq(*text, SVL("false"))) {
		reply_problem(call, PROBLEM_INVALID_QUERY, "'verbose' is true or false.");
		return false;
	}
	if (*ret && !ask_sees_people(call)) {
		reply_problem(
			call, PROBLEM_FORBIDDEN,
			"'verbose' tells who asked and for what, which needs the role auditor.");
		return false;
	}
	return true;
}

static void free_shown(struct shown **shown)
{
	free(*shown);
}

void decisions_show(struct call *call)
{
	struct event_id id;
	bool verbose;
	CLEANUP(free_page) struct page *page = new_page(call);
	CLEANUP(free_shown) struct shown *shown = calloc(1, sizeof(*shown));
	if (!read_verbose(call, &verbose))
		return;
	if (!page || !shown || !call->admin->deps.store) {
		reply_problem(call, PROBLEM_UNAVAILABLE, "The book is not open.");
		return;
	}
	*shown = (struct shown){.page = page};
	shown->copy = outbuf_over(shown->bytes, sizeof(shown->bytes));
	int r = event_id_parse(call->param, &id)
	                ? audit_query_find(call->admin->deps.store, &id, add_shown, shown)
	                : -ENOENT;
	if (r == -ENOENT || (r == 0 && page->n_rows == 0)) {
		reply_problem(call, PROBLEM_NOT_FOUND, "There is no event of that id.");
	} else if (r != 0) {
		reply_error(call, r, "the book could not be read");
	} else if (verbose && !add_rejudged(call, shown)) {
		reply_error(call, -EIO, "the decision could not be judged once more");
	} else {
		size_t n = page->text.n;
		char *text = strbuf_take(&page->text);
		reply_text(call, 200, "application/json", text, n);
	}
}

void admin_events_list(struct call *call)
{
	list(call, AUDIT_KIND_BIT(AUDIT_ADMIN) | AUDIT_KIND_BIT(AUDIT_SYSTEM), true);
}
