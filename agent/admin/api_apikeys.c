#include "admin/acts.h"
#include "admin/call.h"
#include "admin/handlers.h"
#include "admin/input.h"
#include "admin/page.h"
#include "admin/reply.h"
#include "authn/apikey.h"
#include "core/clock.h"
#include "core/jsonload.h"
#include "core/secret.h"
#include "policy/apikeys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ABOUT_BYTES = 160 };

#define SECOND_US     INT64_C(1000000)
#define DAY_S         INT64_C(86400)
#define OVERLAP_MAX_S (366 * DAY_S)
#define OVERLAP_S     DAY_S /* when the body says nothing */

/* ---- a key as JSON ---- */

static json_t *list_json(struct sv list)
{
	struct sv item;
	json_t *array = json_array();
	while (list.n && sv_cut(&list, '\n', &item))
		json_array_append_new(array, json_stringn(item.at, item.n));
	return array;
}

static json_t *day_json(int64_t day)
{
	char text[CLOCK_TEXT_BYTES];
	return day ? json_stringn(clock_format(day * DAY_S * SECOND_US, text).at, 10) : json_null();
}

static json_t *key_json(const struct state_apikey *key, int64_t now_us)
{
	char principal[64];
	(void)snprintf(principal, sizeof(principal), APIKEY_ISSUER "/%.*s", SV_ARG(key->id));
	return json_pack(
		"{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:o, s:o, s:o, s:o, s:o, s:o}",
		"id", json_sv(key->id), "state", state_apikey_state(key, now_us), "principal",
		principal, "owner", json_sv(key->owner), "client", json_sv(key->client), "note",
		json_sv(key->note), "groups", list_json(key->groups), "scopes",
		list_json(key->scopes), "services", list_json(key->services), "networks",
		list_json(key->networks), "created_at", json_time(key->created_us), "created_by",
		json_sv(key->created_by), "expires_at", json_time(key->expires_us), "revoked_at",
		json_time(key->revoked_us), "revoked_by", json_sv(key->revoked_by), "disabled_at",
		json_time(key->disabled_us), "disabled_by", json_sv(key->disabled_by),
		"rotated_from", json_sv(key->rotated_from), "rotated_to", json_sv(key->rotated_to),
		"last_used_on", day_json(key->used_day));
}

/* ---- listing ---- */

struct visit {
	struct page page;
	int64_t now_us;
	char last[APIKEY_ID_CHARS + 1];
};

static bool is_sought(const struct state_apikey *key, const struct page *page)
{
	return page_seeks(page, key->owner) || page_seeks(page, key->client) ||
	       page_seeks(page, key->note) || page_seeks(page, key->id);
}

static int add_key(void *user, const struct state_apikey *key)
{
	struct visit *visit = user;
	if (!is_sought(key, &visit->page))
		return 0;
	if (page_is_full(&visit->page))
		return 1;
	memcpy(visit->last, key->id.at, APIKEY_ID_CHARS);
	return page_add(&visit->page, key_json(key, visit->now_us));
}

void apikeys_list(struct call *call)
{
	struct visit visit = {.now_us = call->now_us};
	if (!page_begin(call, &visit.page))
		return;
	int r = state_apikey_list(call->admin->deps.state, visit.page.cursor, add_key, &visit);
	if (r >= 0) {
		page_reply(call, &visit.page, sv_of(visit.last));
		return;
	}
	page_drop(&visit.page);
	if (r == -ENOENT)
		reply_problem(call, PROBLEM_INVALID_CURSOR, "There is no such place in the list.");
	else
		reply_error(call, r, "the API keys could not be read");
}

static void refuse(struct call *call, int r)
{
	const char *words = policy_apikey_error_text(r);
	if (r == -ENOENT)
		reply_problem(call, PROBLEM_NOT_FOUND, "There is no API key of that id.");
	else if (r == -EKEYREVOKED || r == -EKEYEXPIRED || r == -EALREADY)
		reply_problem(call, PROBLEM_CONFLICT, "Not done: %s.", words);
	else
		reply_error(call, r, words ? words : "the API key could not be read or kept");
}

