#include "policy/openapi.h"

#include "policy/openapi_part.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const methods[] = {"get",  "put",   "post",  "delete", "options",
                                      "head", "patch", "trace", NULL};

/* One operation, and what its path item says for it. */
struct operation {
	const char *path, *method;
	const json_t *json, *item;
	struct openapi_place at, item_at;
};

/* ---- names ---- */

/* Letters, digits and "._:/-": what a name may have. */
static void put_name(struct strbuf *to, const char *text)
{
	for (; *text; text++) {
		char c = *text;
		bool is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		               (c >= '0' && c <= '9') || strchr("._:/-", c);
		bool is_brace = c == '{' || c == '}';
		if (to->n < OPENAPI_NAME_BYTES - 8 && !is_brace)
			strbuf_char(to, is_good ? c : '-');
	}
}

static bool is_taken(const json_t *list, const char *name)
{
	size_t i;
	json_t *one;
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		if (strcmp(json_string_value(json_object_get(one, "name")), name) == 0)
			return true;
	}
	return false;
}

static json_t *policy_name(struct openapi *o, const struct operation *op, const json_t *policies)
{
	struct strbuf name = strbuf_with(OPENAPI_NAME_BYTES);
	const char *id = json_string_value(json_object_get(op->json, "operationId"));
	if (id && id[0]) {
		put_name(&name, id);
	} else {
		put_name(&name, op->method);
		strbuf_char(&name, ':');
		put_name(&name, op->path);
	}
	size_t n = name.n;
	for (unsigned again = 2; name.at && is_taken(policies, name.at) && again < 10000; again++) {
		name.n = n;
		strbuf_addf(&name, "-%u", again);
	}
	json_t *ret = name.failed || !name.at ? NULL : json_stringn(name.at, name.n);
	o->out_of_memory = o->out_of_memory || !ret;
	strbuf_fini(&name);
	return ret;
}

static json_t *service_name(struct openapi *o)
{
	const json_t *info = json_object_get(o->document, "info");
	const char *title = json_string_value(json_object_get(info, "title"));
	struct strbuf name = strbuf_with(OPENAPI_NAME_BYTES);
	if (!o->import->service)
		put_name(&name, title ? title : "");
	for (size_t i = 0; i < name.n; i++)
		name.at[i] = sv_lower_char(name.at[i]);
	json_t *ret = o->import->service ? json_string(o->import->service)
	              : name.n           ? json_stringn(name.at, name.n)
	                                 : json_string("service");
	o->out_of_memory = o->out_of_memory || !ret;
	strbuf_fini(&name);
	return ret;
}

/* ---- which requests ---- */

static void put_path(struct openapi *o, json_t *into, const char *base, const char *path,
                     const struct openapi_place *at)
{
	struct strbuf text = strbuf_with(8192);
	strbuf_add(&text, sv_of(base));
	if (openapi_template(o, path, at, &text))
		openapi_put(o, into, NULL,
		            text.failed || !text.at ? NULL : json_stringn(text.at, text.n));
	strbuf_fini(&text);
}

/* The paths of the document that say some of this one's requests more exactly: those are theirs. */
static json_t *more_exact(struct openapi *o, const struct operation *op, const char *base)
{
	json_t *ret = json_array();
	const char *other;
	json_t *item;
	json_object_foreach(json_object_get(o->document, "paths"), other, item)
	{
		if (strncmp(other, "x-", 2) != 0 && other != op->path &&
		    openapi_compare(other, op->path) == OPENAPI_WITHIN)
			put_path(o, ret, base, other, &op->item_at);
	}
	return ret;
}

static json_t *upper(const char *method)
{
	char text[16];
	size_t n = 0;
	for (; method[n] && n + 1 < sizeof(text); n++)
		text[n] = (char)(method[n] - ('a' - 'A'));
	text[n] = '\0';
	return json_string(text);
}

/* in: hosts: empty or NULL: any */
static json_t *operation_at(struct openapi *o, const struct operation *op, const char *base,
                            const json_t *hosts)
{
	json_t *operation = json_object(), *paths = json_array(), *list = json_array();
	openapi_put(o, list, NULL, upper(op->method));
	openapi_put(o, operation, "methods", list);
	put_path(o, paths, base, op->path, &op->item_at);
	openapi_put(o, operation, "paths", paths);
	json_t *others = more_exact(o, op, base);
	if (json_array_size(others) > 0)
		openapi_put(o, operation, "notPaths", json_incref(others));
	json_decref(others);
	if (json_array_size(hosts) > 0)
		openapi_put(o, operation, "hosts", json_deep_copy(hosts));
	return json_pack("{s:o}", "operation", operation);
}

