#include "admin/acts.h"
#include "admin/call.h"
#include "admin/handlers.h"
#include "admin/input.h"
#include "admin/reply.h"
#include "core/clock.h"
#include "core/names.h"
#include "state/revocations.h"

#include <errno.h>
#include <stdio.h>

enum { SECOND_US = 1000000, TEXT_BYTES = 256 };

static json_t *revocation_json(const struct state_revocation *r)
{
	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", json_u64(r->number),
	                 "kind", revocation_kind_names[r->what.kind], "issuer",
	                 json_sv(r->what.issuer), "name", json_sv(r->what.name), "until",
	                 json_time(r->what.until_s * SECOND_US), "expires_at",
	                 json_time(r->what.expires_s * SECOND_US), "reason",
	                 json_stringn(r->reason.n ? r->reason.at : "", r->reason.n), "author",
	                 json_sv(r->author), "created_at", json_time(r->at_us));
}

/* One page: one more than asked for is read, to know whether there is more. */
struct page {
	json_t *items;
	uint64_t last; /* number of the last item */
	size_t limit;
	bool more;
};

static int add_item(void *user, const struct state_revocation *r)
{
	struct page *page = user;
	if (json_array_size(page->items) == page->limit) {
		page->more = true;
		return 0;
	}
	page->last = r->number;
	return json_array_append_new(page->items, revocation_json(r)) == 0 ? 0 : -ENOMEM;
}

void revocations_list(struct call *call)
{
	unsigned long long limit = 100;
	unsigned long long before = 0;
	if (!query_number(call, "limit", 1000, &limit) ||
	    !query_number(call, "cursor", UINT64_MAX, &before))
		return;
	struct page page = {.items = json_array(), .limit = (size_t)limit};
	int r = state_revocation_list(call->admin->deps.state, before, page.limit + 1, add_item,
	                              &page);
	if (r != 0) {
		json_decref(page.items);
		reply_error(call, r, "the revocations could not be read");
		return;
	}
	reply_json(call, 200,
	           json_pack("{s:o, s:o, s:b}", "items", page.items, "next_cursor",
	                     page.more ? json_u64(page.last) : json_null(), "exhausted",
	                     !page.more));
}

/* ---- creating ---- */

/* An optional time of the body; *ret_s stays as it is without. False: the reply is set. */
static bool input_time(struct call *call, const char *name, int64_t *ret_s)
{
	struct sv text;
	int64_t us;
	if (!json_object_get(call->input, name))
		return true;
	if (!input_text(call, name, true, &text))
		return false;
	if (clock_parse(text, &us)) {
		*ret_s = us / SECOND_US;
		return true;
	}
	reply_problem(call, PROBLEM_VALIDATION, "%s: a time is expected, as 2026-11-23T15:04:05Z.",
	              name);
	return false;
}

/* What the body asks for. False: the reply is set. */
static bool read_wish(struct call *call, struct state_revocation *ret)
{
	struct sv kind;
	unsigned number;
	int64_t now_s = call->now_us / SECOND_US;
	*ret = (struct state_revocation){.author = sv_of(call->caller.name), .at_us = call->now_us};
	ret->what.expires_s = now_s + REVOCATION_USUAL_S;
	if (!input_text(call, "kind", true, &kind) ||
	    !input_text(call, "issuer", true, &ret->what.issuer) ||
	    !input_text(call, "name", true, &ret->what.name) ||
	    !input_text(call, "reason", false, &ret->reason))
		return false;
	if (!names_find(revocation_kind_names, REVOCATION_KIND_COUNT, kind, &number))
		number = REVOCATION_KIND_COUNT; /* which the check below refuses */
	ret->what.kind = (enum revocation_kind)number;
	ret->what.until_s = revocation_has_moment(ret->what.kind) ? now_s : 0;
	if (!input_time(call, "until", &ret->what.until_s) ||
	    !input_time(call, "expires_at", &ret->what.expires_s))
		return false;
	const char *wrong = state_revocation_check(ret, now_s);
	if (wrong)
		reply_problem(call, PROBLEM_VALIDATION, "%s.", wrong);
	return !wrong;
}

/* What is recorded and answered of one, copied out of the walk. */
struct found {
	json_t *json; /* owned */
	char name[129], text[TEXT_BYTES];
};

static int copy_found(void *user, const struct state_revocation *r)
{
	struct found *found = user;
	char expires[CLOCK_TEXT_BYTES];
	(void)clock_format(r->what.expires_s * SECOND_US, expires);
	(void)snprintf(found->name, sizeof(found->name), "%.*s",
	               (int)(r->what.name.n < 128 ? r->what.name.n : 128), r->what.name.at);
	(void)snprintf(found->text, sizeof(found->text), "%llu: %s of %.*s, until %lld, expires %s",
	               (unsigned long long)r->number, revocation_kind_names[r->what.kind],
	               (int)(r->what.issuer.n < 120 ? r->what.issuer.n : 120), r->what.issuer.at,
	               (long long)r->what.until_s, expires);
	found->json = revocation_json(r);
	return found->json ? 0 : -ENOMEM;
}

static void record(struct call *call, const char *action, const struct found *found,
                   unsigned status)
{
	acts_record(call, &(struct act){.action = action,
	                                .target = sv_of(found->name),
	                                .result = "ok",
	                                .after = sv_of(found->text),
	                                .status = status});
}

void revocations_create(struct call *call)
{
	struct state *state = call->admin->deps.state;
	struct state_revocation wish;
	struct found found = {0};
	if (!call_input(call) || !read_wish(call, &wish) || !acts_ready(call))
		return;
	int r = state_revocation_add(state, &wish, &wish.number);
	if (r == 0)
		acts_in_force(call);
	if (r == 0)
		r = state_revocation_get(state, wish.number, copy_found, &found);
	if (r == -ENOSPC) {
		reply_problem(call, PROBLEM_CONFLICT, "There is no room for more revocations.");
	} else if (r != 0) {
		reply_error(call, r, "the revocation could not be kept");
	} else {
		record(call, "revocation.create", &found, 201);
		reply_json(call, 201, found.json);
		reply_header(call, MHD_HTTP_HEADER_LOCATION, "/api/v1/revocations/%llu",
		             (unsigned long long)wish.number);
	}
}

void revocations_delete(struct call *call)
{
	struct state *state = call->admin->deps.state;
	struct found found = {0};
	unsigned long long number = 0;
	int r = -ENOENT;
	if (!acts_ready(call))
		return;
	if (sv_to_u64(call->param, &number))
		r = state_revocation_get(state, number, copy_found, &found);
	if (r == 0)
		r = state_revocation_remove(state, number);
	json_decref(found.json);
	if (r == -ENOENT) {
		reply_problem(call, PROBLEM_NOT_FOUND, "There is no such revocation.");
	} else if (r != 0) {
		reply_error(call, r, "the revocation could not be taken back");
	} else {
		acts_in_force(call);
		record(call, "revocation.delete", &found, 204);
		reply_empty(call, 204);
	}
}
