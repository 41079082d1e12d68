#include "authz/service.h"

#include "authz/tokenwish.h"
#include "core/hash.h"
#include "core/jsonfields.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "core/names.h"
#include "model/request.h"

#include <errno.h>
#include <stdlib.h>

const char *const authz_default_names[AUTHZ_DEFAULT_COUNT] = {
	[AUTHZ_DEFAULT_DENY] = "DENY",
	[AUTHZ_DEFAULT_ALLOW] = "ALLOW",
};

/* Services are found as rules are: one index, a space for each exact host, one for the rest. */
enum { SPACE_OTHER_HOSTS = 0 };

struct authz_services {
	struct authz_service *at;
	size_t n;
	struct authz_service **by_name; /* open addressing */
	size_t mask;
	struct authz_index *index;
	unsigned path_modes; /* 1 << mode */
};

void authz_services_free(struct authz_services *services)
{
	if (!services)
		return;
	authz_index_free(services->index);
	free(services->by_name);
	free(services);
}

size_t authz_services_count(const struct authz_services *services)
{
	return services->n;
}

struct authz_service *authz_services_at(const struct authz_services *services, size_t i)
{
	return &services->at[i];
}

static struct authz_service **slot_of(const struct authz_services *services, struct sv name)
{
	size_t i = hash_fnv1a(name) & services->mask;
	while (services->by_name[i] && !sv_eq(services->by_name[i]->name, name))
		i = (i + 1) & services->mask;
	return &services->by_name[i];
}

struct authz_service *authz_services_named(const struct authz_services *services, struct sv name)
{
	return *slot_of(services, name);
}

unsigned authz_services_path_modes(const struct authz_services *services)
{
	return services->path_modes;
}

const char *authz_services_nearest(const struct authz_services *services, struct sv name)
{
	enum { LOOKED_AT = 1000 };
	const char *names[LOOKED_AT];
	size_t n = MIN_OF(services->n, (size_t)LOOKED_AT);
	for (size_t i = 0; i < n; i++)
		names[i] = services->at[i].name.at; /* a JSON string: terminated */
	return names_nearest(names, n, name);
}

/* ---- compiling ---- */

struct raw_service {
	const json_t *name, *hosts, *paths, *namespace, *labels, *login, *token;
	unsigned default_action, path_mode;
};

#define VALUE(text, member)                                         \
	{                                                           \
		.name = (text), .kind = JSON_FIELD_VALUE,           \
		.offset = JSON_FIELD_AT(struct raw_service, member) \
	}

static const struct json_field service_fields[] = {
	{.name = "name",
         .kind = JSON_FIELD_VALUE,
         .offset = JSON_FIELD_AT(struct raw_service, name),
         .required = true},
	VALUE("hosts", hosts),
	VALUE("paths", paths),
	VALUE("namespace", namespace),
	VALUE("labels", labels),
	VALUE("login", login),
	VALUE("token", token),
	{.name = "defaultAction",
         .kind = JSON_FIELD_ENUM,
         .offset = JSON_FIELD_AT(struct raw_service, default_action),
         .names = authz_default_names,
         .n_names = AUTHZ_DEFAULT_COUNT},
	{.name = "pathNormalization",
         .kind = JSON_FIELD_ENUM,
         .offset = JSON_FIELD_AT(struct raw_service, path_mode),
         .names = authz_path_mode_names,
         .n_names = AUTHZ_PATH_MODE_COUNT},
};
#undef VALUE

static void compile_labels(struct compile *c, const json_t *labels, const struct compile_place *at)
{
	const char *name;
	json_t *value;
	if (!json_is_object(labels)) {
		compile_report(c, at, "wrong_type", "an object of strings is expected here");
		return;
	}
	/* jansson's iterator takes a json_t that it does not change */
	json_object_foreach((json_t *)(uintptr_t)labels, name, value)
	{
		struct compile_place place = compile_key(at, name);
		if (!json_is_string(value))
			compile_report(c, &place, "wrong_type", "a string is expected here");
	}
}