/* The service is asked for where its servers are. */
static void add_to_service(struct openapi *o, const char *base, const json_t *hosts)
{
	size_t i;
	json_t *host;
	openapi_put(o, o->bases, base, json_true());
	o->any_host = o->any_host || json_array_size(hosts) == 0;
	json_array_foreach((json_t *)(uintptr_t)hosts, i, host)
		openapi_put(o, o->hosts, json_string_value(host), json_true());
}

static json_t *to_of(struct openapi *o, const struct operation *op)
{
	const json_t *servers = json_object_get(op->json, "servers");
	struct openapi_place at = openapi_key(&op->at, "servers");
	const struct openapi_place root = {""};
	json_t *to = json_array(), *hosts;
	const char *base;
	if (!servers) {
		servers = json_object_get(op->item, "servers");
		at = openapi_key(&op->item_at, "servers");
	}
	if (!servers) {
		servers = json_object_get(o->document, "servers");
		at = openapi_key(&root, "servers");
	}
	json_t *where = openapi_servers(o, servers, &at);
	/* else what the service is asked for is enough */
	bool says_hosts = o->own_servers || json_object_size(where) > 1;
	json_object_foreach(where, base, hosts)
	{
		openapi_put(o, to, NULL, operation_at(o, op, base, says_hosts ? hosts : NULL));
		add_to_service(o, base, hosts);
	}
	json_decref(where);
	return to;
}

/* ---- one operation ---- */

static void add_policy(struct openapi *o, const struct operation *op, const json_t *service,
                       json_t *rules, json_t *policies)
{
	json_t *to = to_of(o, op), *policy = json_object(), *rule;
	size_t i;
	json_array_foreach(rules, i, rule) openapi_put(o, rule, "to", json_incref(to));
	json_decref(to);
	openapi_put(o, policy, "name", policy_name(o, op, policies));
	openapi_put(o, policy, "action", json_string("ALLOW"));
	openapi_put(o, policy, "services", json_pack("[O]", service));
	openapi_put(o, policy, "rules", json_incref(rules));
	openapi_put(o, policies, NULL, policy);
	openapi_put(o, o->import->origins, NULL, json_string(op->at.pointer));
}

static void import_operation(struct openapi *o, const struct operation *op, const json_t *service,
                             json_t *policies)
{
	static const char *const members[] = {
		"tags",       "summary",     "description", "externalDocs", "operationId",
		"parameters", "requestBody", "responses",   "callbacks",    "deprecated",
		"security",   "servers",     NULL};
	const struct openapi_place root = {""};
	const json_t *security = json_object_get(op->json, "security");
	struct openapi_place at = openapi_key(&op->at, "security");
	openapi_only(o, op->json, &op->at, members);
	if (!security) {
		security = json_object_get(o->document, "security");
		at = openapi_key(&root, "security");
	}
	if (!security) {
		openapi_tell(o, &op->at,
		             "no security is said, so it is granted to nobody; security: [] grants "
		             "it to everybody");
		json_decref(to_of(o, op));
		return;
	}
	json_t *rules = openapi_rules(o, security, &at);
	if (json_array_size(rules) > 0)
		add_policy(o, op, service, rules, policies);
	json_decref(rules);
}

/* Paths of which neither says it more exactly, or that are the same but for names: OpenAPI does not say which counts. */
static void check_overlaps(struct openapi *o)
{
	const struct openapi_place root = {""};
	const struct openapi_place at = openapi_key(&root, "paths");
	const char *first, *second;
	json_t *one, *other;
	json_t *paths = json_object_get(o->document, "paths");
	json_object_foreach(paths, first, one)
	{
		struct openapi_place place = openapi_key(&at, first);
		json_object_foreach(paths, second, other)
		{
			if (second == first)
				break;
			enum openapi_overlap overlap = openapi_compare(first, second);
			if (overlap == OPENAPI_SAME)
				openapi_refuse(o, &place, "'%.80s' is the same path", second);
			else if (overlap == OPENAPI_ACROSS)
				openapi_tell(
					o, &place,
					"some requests are for '%.80s' too, and which counts is "
					"not told: either's security grants them",
					second);
		}
	}
}

