#include "authz/attribute.h"

#include "authz/claims.h"
#include "authz/headers.h"
#include "authz/path.h"
#include "authz/role.h"
#include "core/jsonload.h"
#include "core/names.h"
#include "model/identity.h"
#include "model/request.h"

#include <string.h>

enum {
	ARGUMENTS_MAX = 8,
	TEXT_MAX_BYTES = 256, /* of a value in an explanation */
};

struct key {
	const char
		*name; /* as `when` spells it; NULL: only fields of source and operation ask it */
	unsigned n_min, n_max; /* bracket pairs */
	bool about_user;
	bool http_only; /* a TCP connection does not have it */
	bool is_address;
};

static const struct key keys[AUTHZ_ATTRIBUTE_KIND_COUNT] = {
	[AUTHZ_ATTRIBUTE_METHOD] = {.http_only = true},
	[AUTHZ_ATTRIBUTE_HOST] = {.http_only = true},
	[AUTHZ_ATTRIBUTE_PATH] = {.http_only = true},
	[AUTHZ_ATTRIBUTE_CAPTURE] = {"path", 1, 1, .http_only = true},
	[AUTHZ_ATTRIBUTE_HEADER] = {"request.headers", 1, 1, .http_only = true},
	[AUTHZ_ATTRIBUTE_SOURCE_IP] = {"source.ip", .is_address = true},
	[AUTHZ_ATTRIBUTE_REMOTE_IP] = {"remote.ip", .is_address = true},
	[AUTHZ_ATTRIBUTE_SOURCE_PRINCIPAL] = {.name = "source.principal"},
	[AUTHZ_ATTRIBUTE_SOURCE_NAMESPACE] = {.name = "source.namespace"},
	[AUTHZ_ATTRIBUTE_SOURCE_TRUST_DOMAIN] = {.name = "source.trustDomain"},
	[AUTHZ_ATTRIBUTE_SOURCE_SERVICE_ACCOUNT] = {.name = "source.serviceAccount"},
	[AUTHZ_ATTRIBUTE_REQUEST_PRINCIPAL] = {"request.auth.principal", .about_user = true,
                                               .http_only = true},
	[AUTHZ_ATTRIBUTE_AUDIENCES] = {"request.auth.audiences", .about_user = true,
                                       .http_only = true},
	[AUTHZ_ATTRIBUTE_PRESENTER] = {"request.auth.presenter", .about_user = true,
                                       .http_only = true},
	[AUTHZ_ATTRIBUTE_CLAIM] = {"request.auth.claims", 1, ARGUMENTS_MAX, .about_user = true,
                                   .http_only = true},
	[AUTHZ_ATTRIBUTE_DESTINATION_IP] = {"destination.ip", .is_address = true},
	[AUTHZ_ATTRIBUTE_DESTINATION_PORT] = {.name = "destination.port"},
	[AUTHZ_ATTRIBUTE_SNI] = {.name = "connection.sni"},
	[AUTHZ_ATTRIBUTE_GROUPS] = {.about_user = true, .http_only = true},
};

bool authz_attribute_about_user(enum authz_attribute_kind kind)
{
	return keys[kind].about_user;
}

bool authz_attribute_is_address(enum authz_attribute_kind kind)
{
	return keys[kind].is_address;
}

/* ---- parsing a key ---- */

static const char *unknown_key(struct sv name, struct arena *keep)
{
	const char *names[AUTHZ_ATTRIBUTE_KIND_COUNT];
	size_t n = 0;
	for (unsigned i = 0; i < AUTHZ_ATTRIBUTE_KIND_COUNT; i++)
		if (keys[i].name)
			names[n++] = keys[i].name;
	const char *near = names_nearest(names, n, name);
	struct sv text =
		arena_printf(keep, "'%.*s' is not a known key%s%s%s%c", SV_ARG(name),
	                     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "", 0);
	return text.n ? text.at : "this is not a known key";
}

static bool find_key(struct sv name, enum authz_attribute_kind *ret)
{
	for (unsigned i = 0; i < AUTHZ_ATTRIBUTE_KIND_COUNT; i++) {
		if (!keys[i].name || !sv_eq(sv_of(keys[i].name), name))
			continue;
		*ret = (enum authz_attribute_kind)i;
		return true;
	}
	return false;
}

/* "[a][b]" into its parts. */
static bool parse_arguments(struct sv text, struct arena *keep, struct authz_attribute *ret)
{
	struct sv *parts = arena_array(keep, ARGUMENTS_MAX, sizeof(*parts));
	size_t n = 0;
	while (parts && text.n > 0) {
		size_t end = sv_find(text, ']');
		bool good = text.at[0] == '[' && end < text.n && end > 1 && n < ARGUMENTS_MAX;
		if (!good)
			return false;
		parts[n] = (struct sv){text.at + 1, end - 1};
		if (sv_find(parts[n], '[') < parts[n].n)
			return false;
		n++;
		text = sv_from(text, end + 1);
	}
	ret->argument = parts;
	ret->n_arguments = n;
	return parts;
}