static void compile_hosts(struct compile *c, const json_t *hosts, const struct compile_place *at,
                          struct authz_service *ret)
{
	struct authz_condition condition = {0};
	compile_values(c, hosts, at, SYNTAX_HOST, &condition);
	ret->hosts = condition.texts;
}

/* Whether there is such a login, before anybody is sent there. */
static void compile_login(struct compile *c, const struct compile_place *at, struct sv name)
{
	size_t i;
	json_t *login;
	json_array_foreach(
		c->logins, i,
		login) if (sv_eq(json_string_sv(json_object_get(login, "name")), name)) return;
	compile_report(c, at, "unknown_login", "there is no login '%.*s'", SV_ARG(name));
}

static void compile_service(struct compile *c, const json_t *value, const struct compile_place *at,
                            struct authz_service_defaults fallback, struct authz_service *ret)
{
	struct raw_service raw = {.default_action = fallback.action,
	                          .path_mode = fallback.path_mode};
	if (json_fields_read(value, service_fields, ARRAY_LEN(service_fields), at->pointer, c->diag,
	                     &raw) != 0)
		c->failed = true;
	struct compile_place place = compile_key(at, "name");
	if (raw.name)
		ret->name = compile_name(c, raw.name, &place);
	place = compile_key(at, "hosts");
	if (raw.hosts)
		compile_hosts(c, raw.hosts, &place, ret);
	c->keeps_slashes =
		c->keeps_slashes || !authz_path_merges((enum authz_path_mode)raw.path_mode);
	place = compile_key(at, "paths");
	if (raw.paths)
		compile_paths(c, raw.paths, &place, &ret->where.paths, &ret->where.n_paths,
		              &ret->where.paths_expected);
	place = compile_key(at, "namespace");
	if (raw.namespace)
		ret->namespace = compile_name(c, raw.namespace, &place);
	place = compile_key(at, "login");
	if (raw.login && compile_text(c, raw.login, &place, &ret->login))
		compile_login(c, &place, ret->login);
	place = compile_key(at, "labels");
	if (raw.labels)
		compile_labels(c, raw.labels, &place);
	ret->labels = raw.labels;
	place = compile_key(at, "token");
	if (raw.token)
		ret->token = authz_tokenwish_compile(c, raw.token, &place);
	ret->default_action = (enum authz_default)raw.default_action;
	ret->path_mode = (enum authz_path_mode)raw.path_mode;
}

static void enter_name(struct compile *c, struct authz_services *services,
                       struct authz_service *service, const struct compile_place *at)
{
	struct authz_service **slot = slot_of(services, service->name);
	struct compile_place place = compile_key(at, "name");
	if (*slot)
		compile_report(c, &place, "doubled_name", "another service has the name '%.*s'",
		               SV_ARG(service->name));
	else
		*slot = service;
}

/* A service without hosts and paths is found by its name alone. */
static int enter_where(struct authz_services *services, const struct authz_rule *rule, uint32_t id)
{
	const struct authz_service *service = &services->at[id];
	bool nowhere = authz_match_set_is_empty(&service->hosts) && service->where.n_paths == 0;
	int r = 0;
	if (nowhere)
		return 0;
	for (size_t i = 0; i < service->hosts.n_exact && r == 0; i++) {
		uint64_t space = authz_index_host_space(service->hosts.exact[i].text);
		r = authz_index_add(services->index, space, rule, id);
	}
	if (r == 0 && (service->hosts.n_wild > 0 || service->hosts.n_exact == 0))
		r = authz_index_add(services->index, SPACE_OTHER_HOSTS, rule, id);
	return r;
}

static int build_index(struct authz_services *services)
{
	int r = 0;
	services->index = authz_index_new();
	if (!services->index)
		return -ENOMEM;
	for (size_t i = 0; i < services->n && r == 0; i++) {
		struct authz_rule rule = {.to = &services->at[i].where, .n_to = 1};
		r = enter_where(services, &rule, (uint32_t)i);
	}
	return r ? r : authz_index_seal(services->index);
}

