/* The compiled policy set. Internal to this folder. */
#ifndef AUTHZ_SET_H
#define AUTHZ_SET_H

#include "authz/index.h"
#include "authz/path.h"
#include "authz/relation_model.h"
#include "authz/role.h"
#include "authz/rule.h"
#include "authz/service.h"

/* Rules in the order of judging: an id is a place in it, so sorted ids are judged in order. */
enum authz_group {
	AUTHZ_GROUP_DENY,
	AUTHZ_GROUP_DENY_SHADOW,
	AUTHZ_GROUP_ALLOW,
	AUTHZ_GROUP_ALLOW_SHADOW,
	AUTHZ_GROUP_COUNT,
};

struct authz_ranked {
	const struct authz_rule *rule;
	enum authz_group group;
};

enum { AUTHZ_SPACE_COMMON = 0 }; /* rules of policies that name no service; services count from 1 */

struct authz {
	json_t *services_json, *policies_json, *issuers_json, *types_json,
		*roles_json; /* hold the texts that the rest views */
	struct arena keep;
	struct authz_expression *expressions; /* hold more than keep does */
	struct relation_model relations;
	struct authz_roles roles;
	struct authz_services *services;
	struct authz_ranked *rules;
	size_t n_rules, n_policies;
	struct authz_index *index;
	enum authz_default default_action;
	enum authz_path_mode path_mode; /* of services that say nothing, and where there are none */
	bool has_allow; /* an enforced ALLOW policy names no service, so it is for all */
	bool has_allow_shadowed;
};

#endif