/* source: RFC 9110 5.6.2, token */
static bool is_header_name(struct sv name)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	for (size_t i = 0; i < name.n; i++) {
		char c = name.at[i];
		bool plain =
			(c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!plain && (c == 0 || !strchr(others, c)))
			return false;
	}
	return name.n > 0;
}

/* Envoy's pseudo-headers, and the Host header, are attributes of ours: compared as hosts and methods are,
 * and there whether or not HAProxy tells the headers. */
static const char *resolve_header(struct authz_attribute *a)
{
	struct sv name = a->argument[0];
	if (sv_eq_ci(name, SVL(":authority")) || sv_eq_ci(name, SVL("host")))
		a->kind = AUTHZ_ATTRIBUTE_HOST;
	else if (sv_eq_ci(name, SVL(":method")))
		a->kind = AUTHZ_ATTRIBUTE_METHOD;
	else if (sv_eq_ci(name, SVL(":path")))
		return "the path is judged by to.operation.paths, where it has one form";
	else if (!is_header_name(name))
		return "this is not the name of a header";
	return NULL;
}

bool authz_attribute_parse(struct sv key, struct arena *keep, struct authz_attribute *ret,
                           const char **ret_why)
{
	struct authz_attribute attribute = {.key = key};
	size_t n_name = sv_find(key, '[');
	if (!find_key(sv_first(key, n_name), &attribute.kind)) {
		*ret_why = unknown_key(sv_first(key, n_name), keep);
		return false;
	}
	const struct key *row = &keys[attribute.kind];
	bool good = n_name == key.n || parse_arguments(sv_from(key, n_name), keep, &attribute);
	if (!good || attribute.n_arguments < row->n_min || attribute.n_arguments > row->n_max) {
		*ret_why = row->n_max == 0 ? "this key takes no brackets"
		           : row->n_max == 1
		                   ? "this key takes one name in brackets: key[name]"
		                   : "this key takes names in brackets: key[a] or key[a][b]";
		return false;
	}
	if (attribute.kind == AUTHZ_ATTRIBUTE_HEADER)
		*ret_why = resolve_header(&attribute);
	else
		*ret_why = NULL;
	*ret = attribute;
	return !*ret_why;
}

/* ---- getting values ---- */

/* What HAProxy always has but did not tell stays unknown. */
static void set_told(struct authz_values *ret, struct sv value)
{
	if (value.n > 0)
		authz_values_one(ret, value);
}

static void get_header(const struct authz_attribute *a, const struct authz_view *view,
                       struct authz_values *ret)
{
	struct authz_header header;
	if (!authz_headers_find(view->request->headers, a->argument[0], view->scratch, &header))
		return;
	authz_values_one(ret, header.joined);
	ret->parts = header.fields;
	ret->n_parts = header.n_fields;
}

static void get_capture(const struct authz_attribute *a, const struct authz_view *view,
                        const struct authz_captures *captures, struct authz_values *ret)
{
	struct sv value;
	if (captures && authz_captures_find(captures, a->argument[0], &value) &&
	    authz_path_decode(value, view->scratch, &value))
		authz_values_one(ret, value);
}

static void get_service_account(const struct authz_view *view, struct authz_values *ret)
{
	const struct identity *who = view->who;
	if (who->service_account.n == 0) {
		authz_values_list(ret, NULL, 0);
		return;
	}
	set_told(ret, arena_printf(view->scratch, "%.*s/%.*s", SV_ARG(who->namespace),
	                           SV_ARG(who->service_account)));
}

static void get_port(const struct authz_view *view, struct authz_values *ret)
{
	if (view->request->dst_port > 0)
		set_told(ret, arena_printf(view->scratch, "%u", view->request->dst_port));
}

static void get_address_text(enum authz_attribute_kind kind, const struct authz_view *view,
                             struct authz_values *ret)
{
	struct netaddr address = authz_attribute_address(kind, view);
	char *text = arena_alloc(view->scratch, NETADDR_TEXT_BYTES);
	if (text)
		set_told(ret, netaddr_format(&address, text));
}

/* ---- the table's other half ---- */

struct netaddr authz_attribute_address(enum authz_attribute_kind kind,
                                       const struct authz_view *view)
{
	return kind == AUTHZ_ATTRIBUTE_DESTINATION_IP ? view->request->dst : view->request->src;
}

