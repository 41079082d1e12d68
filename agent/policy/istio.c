#include "policy/istio.h"

#include "core/jsonload.h"
#include "core/names.h"
#include "core/sv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* ---- one document ---- */

struct document {
	struct istio_import *import;
	size_t line;
	const char *kind, *name, *namespace;
	const json_t *metadata, *spec;
};

static void note_args(const struct document *d, bool is_error, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

static void note_args(const struct document *d, bool is_error, const char *format, va_list args)
{
	struct istio_import *import = d->import;
	import->n_errors += is_error;
	if (import->n_notes == ISTIO_NOTES_MAX)
		return;
	struct istio_note *note = &import->notes[import->n_notes++];
	note->is_error = is_error;
	note->line = d->line;
	int n = snprintf(note->text, sizeof(note->text), "%s %s/%s: ", d->kind, d->namespace,
	                 d->name);
	if (n > 0 && (size_t)n < sizeof(note->text))
		(void)vsnprintf(note->text + n, sizeof(note->text) - (size_t)n, format, args);
}

static void refuse(const struct document *d, const char *format, ...) PRINTF_LIKE(2, 3);
static void refuse(const struct document *d, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	note_args(d, true, format, args);
	va_end(args);
}

static void tell(const struct document *d, const char *format, ...) PRINTF_LIKE(2, 3);
static void tell(const struct document *d, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	note_args(d, false, format, args);
	va_end(args);
}

static const char *text_or(const json_t *value, const char *other)
{
	return json_is_string(value) ? json_string_value(value) : other;
}

/* Members that Istio does not have, or that we do not. */
static void only(const struct document *d, const json_t *object, const char *where,
                 const char *const *names)
{
	const char *name;
	json_t *value;
	if (object && !json_is_object(object) && !json_is_null(object))
		refuse(d, "%s: an object is expected here", where);
	json_object_foreach((json_t *)(uintptr_t)object, name,
	                    value) if (!names_listed(names, name))
		refuse(d, "%s.%.60s: this is not understood, and a policy set has no such thing",
	               where, name);
}

static struct document document_of(struct istio_import *import, const json_t *documents,
                                   const json_t *lines, size_t i)
{
	const json_t *json = json_array_get(documents, i);
	const json_t *metadata = json_object_get(json, "metadata");
	return (struct document){
		.import = import,
		.line = (size_t)json_integer_value(json_array_get(lines, i)),
		.kind = text_or(json_object_get(json, "kind"), "document"),
		.name = text_or(json_object_get(metadata, "name"), "(without a name)"),
		.namespace = text_or(json_object_get(metadata, "namespace"), "default"),
		.metadata = metadata,
		.spec = json_object_get(json, "spec"),
	};
}

static bool is_kind(const struct document *d, const char *kind)
{
	return strcmp(d->kind, kind) == 0;
}

/* ---- whom a policy is for ---- */

static const json_t *labels_of(const struct document *d)
{
	return json_object_get(json_object_get(d->spec, "selector"), "matchLabels");
}

static void check_selector(const struct document *d)
{
	static const char *const members[] = {"matchLabels", NULL};
	const char *name;
	json_t *value;
	only(d, json_object_get(d->spec, "selector"), "spec.selector", members);
	json_object_foreach((json_t *)(uintptr_t)labels_of(d), name,
	                    value) if (name[0] == '\0' || !json_is_string(value) ||
	                               strchr(name, '*') || strchr(text_or(value, ""), '*'))
		refuse(d, "spec.selector.matchLabels: a label has a name and a text, "
	                  "without wildcards");
	if (json_object_get(d->spec, "targetRef") || json_object_get(d->spec, "targetRefs"))
		refuse(d, "spec.targetRef: a policy set chooses services by selector or by name; "
		          "write "
		          "the selector of what it targets");
}

static bool is_root(const struct document *d)
{
	const char *root = d->import->root_namespace ? d->import->root_namespace : "istio-system";
	return strcmp(d->namespace, root) == 0;
}

static bool is_for(const struct document *policy, const struct document *service)
{
	const json_t *has = json_object_get(service->spec, "selector");
	const char *name;
	json_t *value;
	if (!is_root(policy) && strcmp(policy->namespace, service->namespace) != 0)
		return false;
	json_object_foreach((json_t *)(uintptr_t)labels_of(policy), name,
	                    value) if (!json_equal(json_object_get(has, name), value)) return false;
	return true;
}

static json_t *service_name(const struct document *service)
{
	return json_sprintf("%s/%s", service->namespace, service->name);
}

/* How many of the file's Services a policy is for. */
static size_t count_services(const struct document *policy, const json_t *documents,
                             const json_t *lines)
{
	size_t n = 0;
	for (size_t i = 0; i < json_array_size(documents); i++) {
		struct document service = document_of(policy->import, documents, lines, i);
		n += is_kind(&service, "Service") && is_for(policy, &service);
	}
	return n;
}

/* As Istio chooses: the root namespace is for all. */
static void import_targets(const struct document *d, json_t *policy)
{
	const json_t *labels = labels_of(d);
	if (!is_root(d))
		json_object_set_new(policy, "namespace", json_string(d->namespace));
	if (json_object_size(labels) > 0)
		json_object_set_new(policy, "selector",
		                    json_pack("{s:O}", "matchLabels", (json_t *)(uintptr_t)labels));
}

/* All policies together have to be able to mean one workload. */
static void check_one_workload(struct istio_import *import, const json_t *documents,
                               const json_t *lines)
{
	json_t *labels = json_object();
	const char *namespace = NULL, *name;
	json_t *value;
	for (size_t i = 0; i < json_array_size(documents); i++) {
		struct document d = document_of(import, documents, lines, i);
		if (!is_kind(&d, "AuthorizationPolicy") && !is_kind(&d, "RequestAuthentication"))
			continue;
		if (!is_root(&d) && namespace && strcmp(namespace, d.namespace) != 0)
			refuse(&d,
			       "it is for another namespace than '%.60s': add the Services that "
			       "the policies are for to the file",
			       namespace);
		if (!is_root(&d))
		namespace = d.namespace;
		json_object_foreach((json_t *)(uintptr_t)labels_of(&d), name, value)
		{
			const json_t *there = json_object_get(labels, name);
			if (there && !json_equal(there, value))
				refuse(&d,
				       "its selector and that of another policy (%.60s) cannot "
				       "both "
				       "hold: add the Services that they are for to the file",
				       name);
			json_object_set(labels, name, value);
		}
	}
	json_decref(labels);
}

/* ---- services ---- */

static json_t *import_service(const struct document *d)
{
	const json_t *selector = json_object_get(d->spec, "selector");
	json_t *hosts =
		json_pack("[s, o, o, o]", d->name, json_sprintf("%s.%s", d->name, d->namespace),
	                  json_sprintf("%s.%s.svc", d->name, d->namespace),
	                  json_sprintf("%s.%s.svc.cluster.local", d->name, d->namespace));
	json_t *service = json_pack("{s:o, s:o, s:s}", "name", service_name(d), "hosts", hosts,
	                            "namespace", d->namespace);
	if (json_object_size(selector) > 0)
		json_object_set(service, "labels", (json_t *)(uintptr_t)selector);
	return service;
}

/* ---- policies ---- */

/* source: Istio, security.istio.io/v1 AuthorizationPolicy */
static const char *const source_members[] = {
	"principals",           "notPrincipals",      "requestPrincipals",
	"notRequestPrincipals", "namespaces",         "notNamespaces",
	"serviceAccounts",      "notServiceAccounts", "ipBlocks",
	"notIpBlocks",          "remoteIpBlocks",     "notRemoteIpBlocks",
	"trustDomains",         "notTrustDomains",    NULL};
static const char *const operation_members[] = {"hosts",    "notHosts", "ports",
                                                "notPorts", "methods",  "notMethods",
                                                "paths",    "notPaths", NULL};

/* {name} is ours alone: Istio refuses it, and a set that is taken back there would not mean the same. */
static void check_paths(const struct document *d, const json_t *paths)
{
	size_t i;
	json_t *path;
	json_array_foreach(paths, i, path)
	{
		struct sv rest = json_string_sv(path);
		size_t open;
		while ((open = sv_find(rest, '{')) < rest.n) {
			rest = sv_from(rest, open + 1);
			struct sv inner = sv_first(rest, sv_find(rest, '}'));
			if (!sv_eq(inner, SVL("*")) && !sv_eq(inner, SVL("**")))
				refuse(d, "path '%.80s': Istio has {*} and {**} only",
				       json_string_value(path));
		}
	}
}

static void check_list(const struct document *d, const json_t *list, const char *where,
                       const char *wrapper, const char *const *members)
{
	size_t i;
	json_t *one;
	const char *const names[] = {wrapper, NULL};
	json_array_foreach(list, i, one)
	{
		const json_t *inner = json_object_get(one, wrapper);
		only(d, one, where, names);
		only(d, inner, wrapper, members);
		check_paths(d, json_object_get(inner, "paths"));
		check_paths(d, json_object_get(inner, "notPaths"));
	}
}

static void check_rules(const struct document *d, const json_t *rules)
{
	static const char *const members[] = {"from", "to", "when", NULL};
	static const char *const when_members[] = {"key", "values", "notValues", NULL};
	size_t i, k;
	json_t *rule, *when;
	json_array_foreach(rules, i, rule)
	{
		only(d, rule, "rules", members);
		check_list(d, json_object_get(rule, "from"), "from", "source", source_members);
		check_list(d, json_object_get(rule, "to"), "to", "operation", operation_members);
		json_array_foreach(json_object_get(rule, "when"), k, when)
		{
			only(d, when, "when", when_members);
			if (sv_starts(json_string_sv(json_object_get(when, "key")), SVL("path[")))
				refuse(d, "when: Istio has no key path[...]");
		}
	}
}

/* An account without a namespace is one of the policy's own. */
static void complete_accounts(const struct document *d, const json_t *list)
{
	size_t i;
	json_t *one;
	json_array_foreach(list, i, one)
	{
		struct sv name = json_string_sv(one);
		if (name.n > 0 && sv_find(name, '/') == name.n)
			json_array_set_new((json_t *)(uintptr_t)list, i,
			                   json_sprintf("%s/%.*s", d->namespace, SV_ARG(name)));
	}
}

/* The rules in our spelling: a copy. */
static json_t *import_rules(const struct document *d, const json_t *rules)
{
	json_t *copy = json_deep_copy(rules), *rule, *one;
	size_t i, k;
	json_array_foreach(copy, i, rule)
	{
		json_array_foreach(json_object_get(rule, "from"), k, one)
		{
			const json_t *source = json_object_get(one, "source");
			complete_accounts(d, json_object_get(source, "serviceAccounts"));
			complete_accounts(d, json_object_get(source, "notServiceAccounts"));
		}
		json_array_foreach(json_object_get(rule, "when"), k, one)
		{
			if (!sv_eq(json_string_sv(json_object_get(one, "key")),
			           SVL("source.serviceAccount")))
				continue;
			complete_accounts(d, json_object_get(one, "values"));
			complete_accounts(d, json_object_get(one, "notValues"));
		}
	}
	return copy;
}

static const char *mode_of(const struct document *d, bool may_be_dry)
{
	const json_t *dry =
		json_object_get(json_object_get(d->metadata, "annotations"), "istio.io/dry-run");
	const char *text = json_is_boolean(dry) ? json_is_true(dry) ? "true" : "false"
	                                        : text_or(dry, dry ? "?" : "false");
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		refuse(d, "annotation istio.io/dry-run: true or false is expected");
	if (dry && !may_be_dry)
		refuse(d, "annotation istio.io/dry-run: only ALLOW and DENY may be tried so");
	return strcmp(text, "true") == 0 ? "shadow" : "enforce";
}

/* n_services: that it is for, of the file's; -1: the file has none, and it is for all */
static json_t *import_policy(const struct document *d, ssize_t n_services)
{
	static const char *const members[] = {"selector", "targetRef", "targetRefs", "rules",
	                                      "action",   "provider",  NULL};
	const char *action = text_or(json_object_get(d->spec, "action"), "ALLOW");
	const json_t *rules = json_object_get(d->spec, "rules");
	bool is_ours = strcmp(action, "ALLOW") == 0 || strcmp(action, "DENY") == 0;
	only(d, d->spec, "spec", members);
	check_selector(d);
	check_rules(d, rules);
	if (!is_ours)
		refuse(d, "action %.40s: a policy set has ALLOW and DENY; %s", action,
		       strcmp(action, "AUDIT") == 0
		               ? "every decision is in the book anyway, so that "
		                 "the policy may be left out"
		               : "what an external authorizer decides cannot be "
		                 "imported");
	else if (json_object_get(d->spec, "provider"))
		refuse(d, "spec.provider goes with the action CUSTOM");
	const char *mode = mode_of(d, is_ours);
	if (n_services == 0) {
		tell(d, "it is for none of the Services of the file, and is kept as disabled");
		mode = "disabled";
	}
	json_t *policy =
		json_pack("{s:o, s:s, s:s}", "name", json_sprintf("%s/%s", d->namespace, d->name),
	                  "action", action, "mode", mode);
	if (n_services > 0)
		import_targets(d, policy);
	if (rules && !(json_is_array(rules) && json_array_size(rules) == 0))
		json_object_set_new(policy, "rules", import_rules(d, rules));
	return policy;
}

/* ---- issuers ---- */

static void import_issuer(const struct document *d, const json_t *rule, json_t *issuers)
{
	static const char *const same[] = {"issuer",
	                                   "audiences",
	                                   "jwksUri",
	                                   "jwks",
	                                   "fromHeaders",
	                                   "fromParams",
	                                   "fromCookies",
	                                   "forwardOriginalToken",
	                                   "outputPayloadToHeader",
	                                   "outputClaimToHeaders",
	                                   "spaceDelimitedClaims",
	                                   NULL};
	json_t *issuer = json_object(), *value, *other;
	const char *name;
	size_t i;
	json_object_foreach((json_t *)(uintptr_t)rule, name, value)
	{
		if (names_listed(same, name))
			json_object_set(issuer, name, value);
		else if (strcmp(name, "jwks_uri") == 0)
			json_object_set(issuer, "jwksUri", value);
		else if (strcmp(name, "timeout") == 0)
			tell(d,
			     "jwtRules.timeout: keys are fetched in the background; nobody waits");
		else
			refuse(d,
			       "jwtRules.%.60s: this is not understood, and an issuer has no such "
			       "thing",
			       name);
	}
	struct sv id = json_string_sv(json_object_get(issuer, "issuer"));
	if (!json_object_get(issuer, "jwks") && !json_object_get(issuer, "jwksUri") &&
	    !sv_starts(id, SVL("http"))) {
		tell(d,
		     "the issuer '%.*s' has no keys and no address to find them at: it is left "
		     "out, "
		     "and no token of it is good until it is added with a jwksUri",
		     (int)MIN_OF(id.n, (size_t)80), id.at ? id.at : "");
		json_decref(issuer);
		return;
	}
	json_array_foreach(issuers, i, other) if (json_equal(other, issuer))
	{
		json_decref(issuer);
		return;
	}
	json_array_append_new(issuers, issuer);
}

static void import_authentication(const struct document *d, json_t *issuers)
{
	static const char *const members[] = {"selector", "targetRef", "targetRefs", "jwtRules",
	                                      NULL};
	size_t i;
	json_t *rule;
	only(d, d->spec, "spec", members);
	check_selector(d);
	if (json_object_size(labels_of(d)) > 0)
		tell(d,
		     "a policy set has its issuers for every service: tokens of these are verified "
		     "wherever they come, and policies say who may what");
	json_array_foreach(json_object_get(d->spec, "jwtRules"), i, rule)
		import_issuer(d, rule, issuers);
}

/* ---- all of them ---- */

struct result {
	json_t *issuers, *services, *policies;
};

static void import_document(const struct document *d, const json_t *documents, const json_t *lines,
                            bool has_services, struct result *result)
{
	if (is_kind(d, "AuthorizationPolicy")) {
		ssize_t n = has_services ? (ssize_t)count_services(d, documents, lines) : -1;
		json_array_append_new(result->policies, import_policy(d, n));
		json_array_append_new(
			d->import->documents,
			json_pack("{s:I, s:o}", "line", (json_int_t)d->line, "name",
		                  json_sprintf("%s %s/%s", d->kind, d->namespace, d->name)));
	} else if (is_kind(d, "RequestAuthentication")) {
		import_authentication(d, result->issuers);
	} else if (is_kind(d, "Service")) {
		json_array_append_new(result->services, import_service(d));
	} else {
		refuse(d, "documents of this kind are not imported; AuthorizationPolicy, "
		          "RequestAuthentication and Service are");
	}
}

static bool has_kind(const json_t *documents, const char *kind)
{
	size_t i;
	json_t *one;
	json_array_foreach(documents, i, one) if (strcmp(text_or(json_object_get(one, "kind"), ""),
	                                                 kind) == 0) return true;
	return false;
}

int istio_import(const json_t *documents, const json_t *lines, struct istio_import *import,
                 json_t **ret)
{
	bool has_services = has_kind(documents, "Service");
	struct result result = {json_array(), json_array(), json_array()};
	import->documents = json_array();
	if (!has_services)
		check_one_workload(import, documents, lines);
	for (size_t i = 0; i < json_array_size(documents); i++) {
		struct document d = document_of(import, documents, lines, i);
		if (!json_is_null(json_array_get(documents, i)))
			import_document(&d, documents, lines, has_services, &result);
	}
	/* Istio lets everything through where no ALLOW policy is for a workload */
	const char *paths = import->path_normalization ? import->path_normalization : "BASE";
	*ret = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "apiVersion", "haward/v1",
	                 "defaultAction", "ALLOW", "pathNormalization", paths, "issuers",
	                 result.issuers, "services", result.services, "policies", result.policies);
	if (!*ret || !import->documents)
		return -ENOMEM;
	if (import->n_errors == 0)
		return 0;
	json_decref(*ret);
	*ret = NULL;
	return -EINVAL;
}

void istio_import_fini(struct istio_import *import)
{
	json_decref(import->documents);
	import->documents = NULL;
}