void apikeys_show(struct call *call)
{
	struct state_apikey key;
	int r = state_apikey_get(call->admin->deps.state, call->param, &key);
	if (r != 0) {
		refuse(call, r);
		return;
	}
	reply_json(call, 200, key_json(&key, call->now_us));
	state_apikey_fini(&key);
}

/* ---- what is asked for ---- */

/* A list of the body, as it is kept. */
struct list_room {
	char text[APIKEY_LIST_MAX_BYTES];
};

static bool bad_list(struct call *call, const char *name)
{
	reply_problem(call, PROBLEM_VALIDATION,
	              "%s: a list of at most %d texts without control characters is expected.",
	              name, APIKEY_LIST_MAX_ITEMS);
	return false;
}

static bool input_list(struct call *call, const char *name, struct list_room *room, struct sv *ret)
{
	const json_t *list = json_object_get(call->input, name);
	size_t n = 0;
	if (list && !json_is_array(list))
		return bad_list(call, name);
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct sv item = json_string_sv(json_array_get(list, i));
		if (item.n == 0 || sv_find(item, '\n') < item.n ||
		    n + (i > 0) + item.n > sizeof(room->text))
			return bad_list(call, name);
		if (i > 0)
			room->text[n++] = '\n';
		memcpy(room->text + n, item.at, item.n);
		n += item.n;
	}
	*ret = (struct sv){room->text, n};
	return true;
}

static bool input_expiry(struct call *call, int64_t *ret_us)
{
	const json_t *member = json_object_get(call->input, "expires_at");
	*ret_us = 0;
	if (!member || json_is_null(member))
		return true;
	if (clock_parse(json_string_sv(member), ret_us) && *ret_us > call->now_us)
		return true;
	reply_problem(call, PROBLEM_VALIDATION,
	              "expires_at: a time to come is expected, as 2027-01-31T12:00:00Z.");
	return false;
}

static bool input_overlap(struct call *call, int64_t *ret_s)
{
	const json_t *member = json_object_get(call->input, "overlap_seconds");
	*ret_s = member ? json_integer_value(member) : OVERLAP_S;
	if ((!member || json_is_integer(member)) && *ret_s >= 0 && *ret_s <= OVERLAP_MAX_S)
		return true;
	reply_problem(call, PROBLEM_VALIDATION,
	              "overlap_seconds: 0 to %lld are expected; 0 ends the old key at once.",
	              (long long)OVERLAP_MAX_S);
	return false;
}

struct wish {
	struct state_apikey key;
	struct list_room groups, scopes, services, networks;
};

static bool read_wish(struct call *call, struct wish *wish)
{
	struct state_apikey *key = &wish->key;
	key->created_us = call->now_us;
	key->created_by = sv_of(call->caller.name);
	if (!call_input(call) || !input_text(call, "owner", true, &key->owner) ||
	    !input_text(call, "client", false, &key->client) ||
	    !input_text(call, "note", false, &key->note) ||
	    !input_list(call, "groups", &wish->groups, &key->groups) ||
	    !input_list(call, "scopes", &wish->scopes, &key->scopes) ||
	    !input_list(call, "services", &wish->services, &key->services) ||
	    !input_list(call, "networks", &wish->networks, &key->networks) ||
	    !input_expiry(call, &key->expires_us))
		return false;
	const char *fault = state_apikey_fault(key);
	if (fault)
		reply_problem(call, PROBLEM_VALIDATION, "%s", fault);
	return !fault;
}

/* ---- acts ---- */

static void record(struct call *call, const char *action, struct sv id, struct sv after,
                   unsigned status)
{
	acts_record(call, &(struct act){.action = action,
	                                .target = id,
	                                .result = "ok",
	                                .after = after,
	                                .status = status});
}

