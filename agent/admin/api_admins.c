#include "admin/account.h"
#include "admin/acts.h"
#include "admin/call.h"
#include "admin/handlers.h"
#include "admin/input.h"
#include "admin/reply.h"
#include "core/jsonload.h"
#include "state/roles.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static json_t *admin_json(const struct state_admin *admin)
{
	return json_pack("{s:s, s:o, s:b, s:o, s:o, s:o}", "username", admin->name, "roles",
	                 account_roles(admin->roles), "disabled", admin->disabled, "created_at",
	                 json_time(admin->created_us), "changed_at", json_time(admin->changed_us),
	                 "last_login_at", json_time(admin->last_login_us));
}

static int list_one(void *user, const struct state_admin *admin)
{
	return json_array_append_new(user, admin_json(admin)) == 0 ? 0 : -ENOMEM;
}

void admins_list(struct call *call)
{
	json_t *items = json_array();
	int r = state_admin_list(call->admin->deps.state, list_one, items);
	if (r != 0) {
		json_decref(items);
		reply_error(call, r, "the accounts could not be read");
		return;
	}
	reply_json(call, 200, json_pack("{s:o}", "items", items));
}

/* roles member -> set; false: the reply is set. */
static bool input_roles(struct call *call, bool required, uint32_t *ret)
{
	const json_t *names = json_object_get(call->input, "roles");
	const json_t *name;
	size_t i;
	*ret = ROLE_NOBODY;
	if (!names && !required)
		return true;
	json_array_foreach(names, i, name)
	{
		uint32_t role = role_find(json_string_sv(name));
		if (role == ROLE_NOBODY) {
			reply_problem(
				call, PROBLEM_VALIDATION,
				"roles: viewer, auditor, editor, publisher and admin are known.");
			return false;
		}
		*ret |= role;
	}
	if (*ret != ROLE_NOBODY)
		return true;
	reply_problem(call, PROBLEM_VALIDATION, "roles must name at least one role.");
	return false;
}

static void record_account(struct call *call, const char *action, struct sv name, struct sv after,
                           unsigned status)
{
	acts_record(call, &(struct act){.action = action,
	                                .target = name,
	                                .result = "ok",
	                                .after = after,
	                                .status = status});
}

void admins_create(struct call *call)
{
	struct sv name;
	struct sv password;
	struct state_admin admin = {.created_us = call->now_us, .changed_us = call->now_us};
	if (!call_input(call) || !input_text(call, "username", true, &name) ||
	    !input_text(call, "password", true, &password) ||
	    !input_roles(call, true, &admin.roles) || !account_ok(call, name, password) ||
	    !acts_ready(call))
		return;
	memcpy(admin.name, name.at, name.n);
	int r = password_hash(password, admin.phc);
	if (r == 0)
		r = state_admin_add(call->admin->deps.state, &admin);
	if (r == -EEXIST) {
		reply_problem(call, PROBLEM_CONFLICT, "An account of that name exists.");
	} else if (r != 0) {
		reply_error(call, r, "the account could not be added");
	} else {
		char roles[ROLES_TEXT_BYTES];
		roles_text(admin.roles, roles);
		record_account(call, "admin.create", name, sv_of(roles), 201);
		reply_json(call, 201, admin_json(&admin));
		reply_header(call, MHD_HTTP_HEADER_LOCATION, "/api/v1/admins/%s", admin.name);
	}
}

static void refuse_change(struct call *call, int r)
{
	if (r == -ENOENT)
		reply_problem(call, PROBLEM_NOT_FOUND, "There is no account of that name.");
	else if (r == -EBUSY)
		reply_problem(call, PROBLEM_CONFLICT,
		              "Nobody would be left who can manage accounts.");
	else
		reply_error(call, r, "the account could not be changed");
}

/* What the body asks for; phc is where a new hash goes. False: the reply is set. */
static bool read_change(struct call *call, struct state_admin_change *change, char *phc)
{
	struct sv password;
	const json_t *disabled = json_object_get(call->input, "disabled");
	if (!input_roles(call, false, &change->roles) ||
	    !input_text(call, "password", false, &password))
		return false;
	if (disabled && !json_is_boolean(disabled)) {
		reply_problem(call, PROBLEM_INVALID_REQUEST, "'disabled' must be true or false.");
		return false;
	}
	change->set_disabled = disabled != NULL;
	change->disabled = json_is_true(disabled);
	if (!json_object_get(call->input, "password"))
		return true;
	if (!account_ok(call, call->param, password))
		return false;
	change->phc = phc;
	int r = password_hash(password, phc);
	if (r != 0)
		reply_error(call, r, "the password could not be hashed");
	return r == 0;
}

void admins_change(struct call *call)
{
	struct state *state = call->admin->deps.state;
	struct state_admin_change change = {0};
	struct state_admin after;
	char phc[PASSWORD_PHC_BYTES];
	char roles[ROLES_TEXT_BYTES];
	char text[ROLES_TEXT_BYTES + 32];

	if (!call_input(call))
		return;
	if (json_object_size(call->input) == 0) {
		reply_problem(call, PROBLEM_INVALID_REQUEST, "Nothing to change.");
		return;
	}
	if (!acts_ready(call) || !read_change(call, &change, phc))
		return;
	int r = state_admin_change(state, call->param, &change, call->now_us);
	if (r == 0)
		r = state_admin_get(state, call->param, &after);
	if (r != 0) {
		refuse_change(call, r);
		return;
	}
	roles_text(after.roles, roles);
	snprintf(text, sizeof(text), "%s%s%s", roles, after.disabled ? " disabled" : "",
	         change.phc ? " new password" : "");
	record_account(call, "admin.change", call->param, sv_of(text), 200);
	reply_json(call, 200, admin_json(&after));
}

void admins_delete(struct call *call)
{
	if (!acts_ready(call))
		return;
	int r = state_admin_remove(call->admin->deps.state, call->param);
	if (r != 0) {
		refuse_change(call, r);
		return;
	}
	record_account(call, "admin.delete", call->param, (struct sv){0}, 204);
	reply_empty(call, 204);
}
