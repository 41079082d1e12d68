#include "admin/router.h"

#include "admin/handlers.h"
#include "state/roles.h"
#include "state/versions.h"

#include <stdio.h>
#include <string.h>

#define SMALL     (16U * 1024)           /* names, passwords, messages */
#define LISTS     (64U * 1024)           /* several lists of names */
#define RELATIONS (1024U * 1024)         /* a thousand of them */
#define POLICY    (2U * POLICY_TEXT_MAX) /* the text as a JSON string: at most every byte escaped */

#define EXPORT "q from to order"
#define SEARCH EXPORT " limit cursor"

/* The one place that says who may do what. The contract test holds it equal to schema/openapi.json. */
static const struct route routes[] = {
	{"POST", "/api/v1/session", ROUTE_PUBLIC, ROUTE_HASH, NULL, "username password", SMALL,
         session_create},
	{"GET", "/api/v1/session", ROLE_VIEWER, ROUTE_INLINE, NULL, NULL, 0, session_show},
	{"DELETE", "/api/v1/session", ROLE_VIEWER, ROUTE_WORK, NULL, NULL, 0, session_delete},
	{"GET", "/api/v1/setup", ROUTE_PUBLIC, ROUTE_WORK, NULL, NULL, 0, setup_show},
	{"POST", "/api/v1/setup", ROUTE_PUBLIC, ROUTE_HASH, NULL, "token username password", SMALL,
         setup_create},

	{"GET", "/api/v1/decisions", ROLE_VIEWER, ROUTE_WORK, SEARCH, NULL, 0, decisions_list},
	{"GET", "/api/v1/decisions/histogram", ROLE_VIEWER, ROUTE_WORK, "q from to step", NULL, 0,
         decisions_histogram},
	{"GET", "/api/v1/decisions/facets", ROLE_VIEWER, ROUTE_WORK, "q from to fields top", NULL,
         0, decisions_facets},
	{"GET", "/api/v1/decisions/{id}", ROLE_VIEWER, ROUTE_WORK, "verbose", NULL, 0,
         decisions_show},
	{"GET", "/api/v1/decisions.csv", ROLE_AUDITOR, ROUTE_WORK, EXPORT " formula", NULL, 0,
         decisions_csv},
	{"GET", "/api/v1/decisions.ndjson", ROLE_AUDITOR, ROUTE_WORK, EXPORT, NULL, 0,
         decisions_ndjson},
	{"GET", "/api/v1/admin-events", ROLE_AUDITOR, ROUTE_WORK, SEARCH, NULL, 0,
         admin_events_list},

	{"GET", "/api/v1/policy-set", ROLE_VIEWER, ROUTE_WORK, NULL, NULL, 0, policy_set_show},
	{"GET", "/api/v1/policy-set/draft", ROLE_VIEWER, ROUTE_WORK, NULL, NULL, 0, draft_show},
	{"PUT", "/api/v1/policy-set/draft", ROLE_EDITOR, ROUTE_WORK, NULL, "text base_version",
         POLICY, draft_put},
	{"DELETE", "/api/v1/policy-set/draft", ROLE_EDITOR, ROUTE_WORK, NULL, NULL, 0,
         draft_delete},
	{"POST", "/api/v1/policy-set/validation", ROLE_EDITOR, ROUTE_WORK, NULL, "text", POLICY,
         policy_validate},
	{"GET", "/api/v1/policy-set/diff", ROLE_VIEWER, ROUTE_WORK, "from to", NULL, 0, diff_show},
	{"POST", "/api/v1/policy-set/diff", ROLE_EDITOR, ROUTE_WORK, NULL, "text from", POLICY,
         diff_create},
	{"POST", "/api/v1/policy-set/tests", ROLE_EDITOR, ROUTE_WORK, NULL, "text", POLICY,
         policy_tests},
	{"GET", "/api/v1/policy-set/versions", ROLE_VIEWER, ROUTE_WORK, "limit cursor", NULL, 0,
         versions_list},
	{"GET", "/api/v1/policy-set/versions/{n}", ROLE_VIEWER, ROUTE_WORK, NULL, NULL, 0,
         versions_show},
	{"POST", "/api/v1/policy-set/versions", ROLE_PUBLISHER, ROUTE_WORK, NULL,
         "text message override_tests", POLICY, versions_publish},
	{"POST", "/api/v1/policy-set/rollbacks", ROLE_PUBLISHER, ROUTE_WORK, NULL,
         "version message", SMALL, rollbacks_create},
	{"POST", "/api/v1/policy-set/evaluations", ROLE_EDITOR, ROUTE_WORK, NULL,
         "text request verbose", POLICY, evaluations_create},
	{"GET", "/api/v1/replays", ROLE_EDITOR, ROUTE_WORK, NULL, NULL, 0, replays_list},
	{"POST", "/api/v1/replays", ROLE_EDITOR, ROUTE_WORK, NULL, "text version q from to limit",
         POLICY, replays_create},
	{"GET", "/api/v1/replays/{id}", ROLE_EDITOR, ROUTE_WORK, NULL, NULL, 0, replay_show},
	{"DELETE", "/api/v1/replays/{id}", ROLE_EDITOR, ROUTE_WORK, NULL, NULL, 0, replay_delete},
	{"GET", "/api/v1/policies", ROLE_VIEWER, ROUTE_WORK, NULL, NULL, 0, policies_list},

	{"GET", "/api/v1/admins", ROLE_ADMIN, ROUTE_WORK, NULL, NULL, 0, admins_list},
	{"POST", "/api/v1/admins", ROLE_ADMIN, ROUTE_HASH, NULL, "username password roles", SMALL,
         admins_create},
	{"PATCH", "/api/v1/admins/{username}", ROLE_ADMIN, ROUTE_HASH, NULL,
         "password roles disabled", SMALL, admins_change},
	{"DELETE", "/api/v1/admins/{username}", ROLE_ADMIN, ROUTE_WORK, NULL, NULL, 0,
         admins_delete},

	{"GET", "/api/v1/api-keys", ROLE_VIEWER, ROUTE_WORK, "q limit cursor", NULL, 0,
         apikeys_list},
	{"POST", "/api/v1/api-keys", ROLE_ADMIN, ROUTE_WORK, NULL,
         "owner client note groups scopes services networks expires_at", LISTS, apikeys_create},
	{"POST", "/api/v1/api-keys/rotations", ROLE_ADMIN, ROUTE_WORK, NULL,
         "id overlap_seconds expires_at", SMALL, apikeys_rotate},
	{"POST", "/api/v1/api-keys/revocations", ROLE_ADMIN, ROUTE_WORK, NULL, "id", SMALL,
         apikeys_revoke},
	{"GET", "/api/v1/api-keys/{id}", ROLE_VIEWER, ROUTE_WORK, NULL, NULL, 0, apikeys_show},
	{"PATCH", "/api/v1/api-keys/{id}", ROLE_ADMIN, ROUTE_WORK, NULL, "disabled", SMALL,
         apikeys_change},

	{"GET", "/api/v1/users", ROLE_AUDITOR, ROUTE_WORK, "q limit cursor", NULL, 0, users_list},
	{"POST", "/api/v1/users", ROLE_ADMIN, ROUTE_HASH, NULL, "name password groups", LISTS,
         users_create},
	{"POST", "/api/v1/users/changes", ROLE_ADMIN, ROUTE_HASH, NULL, "name password groups",
         LISTS, users_change},
	{"POST", "/api/v1/users/removals", ROLE_ADMIN, ROUTE_WORK, NULL, "name", SMALL,
         users_remove},

	{"GET", "/api/v1/relations", ROLE_AUDITOR, ROUTE_WORK,
         "object relation subject limit cursor", NULL, 0, relations_list},
	{"POST", "/api/v1/relations", ROLE_ADMIN, ROUTE_WORK, NULL, "relations", RELATIONS,
         relations_write},
	{"POST", "/api/v1/relations/deletions", ROLE_ADMIN, ROUTE_WORK, NULL, "relations",
         RELATIONS, relations_delete},
	{"POST", "/api/v1/relations/checks", ROLE_AUDITOR, ROUTE_WORK, NULL,
         "object relation subject", SMALL, relations_check},

	{"GET", "/api/v1/revocations", ROLE_AUDITOR, ROUTE_WORK, "limit cursor", NULL, 0,
         revocations_list},
	{"POST", "/api/v1/revocations", ROLE_ADMIN, ROUTE_WORK, NULL,
         "kind issuer name until expires_at reason", SMALL, revocations_create},
	{"DELETE", "/api/v1/revocations/{id}", ROLE_ADMIN, ROUTE_WORK, NULL, NULL, 0,
         revocations_delete},

	{"GET", "/api/v1/sessions", ROLE_AUDITOR, ROUTE_WORK, "q limit cursor", NULL, 0,
         sessions_list},
	{"POST", "/api/v1/sessions/terminations", ROLE_ADMIN, ROUTE_WORK, NULL, "issuer subject",
         SMALL, sessions_end},
	{"DELETE", "/api/v1/sessions/{id}", ROLE_ADMIN, ROUTE_WORK, NULL, NULL, 0, sessions_delete},

	{"GET", "/api/v1/system", ROLE_VIEWER, ROUTE_WORK, NULL, NULL, 0, system_show},
	{"GET", "/health/live", ROUTE_PUBLIC, ROUTE_INLINE, NULL, NULL, 0, health_live},
	{"GET", "/health/ready", ROUTE_PUBLIC, ROUTE_WORK, NULL, NULL, 0, health_ready},
	{"GET", "/metrics", ROUTE_PUBLIC, ROUTE_WORK, NULL, NULL, 0, metrics_show},
	{"POST", "/access/v1/evaluation", ROUTE_PUBLIC, ROUTE_WORK, NULL,
         "subject action resource context", LISTS, authzen_evaluation},
	{"POST", "/access/v1/evaluations", ROUTE_PUBLIC, ROUTE_WORK, NULL,
         "subject action resource context evaluations options", RELATIONS, authzen_evaluations},
	{"GET", "/.well-known/authzen-configuration", ROUTE_PUBLIC, ROUTE_INLINE, NULL, NULL, 0,
         authzen_configuration},
	{"GET", "/.well-known/jwks.json", ROUTE_PUBLIC, ROUTE_WORK, NULL, NULL, 0, jwks_show},
	{"GET", "/openapi.json", ROUTE_PUBLIC, ROUTE_INLINE, NULL, NULL, 0, openapi_show},
	{"GET", "/schema/policy.json", ROUTE_PUBLIC, ROUTE_INLINE, NULL, NULL, 0,
         policy_schema_show},
	{"GET", "/schema/conditions.json", ROUTE_PUBLIC, ROUTE_INLINE, NULL, NULL, 0,
         conditions_show},
};