/* The one answer that has the key itself. */
static void reply_new(struct call *call, const struct state_apikey *key, char *text)
{
	json_t *json = key_json(key, call->now_us);
	if (json)
		json_object_set_new(json, "key", json_string(text));
	secret_wipe(text, APIKEY_TEXT_BYTES);
	reply_json(call, 201, json);
	reply_header(call, MHD_HTTP_HEADER_LOCATION, "/api/v1/api-keys/%.*s", SV_ARG(key->id));
}

void apikeys_create(struct call *call)
{
	struct wish *wish = calloc(1, sizeof(*wish)); /* too large for a stack */
	struct state_apikey key;
	char text[APIKEY_TEXT_BYTES];
	int r = wish ? 0 : -ENOMEM;
	if (r == 0 && (!read_wish(call, wish) || !acts_ready(call))) {
		free(wish);
		return;
	}
	if (r == 0)
		r = policy_apikey_create(call->admin->deps.tables_env, &wish->key, text, &key);
	free(wish);
	if (r != 0) {
		refuse(call, r);
		return;
	}
	record(call, "apikey.create", key.id, key.owner, 201);
	acts_in_force(call);
	reply_new(call, &key, text);
	state_apikey_fini(&key);
}

void apikeys_rotate(struct call *call)
{
	struct sv id;
	struct state_apikey key;
	struct state_apikey_rotation how = {.by = sv_of(call->caller.name), .now_us = call->now_us};
	char text[APIKEY_TEXT_BYTES], about[ABOUT_BYTES];
	int64_t overlap_s;
	if (!call_input(call) || !input_text(call, "id", true, &id) ||
	    !input_overlap(call, &overlap_s) || !input_expiry(call, &how.expires_us) ||
	    !acts_ready(call))
		return;
	how.old_end_us = call->now_us + overlap_s * SECOND_US;
	int r = policy_apikey_rotate(call->admin->deps.tables_env, id, &how, text, &key);
	if (r != 0) {
		refuse(call, r);
		return;
	}
	(void)snprintf(about, sizeof(about), "new key %.*s, overlap %lld s", SV_ARG(key.id),
	               (long long)overlap_s);
	record(call, "apikey.rotate", id, sv_of(about), 201);
	acts_in_force(call);
	reply_new(call, &key, text);
	state_apikey_fini(&key);
}

void apikeys_revoke(struct call *call)
{
	struct sv id;
	struct state_apikey key;
	struct state *state = call->admin->deps.state;
	if (!call_input(call) || !input_text(call, "id", true, &id) || !acts_ready(call))
		return;
	int r = state_apikey_revoke(state, id, sv_of(call->caller.name), call->now_us);
	if (r == 0)
		r = state_apikey_get(state, id, &key);
	if (r != 0) {
		refuse(call, r);
		return;
	}
	record(call, "apikey.revoke", id, key.owner, 200);
	acts_in_force(call);
	reply_json(call, 200, key_json(&key, call->now_us));
	state_apikey_fini(&key);
}

void apikeys_change(struct call *call)
{
	struct state_apikey key;
	struct state *state = call->admin->deps.state;
	if (!call_input(call))
		return;
	const json_t *disabled = json_object_get(call->input, "disabled");
	if (!json_is_boolean(disabled)) {
		reply_problem(call, PROBLEM_INVALID_REQUEST,
		              "disabled: true or false is expected.");
		return;
	}
	if (!acts_ready(call))
		return;
	int r = state_apikey_switch(state, call->param, json_is_true(disabled),
	                            sv_of(call->caller.name), call->now_us);
	if (r == 0)
		r = state_apikey_get(state, call->param, &key);
	if (r != 0) {
		refuse(call, r);
		return;
	}
	record(call, json_is_true(disabled) ? "apikey.disable" : "apikey.enable", call->param,
	       key.owner, 200);
	acts_in_force(call);
	reply_json(call, 200, key_json(&key, call->now_us));
	state_apikey_fini(&key);
}