static void import_item(struct openapi *o, const char *path, const json_t *item,
                        struct openapi_place at, const json_t *service, json_t *policies)
{
	static const char *const members[] = {
		"get",   "put",     "post",        "delete",  "options",    "head", "patch",
		"trace", "summary", "description", "servers", "parameters", NULL};
	item = openapi_resolve(o, item, &at);
	if (!item)
		return;
	openapi_only(o, item, &at, members);
	for (size_t i = 0; methods[i]; i++) {
		struct operation op = {.path = path,
		                       .method = methods[i],
		                       .item = item,
		                       .item_at = at,
		                       .json = json_object_get(item, methods[i]),
		                       .at = openapi_key(&at, methods[i])};
		if (op.json)
			import_operation(o, &op, service, policies);
	}
}

/* ---- the document ---- */

static bool is_openapi(struct openapi *o)
{
	static const char *const members[] = {"openapi",      "info",     "jsonSchemaDialect",
	                                      "servers",      "paths",    "webhooks",
	                                      "components",   "security", "tags",
	                                      "externalDocs", NULL};
	const struct openapi_place root = {""};
	const json_t *version = json_object_get(o->document, "openapi");
	const char *text = json_string_value(version);
	if (!text || (strncmp(text, "3.0", 3) != 0 && strncmp(text, "3.1", 3) != 0)) {
		openapi_refuse(o, &root, "openapi: 3.0 or 3.1 is expected%s",
		               json_object_get(o->document, "swagger")
		                       ? "; this is Swagger 2.0, to be converted first"
		                       : "");
		return false;
	}
	openapi_only(o, o->document, &root, members);
	return true;
}

static json_t *service_of(struct openapi *o, const json_t *name)
{
	json_t *hosts = json_array(), *paths = json_array(), *value, *service = json_object();
	const char *text;
	json_object_foreach(o->hosts, text, value) openapi_put(o, hosts, NULL, json_string(text));
	json_object_foreach(o->bases, text, value)
		openapi_put(o, paths, NULL, json_sprintf("%s/{**}", text));
	openapi_put(o, service, "name", json_incref((json_t *)(uintptr_t)name));
	if (!o->any_host && json_array_size(hosts) > 0)
		openapi_put(o, service, "hosts", json_incref(hosts));
	openapi_put(o, service, "paths", paths);
	json_decref(hosts);
	return service;
}

static json_t *import_paths(struct openapi *o, const json_t *service)
{
	const struct openapi_place root = {""};
	const struct openapi_place at = openapi_key(&root, "paths");
	json_t *paths = json_object_get(o->document, "paths"), *policies = json_array(), *item;
	const char *path;
	if (!json_is_object(paths))
		openapi_refuse(o, &at, "an object of paths is expected here");
	json_object_foreach(paths, path, item)
	{
		struct openapi_place place = openapi_key(&at, path);
		if (strncmp(path, "x-", 2) != 0)
			import_item(o, path, item, place, service, policies);
	}
	check_overlaps(o);
	return policies;
}

static bool has_own_servers(const struct openapi *o)
{
	const char *path;
	json_t *item;
	json_object_foreach(json_object_get(o->document, "paths"), path, item)
	{
		if (json_object_get(item, "servers") || json_object_get(item, "$ref"))
			return true;
		for (size_t i = 0; methods[i]; i++)
			if (json_object_get(json_object_get(item, methods[i]), "servers"))
				return true;
	}
	return false;
}

static json_t *import_all(struct openapi *o)
{
	const struct openapi_place root = {""};
	const struct openapi_place webhooks = openapi_key(&root, "webhooks");
	o->own_servers = has_own_servers(o);
	json_t *name = service_name(o), *policies = import_paths(o, name);
	if (json_object_get(o->document, "webhooks"))
		openapi_tell(o, &webhooks, "these are requests that the service makes, not gets");
	json_t *set = json_pack("{s:s, s:s, s:O, s:[o], s:o}", "apiVersion", "haward/v1",
	                        "defaultAction", "DENY", "issuers", o->issuers, "services",
	                        service_of(o, name), "policies", policies);
	json_decref(name);
	return set;
}

int openapi_import(const json_t *document, struct openapi_import *import, json_t **ret)
{
	struct openapi o = {.import = import,
	                    .document = document,
	                    .issuers = json_array(),
	                    .hosts = json_object(),
	                    .bases = json_object()};
	json_t *set = NULL;
	import->origins = json_array();
	if (is_openapi(&o))
		set = import_all(&o);
	json_decref(o.issuers);
	json_decref(o.hosts);
	json_decref(o.bases);
	if (import->n_errors == 0 && set && !o.out_of_memory && import->origins) {
		*ret = set;
		return 0;
	}
	json_decref(set);
	return import->n_errors ? -EINVAL : -ENOMEM;
}

void openapi_import_fini(struct openapi_import *import)
{
	json_decref(import->origins);
}
