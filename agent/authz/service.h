/* The services of a policy set, and which of them a request is for. Internal to this folder. */
#ifndef AUTHZ_SERVICE_H
#define AUTHZ_SERVICE_H

#include "authz/compile.h"
#include "authz/index.h"
#include "authz/path.h"
#include "core/macros.h"

#include <stdbool.h>
#include <stdint.h>

enum authz_default {
	AUTHZ_DEFAULT_DENY = 0,
	AUTHZ_DEFAULT_ALLOW,
	AUTHZ_DEFAULT_COUNT,
};
extern const char *const authz_default_names[AUTHZ_DEFAULT_COUNT];

struct authz_limit_list;

struct authz_service {
	struct sv name;
	enum authz_default default_action;
	const json_t *labels;           /* an object or NULL */
	const struct token_wish *token; /* NULL: none is wanted */
	struct sv namespace;
	enum authz_path_mode path_mode;
	struct sv login;                      /* the name of one of the logins; empty: none */
	uint64_t space;                       /* of its own rules in the policy index */
	bool has_allow;                       /* an enforced ALLOW policy names it */
	bool has_allow_shadowed;              /* an enforced or shadow one does */
	const struct authz_partial *partials; /* those that name it and are in force for some */
	struct authz_match_set hosts;
	struct authz_operation where; /* its paths */
	const struct authz_limit_list *limits;
};

struct authz_partial;
struct authz_services;

/* What services are that do not say otherwise. */
struct authz_service_defaults {
	enum authz_default action;
	enum authz_path_mode path_mode;
};

/* authz_services_compile - the `services` member of a policy set.
 *
 * in      list: may be NULL
 * errors  reported in c; NULL only when memory is out
 * returns owned, freed with authz_services_free()
 */
MUST_CHECK struct authz_services *authz_services_compile(struct compile *c, const json_t *list,
                                                         const struct compile_place *at,
                                                         struct authz_service_defaults fallback);
void authz_services_free(struct authz_services *services);

size_t authz_services_count(const struct authz_services *services);
struct authz_service *authz_services_at(const struct authz_services *services, size_t i);

/* authz_services_named - the service of that name, or NULL. */
struct authz_service *authz_services_named(const struct authz_services *services, struct sv name);

/* authz_services_path_modes - which modes (1 << mode) any of them has. */
unsigned authz_services_path_modes(const struct authz_services *services);

/* authz_services_nearest - a known name near to this one, or NULL. */
const char *authz_services_nearest(const struct authz_services *services, struct sv name);

/* authz_services_find - the service for the view's host and path: the most specific host first, then
 * the most specific path; NULL when none has them. */
const struct authz_service *authz_services_find(const struct authz_services *services,
                                                const struct authz_view *view, bool *ret_failed);

#endif
