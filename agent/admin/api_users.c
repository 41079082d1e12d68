/* Users who sign in to services by HTTP Basic. Names may hold slashes: they stand in bodies, not in paths. */
#include "admin/acts.h"
#include "admin/call.h"
#include "admin/handlers.h"
#include "admin/input.h"
#include "admin/page.h"
#include "admin/reply.h"
#include "authn/basic.h"
#include "core/jsonload.h"
#include "state/users.h"

#include <errno.h>
#include <string.h>

/* ---- one as JSON ---- */

static json_t *groups_json(struct sv groups)
{
	struct sv item;
	json_t *array = json_array();
	while (groups.n && sv_cut(&groups, ',', &item))
		json_array_append_new(array, json_sv(item));
	return array;
}

static json_t *user_json(const struct state_user *user)
{
	json_t *principal = json_sprintf(BASIC_ISSUER "/%s", user->name);
	return json_pack("{s:s, s:o, s:o, s:s, s:o, s:o}", "name", user->name, "principal",
	                 principal, "groups", groups_json(sv_of(user->groups)), "hash",
	                 user_hash_kind(user->hash), "created_at", json_time(user->created_us),
	                 "changed_at", json_time(user->changed_us));
}

/* ---- listing ---- */

struct visit {
	struct page page;
	char last[USER_NAME_BYTES];
};

static int add_user(void *context, const struct state_user *user)
{
	struct visit *visit = context;
	if (!page_seeks(&visit->page, sv_of(user->name)) &&
	    !page_seeks(&visit->page, sv_of(user->groups)))
		return 0;
	if (page_is_full(&visit->page))
		return 1;
	memcpy(visit->last, user->name, sizeof(visit->last));
	return page_add(&visit->page, user_json(user));
}

void users_list(struct call *call)
{
	struct visit visit = {0};
	if (!page_begin(call, &visit.page))
		return;
	if (visit.page.cursor.n > 0 && !user_name_ok(visit.page.cursor)) {
		page_drop(&visit.page);
		reply_problem(call, PROBLEM_INVALID_CURSOR, "There is no such place in the list.");
		return;
	}
	int r = state_user_list(call->admin->deps.state, visit.page.cursor, add_user, &visit);
	if (r >= 0) {
		page_reply(call, &visit.page, sv_of(visit.last));
		return;
	}
	page_drop(&visit.page);
	reply_error(call, r, "the users could not be read");
}

/* ---- what is asked for ---- */

static bool input_name(struct call *call, struct sv *ret)
{
	if (!call_input(call) || !input_text(call, "name", true, ret))
		return false;
	if (user_name_ok(*ret))
		return true;
	reply_problem(call, PROBLEM_VALIDATION,
	              "name: 1 to %d bytes of text without a colon, and no blank at its ends.",
	              USER_NAME_BYTES - 1);
	return false;
}

/* A list of names into the text that is kept. */
static bool input_groups(struct call *call, char ret[static USER_GROUPS_BYTES])
{
	const json_t *list = json_object_get(call->input, "groups");
	size_t n = 0;
	bool good = !list || json_is_array(list);
	for (size_t i = 0; good && i < json_array_size(list); i++) {
		struct sv item = json_string_sv(json_array_get(list, i));
		good = item.n > 0 && sv_find(item, ',') == item.n &&
		       n + (i > 0) + item.n < USER_GROUPS_BYTES;
		if (!good)
			break;
		if (i > 0)
			ret[n++] = ',';
		memcpy(ret + n, item.at, item.n);
		n += item.n;
	}
	ret[n] = '\0';
	if (good && user_groups_ok(sv_of(ret)))
		return true;
	reply_problem(call, PROBLEM_VALIDATION,
	              "groups: a list of names without commas is expected, of %d bytes together.",
	              USER_GROUPS_BYTES - 1);
	return false;
}

static bool input_hash(struct call *call, struct sv name, char ret[static PASSWORD_PHC_BYTES])
{
	struct sv password;
	if (!input_text(call, "password", true, &password))
		return false;
	enum password_fault fault = password_check(password, name);
	if (fault != PASSWORD_GOOD) {
		reply_problem(call, PROBLEM_VALIDATION, "%s", password_fault_text(fault));
		return false;
	}
	int r = password_hash(password, ret);
	if (r != 0)
		reply_error(call, r, "the password could not be hashed");
	return r == 0;
}

/* ---- acts ---- */

/* In force for every worker when it returns. */
static void done(struct call *call, const char *action, struct sv name, struct sv after,
                 unsigned status)
{
	acts_record(call, &(struct act){.action = action,
	                                .target = name,
	                                .result = "ok",
	                                .after = after,
	                                .status = status});
	acts_in_force(call);
}

static void refuse(struct call *call, int r)
{
	if (r == -ENOENT)
		reply_problem(call, PROBLEM_NOT_FOUND, "There is no user of that name.");
	else if (r == -EEXIST)
		reply_problem(call, PROBLEM_CONFLICT, "A user of that name exists.");
	else
		reply_error(call, r, "the user could not be read or kept");
}

void users_create(struct call *call)
{
	struct sv name;
	struct state_user user = {.created_us = call->now_us, .changed_us = call->now_us};
	if (!input_name(call, &name) || !input_groups(call, user.groups) || !acts_ready(call) ||
	    !input_hash(call, name, user.hash))
		return;
	memcpy(user.name, name.at, name.n);
	int r = state_user_add(call->admin->deps.state, &user);
	if (r != 0) {
		refuse(call, r);
		return;
	}
	done(call, "user.create", name, sv_of(user.groups), 201);
	reply_json(call, 201, user_json(&user));
}

void users_change(struct call *call)
{
	struct state *state = call->admin->deps.state;
	struct sv name;
	struct state_user user = {0};
	if (!input_name(call, &name))
		return;
	bool new_groups = json_object_get(call->input, "groups") != NULL;
	bool new_password = json_object_get(call->input, "password") != NULL;
	if (!new_groups && !new_password) {
		reply_problem(call, PROBLEM_INVALID_REQUEST, "Nothing to change.");
		return;
	}
	if (!input_groups(call, user.groups) || !acts_ready(call) ||
	    (new_password && !input_hash(call, name, user.hash)))
		return;
	int r = state_user_change(state, name, new_password ? user.hash : NULL,
	                          new_groups ? user.groups : NULL, call->now_us);
	if (r == 0)
		r = state_user_get(state, name, &user);
	if (r != 0) {
		refuse(call, r);
		return;
	}
	done(call, "user.change", name, new_password ? SVL("new password") : sv_of(user.groups),
	     200);
	reply_json(call, 200, user_json(&user));
}

void users_remove(struct call *call)
{
	struct sv name;
	if (!input_name(call, &name) || !acts_ready(call))
		return;
	int r = state_user_remove(call->admin->deps.state, name);
	if (r != 0) {
		refuse(call, r);
		return;
	}
	done(call, "user.delete", name, (struct sv){0}, 204);
	reply_empty(call, 204);
}