static bool make_rooms(struct compile *c, struct authz_services *services, size_t n,
                       const struct compile_place *at)
{
	size_t n_slots = 8;
	while (n_slots < n * 2)
		n_slots *= 2;
	services->by_name = calloc(n_slots, sizeof(struct authz_service *));
	services->mask = n_slots - 1;
	services->at = compile_array(c, at, n, sizeof(*services->at));
	return services->by_name && services->at;
}

struct authz_services *authz_services_compile(struct compile *c, const json_t *list,
                                              const struct compile_place *at,
                                              struct authz_service_defaults fallback)
{
	struct authz_services *services = calloc(1, sizeof(*services));
	bool none = !list || (json_is_array(list) && json_array_size(list) == 0);
	size_t n = none ? 0 : compile_list(c, list, at);
	if (!services || !make_rooms(c, services, n, at)) {
		authz_services_free(services);
		return NULL;
	}
	services->n = n;
	for (size_t i = 0; i < n; i++) {
		struct compile_place place = compile_index(at, i);
		struct authz_service *service = &services->at[i];
		service->space = i + 1;
		compile_service(c, json_array_get(list, i), &place, fallback, service);
		services->path_modes |= 1U << service->path_mode;
		if (service->name.n > 0)
			enter_name(c, services, service, &place);
	}
	if (build_index(services) != 0) {
		authz_services_free(services);
		return NULL;
	}
	return services;
}

/* ---- finding ---- */

/* How narrow the host pattern is that the view's host matches: smaller is narrower; -1 when none. */
static long host_rank(const struct authz_service *service, struct sv host)
{
	enum { ANY_HOST = 1 << 20 };
	if (authz_match_set_is_empty(&service->hosts))
		return ANY_HOST;
	const struct authz_match *match = authz_match_set_holds(&service->hosts, host);
	if (!match)
		return -1;
	return match->kind == AUTHZ_MATCH_EXACT ? 0 : (long)(ANY_HOST - 1 - match->text.n);
}

/* The narrowest of the service's path patterns that match; false when none does. */
static bool best_path(const struct authz_service *service, struct sv path,
                      const struct authz_template **ret)
{
	*ret = NULL;
	for (size_t i = 0; i < service->where.n_paths; i++) {
		const struct authz_template *t = &service->where.paths[i];
		if (authz_template_holds(t, path, NULL) &&
		    (!*ret || authz_template_order(t, *ret) < 0))
			*ret = t;
	}
	return *ret || service->where.n_paths == 0;
}

static bool is_narrower(const struct authz_template *a, const struct authz_template *b)
{
	if (!a || !b)
		return a && !b;
	return authz_template_order(a, b) < 0;
}

/* Of equals the first in the document wins: ids are compared last. */
static const struct authz_service *choose(const struct authz_services *services,
                                          const struct authz_candidates *candidates,
                                          const struct authz_view *view)
{
	const struct authz_service *best = NULL;
	const struct authz_template *best_template = NULL;
	long best_rank = 0;
	for (size_t i = 0; i < candidates->n; i++) {
		const struct authz_service *service = &services->at[candidates->at[i]];
		const struct authz_template *t;
		long rank = host_rank(service, view->host);
		if (rank < 0 || !best_path(service, view->path, &t))
			continue;
		bool better = !best || rank < best_rank ||
		              (rank == best_rank && is_narrower(t, best_template));
		bool equal = best && rank == best_rank && !is_narrower(t, best_template) &&
		             !is_narrower(best_template, t);
		if (!better && !(equal && service < best))
			continue;
		best = service;
		best_rank = rank;
		best_template = t;
	}
	return best;
}

const struct authz_service *authz_services_find(const struct authz_services *services,
                                                const struct authz_view *view, bool *ret_failed)
{
	const uint64_t spaces[] = {authz_index_host_space(view->host), SPACE_OTHER_HOSTS};
	for (size_t i = 0; i < ARRAY_LEN(spaces); i++) {
		struct authz_candidates candidates = {0};
		if (view->path.n > 0)
			authz_index_find(services->index, spaces[i], view, &candidates);
		*ret_failed = *ret_failed || candidates.failed;
		const struct authz_service *found = choose(services, &candidates, view);
		if (found)
			return found;
	}
	return NULL;
}
