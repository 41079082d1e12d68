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

/* An ALLOW policy that is in force for some: for those it ends the default. */
struct authz_partial {
	const struct authz_policy *policy;
	const struct authz_partial *next; /* for the same service, or for all */
};

struct authz_limit_list;

struct authz {
	json_t *services_json, *policies_json, *issuers_json, *types_json, *roles_json,
		*limits_json; /* hold the texts that the rest views */
	struct arena keep;
	struct authz_expression *expressions; /* hold more than keep does */
	struct relation_model relations;
	struct authz_roles roles;
	struct authz_services *services;
	struct authz_ranked *rules;
	size_t n_ranked; /* a rule of a policy that is in force for some is there twice */
	size_t n_rules, n_policies;
	const struct authz_policy *parts; /* the policies, and what roles permit, by their number */
	size_t n_parts;
	const struct authz_limit *counted_limits; /* all of the document; their numbers follow */
	size_t n_counted_limits;
	const struct authz_partial *partials;  /* for every service */
	const struct authz_limit_list *limits; /* for every service */
	struct authz_index *index;
	enum authz_default default_action;
	enum authz_path_mode path_mode; /* of services that say nothing, and where there are none */
	bool has_allow; /* an enforced ALLOW policy names no service, so it is for all */
	bool has_allow_shadowed;
};

#endif