static void get_present(const struct authz_attribute *a, const struct authz_view *view,
                        const struct authz_captures *captures, struct authz_values *ret)
{
	const struct identity *who = view->who;

	switch (a->kind) {
	case AUTHZ_ATTRIBUTE_METHOD:
		set_told(ret, view->request->method);
		break;
	case AUTHZ_ATTRIBUTE_HOST:
		set_told(ret, view->host);
		break;
	case AUTHZ_ATTRIBUTE_PATH:
		set_told(ret, view->path);
		break;
	case AUTHZ_ATTRIBUTE_CAPTURE:
		get_capture(a, view, captures, ret);
		break;
	case AUTHZ_ATTRIBUTE_HEADER:
		get_header(a, view, ret);
		break;
	case AUTHZ_ATTRIBUTE_SOURCE_IP:
	case AUTHZ_ATTRIBUTE_REMOTE_IP:
	case AUTHZ_ATTRIBUTE_DESTINATION_IP:
		get_address_text(a->kind, view, ret);
		break;
	case AUTHZ_ATTRIBUTE_SOURCE_PRINCIPAL:
		authz_values_one(ret, sv_from(who->workload, sizeof("spiffe://") - 1));
		break;
	case AUTHZ_ATTRIBUTE_SOURCE_NAMESPACE:
		authz_values_one(ret, who->namespace);
		break;
	case AUTHZ_ATTRIBUTE_SOURCE_TRUST_DOMAIN:
		authz_values_one(ret, who->trust_domain);
		break;
	case AUTHZ_ATTRIBUTE_SOURCE_SERVICE_ACCOUNT:
		get_service_account(view, ret);
		break;
	case AUTHZ_ATTRIBUTE_REQUEST_PRINCIPAL:
		authz_values_one(ret, who->principal);
		break;
	case AUTHZ_ATTRIBUTE_AUDIENCES:
		authz_values_list(ret, who->audiences, who->n_audiences);
		break;
	case AUTHZ_ATTRIBUTE_PRESENTER:
		authz_values_one(ret, who->client);
		break;
	case AUTHZ_ATTRIBUTE_CLAIM:
		authz_claim_get(a, view, ret);
		break;
	case AUTHZ_ATTRIBUTE_DESTINATION_PORT:
		get_port(view, ret);
		break;
	case AUTHZ_ATTRIBUTE_SNI:
		authz_values_one(ret, view->request->sni);
		break;
	case AUTHZ_ATTRIBUTE_GROUPS:
		authz_values_list(ret, who->groups, who->n_groups);
		break;
	case AUTHZ_ATTRIBUTE_ROLES:
		set_told(ret, authz_roles_text(view)); /* only shown: authz_roles_list() judges */
		break;
	case AUTHZ_ATTRIBUTE_NONE:
	case AUTHZ_ATTRIBUTE_KIND_COUNT:
		break;
	}
}

void authz_attribute_get(const struct authz_attribute *attribute, const struct authz_view *view,
                         const struct authz_captures *captures, struct authz_values *ret)
{
	*ret = (struct authz_values){0};
	if (keys[attribute->kind].http_only && view->request->kind != REQUEST_HTTP)
		return;
	get_present(attribute, view, captures, ret);
}

/* ---- what the book keeps ---- */

/* iss and sub stand in every record; of the other claims only what was made of them. */
static bool is_kept_claim(const struct authz_attribute *a)
{
	return a->n_arguments == 1 &&
	       (sv_eq(a->argument[0], SVL("sub")) || sv_eq(a->argument[0], SVL("iss")));
}

bool authz_attribute_unrecorded(const struct authz_attribute *attribute,
                                const struct authz_view *view)
{
	bool has_user = view->who->method != AUTH_NONE;
	enum authz_attribute_kind kind = attribute->kind;
	if (!view->who->recorded || (keys[kind].http_only && view->request->kind != REQUEST_HTTP))
		return false;
	if (kind == AUTHZ_ATTRIBUTE_CLAIM)
		return has_user && !is_kept_claim(attribute);
	if (kind == AUTHZ_ATTRIBUTE_SNI) /* kept only where it is another name than the host */
		return view->request->sni.n == 0 && view->host.n > 0;
	return kind == AUTHZ_ATTRIBUTE_HEADER || (kind == AUTHZ_ATTRIBUTE_AUDIENCES && has_user);
}

/* ---- for people ---- */

static bool may_be_secret(const struct authz_attribute *a)
{
	static const struct sv words[] = {SV("authorization"), SV("cookie"), SV("token"),
	                                  SV("secret"),        SV("key"),    SV("password")};
	if (a->kind != AUTHZ_ATTRIBUTE_HEADER)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		for (size_t at = 0; at + words[i].n <= a->argument[0].n; at++)
			if (sv_starts_ci(sv_from(a->argument[0], at), words[i]))
				return true;
	return false;
}

static struct sv shortened(struct sv text, struct arena *scratch)
{
	if (text.n <= TEXT_MAX_BYTES)
		return text;
	return arena_printf(scratch, "%.*s...", TEXT_MAX_BYTES, text.at);
}

struct sv authz_attribute_text(const struct authz_attribute *attribute,
                               const struct authz_view *view, const struct authz_captures *captures)
{
	struct authz_values values;
	struct sv text = {0};
	authz_attribute_get(attribute, view, captures, &values);
	if (values.n > 0 && may_be_secret(attribute))
		return SVL("(hidden)");
	for (size_t i = 0; i < values.n && text.n < TEXT_MAX_BYTES; i++) {
		struct sv value = shortened(values.at[i], view->scratch);
		text = i == 0 ? value
		              : arena_printf(view->scratch, "%.*s, %.*s", SV_ARG(text),
		                             SV_ARG(value));
	}
	return text;
}