static bool path_fits(const char *pattern, struct sv path, struct sv *ret_param)
{
	struct sv wanted = sv_of(pattern);
	size_t n_fixed = sv_find(wanted, '{');
	if (n_fixed == wanted.n)
		return sv_eq(path, wanted);
	struct sv rest = sv_from(path, n_fixed);
	if (!sv_starts(path, sv_first(wanted, n_fixed)) || rest.n == 0 ||
	    sv_find(rest, '/') != rest.n)
		return false;
	*ret_param = rest;
	return true;
}

static void add_method(char *allow, size_t n_allow, const char *method)
{
	size_t n = strlen(allow);
	const char *head = strcmp(method, "GET") == 0 ? ", HEAD" : "";
	snprintf(allow + n, n_allow - n, "%s%s%s", n ? ", " : "", method, head);
}

const struct route *route_find(const char *method, struct sv path, struct sv *ret_param,
                               char *allow, size_t n_allow)
{
	allow[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		struct sv param = {0};
		if (!path_fits(routes[i].path, path, &param))
			continue;
		if (strcmp(method, routes[i].method) == 0) {
			allow[0] = '\0';
			*ret_param = param;
			return &routes[i];
		}
		add_method(allow, n_allow, routes[i].method);
	}
	return NULL;
}

bool route_allows(const struct route *route, uint32_t roles)
{
	if (route->role == ROUTE_PUBLIC)
		return true;
	return (route->role & ROLES_ALL & roles) != 0;
}

const struct route *route_at(size_t i)
{
	return i < ARRAY_LEN(routes) ? &routes[i] : NULL;
}
