#include "authz/cel/json.h"
#include "authz/expression.h"
#include "authz/headers.h"
#include "authz/role.h"
#include "core/utf8.h"
#include "model/headers.h"
#include "model/identity.h"
#include "model/request.h"

/* What HAProxy told, as it is. Empty is as good as not told; what is not UTF-8 is never repaired. */
static struct cel_value told(struct sv text, const char *why)
{
	if (text.n == 0)
		return cel_error(why);
	return utf8_valid(text) ? cel_string(text) : cel_error("it is not UTF-8");
}

#define TOLD(name, text, why)                                                              \
	static struct cel_value name(struct cel_call *call, const struct authz_view *view) \
	{                                                                                  \
		(void)call;                                                                \
		return told(text, why);                                                    \
	}

TOLD(request_method, view->request->method, "the request has no method")
TOLD(request_host, view->host, "the request has no host")
TOLD(request_id, view->request->id, "HAProxy told no unique id")
TOLD(request_url_path, view->path, "the request has no path")
TOLD(server_name, view->request->sni, "the client named no server")

static struct cel_value request_path(struct cel_call *call, const struct authz_view *view)
{
	const struct request *req = view->request;
	if (view->who->recorded)
		return cel_error("the book does not keep the path as it was sent");
	if (req->query.n == 0 || sv_find(req->path, '?') < req->path.n)
		return told(req->path, "the request has no path");
	struct sv text =
		arena_printf(call->arena, "%.*s?%.*s", SV_ARG(req->path), SV_ARG(req->query));
	return text.n ? told(text, "") : cel_out_of_memory(call);
}

/* Without its "?"; empty when there is none. */
static struct sv query_of(const struct request *req)
{
	if (req->query.n > 0)
		return req->query;
	return sv_from(req->path, sv_find(req->path, '?') + 1);
}

static struct cel_value request_query(struct cel_call *call, const struct authz_view *view)
{
	(void)call;
	if (view->who->recorded)
		return cel_error("the book keeps the query only redacted");
	struct sv query = query_of(view->request);
	return utf8_valid(query) ? cel_string(query) : cel_error("it is not UTF-8");
}

static struct cel_value request_scheme(struct cel_call *call, const struct authz_view *view)
{
	(void)call;
	if (view->who->recorded)
		return cel_error("the book does not keep the scheme");
	return cel_string(view->request->tls ? SVL("https") : SVL("http"));
}

static struct cel_value request_time(struct cel_call *call, const struct authz_view *view)
{
	(void)call;
	return view->now_s ? cel_timestamp(view->now_s, 0) : cel_error("the time is not known");
}

/* ---- header fields ---- */

static bool find_header(struct cel_call *call, const void *context, struct sv name,
                        struct cel_value *ret)
{
	const struct authz_view *view = context;
	struct authz_header header;
	if (!authz_headers_find(view->request->headers, name, call->arena, &header)) {
		*ret = cel_error("the header fields cannot be read");
		return true;
	}
	if (!header.joined.at)
		return false;
	*ret = utf8_valid(header.joined) ? cel_string(header.joined) : cel_error("it is not UTF-8");
	return true;
}

static struct sv lower(struct cel_call *call, struct sv name)
{
	char *at = arena_alloc(call->arena, name.n + 1);
	for (size_t i = 0; at && i < name.n; i++)
		at[i] = sv_lower_char(name.at[i]);
	return (struct sv){at, at ? name.n : 0};
}

static struct cel_value all_headers(struct cel_call *call, const void *context)
{
	const struct authz_view *view = context;
	struct headers_walk walk = headers_over(view->request->headers);
	struct cel_entry *entries;
	size_t n_fields = 0, n = 0;
	while (headers_next(&walk))
		n_fields++;
	if (!walk.ended || !cel_charge(call, n_fields * n_fields / 4))
		return walk.ended ? cel_over() : cel_error("the header fields cannot be read");
	entries = arena_array(call->arena, n_fields + 1, sizeof(*entries));
	walk = headers_over(view->request->headers);
	while (entries && headers_next(&walk)) {
		struct cel_value name = cel_string(lower(call, walk.name)), value;
		if (!cel_map_find(call, cel_map(entries, n), name, &value) &&
		    find_header(call, view, walk.name, &value))
			entries[n++] = (struct cel_entry){name, value};
		if (cel_is_error(value))
			return value;
	}
	return entries ? cel_map(entries, n) : cel_out_of_memory(call);
}

static struct cel_value request_headers(struct cel_call *call, const struct authz_view *view)
{
	struct cel_lazy_map *lazy = arena_alloc(call->arena, sizeof(*lazy));
	if (view->who->recorded)
		return cel_error("the book keeps no header fields");
	if (view->request->headers.n == 0)
		return cel_error("HAProxy told no header fields; pass req.hdrs_bin as 'headers'");
	if (!lazy)
		return cel_out_of_memory(call);
	*lazy = (struct cel_lazy_map){find_header, all_headers, view};
	return cel_lazy(lazy);
}

/* ---- the query, parsed ---- */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = sv_lower_char(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* source: WHATWG URL 5.1: "+" is a blank, what is no escape stays. */
static struct cel_value decoded(struct cel_call *call, struct sv text)
{
	char *at = arena_alloc(call->arena, text.n + 1);
	size_t n = 0;
	if (!at)
		return cel_out_of_memory(call);
	for (size_t i = 0; i < text.n; i++) {
		bool is_escape = text.at[i] == '%' && i + 2 < text.n + 0 &&
		                 hex_value(text.at[i + 1]) >= 0 && hex_value(text.at[i + 2]) >= 0;
		if (is_escape) {
			at[n++] =
				(char)(hex_value(text.at[i + 1]) * 16 + hex_value(text.at[i + 2]));
			i += 2;
		} else {
			at[n++] = text.at[i] == '+' ? ' ' : text.at[i];
		}
	}
	struct sv ret = {at, n};
	return utf8_valid(ret) ? cel_string(ret) : cel_error("the query is not UTF-8");
}

struct pair {
	struct cel_value name, value;
};

/* All values of the i-th name, in order. */
static struct cel_value values_of(struct cel_call *call, const struct pair *pairs, size_t n_pairs,
                                  size_t i)
{
	struct cel_value *values = arena_array(call->arena, n_pairs, sizeof(*values));
	size_t n = 0;
	if (!values)
		return cel_out_of_memory(call);
	for (size_t k = i; k < n_pairs; k++)
		if (sv_eq(cel_text(pairs[k].name), cel_text(pairs[i].name)))
			values[n++] = pairs[k].value;
	return cel_list(values, n);
}

static struct cel_value query_map(struct cel_call *call, const struct pair *pairs, size_t n_pairs)
{
	struct cel_entry *entries = arena_array(call->arena, n_pairs + 1, sizeof(*entries));
	size_t n = 0;
	struct cel_value ignored;
	if (!entries)
		return cel_out_of_memory(call);
	for (size_t i = 0; i < n_pairs; i++) {
		if (cel_map_find(call, cel_map(entries, n), pairs[i].name, &ignored))
			continue;
		struct cel_value values = values_of(call, pairs, n_pairs, i);
		if (cel_is_error(values) || call->is_over)
			return call->is_over ? cel_over() : values;
		entries[n++] = (struct cel_entry){pairs[i].name, values};
	}
	return cel_map(entries, n);
}

enum { PARAMETERS_MAX = 256 };

static struct cel_value request_query_params(struct cel_call *call, const struct authz_view *view)
{
	struct sv rest = query_of(view->request), part;
	size_t n = 0;
	if (view->who->recorded)
		return cel_error("the book keeps the query only redacted");
	struct pair *pairs = arena_array(call->arena, PARAMETERS_MAX, sizeof(*pairs));
	if (!pairs || !cel_charge(call, rest.n / 4))
		return pairs ? cel_over() : cel_out_of_memory(call);
	while (rest.n > 0 && sv_cut(&rest, '&', &part)) {
		size_t mark = sv_find(part, '=');
		if (part.n == 0)
			continue;
		if (n == PARAMETERS_MAX)
			return cel_error("the query has more than 256 parameters");
		pairs[n].name = decoded(call, sv_first(part, mark));
		pairs[n].value = decoded(call, sv_from(part, mark + 1));
		if (cel_is_error(pairs[n].name) || cel_is_error(pairs[n].value))
			return cel_is_error(pairs[n].name) ? pairs[n].name : pairs[n].value;
		n++;
	}
	return query_map(call, pairs, n);
}

/* ---- addresses ---- */

static struct cel_value address_text(struct cel_call *call, const struct netaddr *address)
{
	char text[NETADDR_TEXT_BYTES];
	return address->family ? cel_dup(call, netaddr_format(address, text))
	                       : cel_error("HAProxy told no address");
}

static struct cel_value port(uint16_t number)
{
	return number ? cel_int(number) : cel_error("HAProxy told no port");
}

static struct cel_value source_address(struct cel_call *call, const struct authz_view *view)
{
	return address_text(call, &view->request->src);
}

static struct cel_value destination_address(struct cel_call *call, const struct authz_view *view)
{
	return address_text(call, &view->request->dst);
}

static struct cel_value source_port(struct cel_call *call, const struct authz_view *view)
{
	(void)call;
	return port(view->request->src_port);
}

static struct cel_value destination_port(struct cel_call *call, const struct authz_view *view)
{
	(void)call;
	return port(view->request->dst_port);
}

static struct cel_value remote(struct cel_call *call, const struct authz_view *view)
{
	(void)call;
	return view->request->src.family ? cel_ip(&view->request->src)
	                                 : cel_error("HAProxy told no address");
}

static struct cel_value is_mtls(struct cel_call *call, const struct authz_view *view)
{
	(void)call;
	return cel_bool(view->who->workload_method == AUTH_MTLS);
}

static struct cel_value uri_san(struct cel_call *call, const struct authz_view *view)
{
	(void)call;
	return view->who->workload_method == AUTH_MTLS
	               ? told(view->who->workload, "")
	               : cel_error("no workload showed a certificate");
}

/* ---- who ---- */

static bool has_user(const struct authz_view *view)
{
	return view->who->method != AUTH_NONE;
}

static struct cel_value nobody(void)
{
	return cel_error("nobody is signed in");
}

#define OF_USER(name, text, why)                                                           \
	static struct cel_value name(struct cel_call *call, const struct authz_view *view) \
	{                                                                                  \
		(void)call;                                                                \
		return has_user(view) ? told(text, why) : nobody();                        \
	}

OF_USER(user, view->who->user, "the credential names no user")
OF_USER(issuer, view->who->issuer, "the credential has no issuer")
OF_USER(client, view->who->client, "the credential names no client")

static struct cel_value texts(struct cel_call *call, const struct sv *at, size_t n)
{
	struct cel_value *items =
		cel_charge(call, n) ? arena_array(call->arena, n + 1, sizeof(*items)) : NULL;
	if (!items)
		return cel_out_of_memory(call);
	for (size_t i = 0; i < n; i++) {
		if (!utf8_valid(at[i]))
			return cel_error("it is not UTF-8");
		items[i] = cel_string(at[i]);
	}
	return cel_list(items, n);
}

static struct cel_value groups(struct cel_call *call, const struct authz_view *view)
{
	return has_user(view) ? texts(call, view->who->groups, view->who->n_groups) : nobody();
}

static struct cel_value scopes(struct cel_call *call, const struct authz_view *view)
{
	return has_user(view) ? texts(call, view->who->scopes, view->who->n_scopes) : nobody();
}

static struct cel_value roles(struct cel_call *call, const struct authz_view *view)
{
	const struct authz_roles_held *held = authz_roles_held(view);
	size_t n = held ? held->n : 0, n_sure = 0;
	struct cel_value *items =
		cel_charge(call, n) ? arena_array(call->arena, n + 1, sizeof(*items)) : NULL;
	if (!items || (held && held->failed))
		return cel_out_of_memory(call);
	for (size_t i = 0; i < n; i++) {
		const struct authz_held *one = &held->at[i];
		if (one->is_sure)
			items[n_sure++] = cel_string(held->roles->at[one->role].name);
		else
			return cel_error("what the caller holds cannot be told");
	}
	return cel_list(items, n_sure);
}

static struct cel_value claims(struct cel_call *call, const struct authz_view *view)
{
	if (!has_user(view))
		return nobody();
	if (view->who->recorded)
		return cel_error("the book keeps no claims");
	return view->who->claims ? cel_of_json(call, view->who->claims)
	                         : cel_error("the credential has no claims");
}

static struct cel_value workload(struct cel_call *call, const struct authz_view *view)
{
	(void)call;
	return told(view->who->workload, "no workload is known");
}

static struct cel_value service(struct cel_call *call, const struct authz_view *view)
{
	(void)call;
	return told(view->service, "no service was found");
}

const struct authz_name authz_names[] = {
	{"request.method", "string", "as it was sent: GET", false, request_method},
	{"request.host", "string", "the Host header without its port, as it was sent", false,
         request_host},
	{"request.url_path", "string", "the path in its normal form, without the query", false,
         request_url_path},
	{"request.path", "string", "path and query as they were sent", false, request_path},
	{"request.query", "string", "what stands behind the ?; empty when there is none", false,
         request_query},
	{"request.query_params", "map(string, list(string))",
         "the parameters of the query, decoded; each with all of its values", false,
         request_query_params},
	{"request.headers", "map(string, string)",
         "header fields by their name in lower case; one that was sent twice is joined with ,",
         false, request_headers},
	{"request.scheme", "string", "https or http, between client and HAProxy", false,
         request_scheme},
	{"request.id", "string", "HAProxy's unique-id", false, request_id},
	{"request.time", "timestamp", "when the request arrived", false, request_time},
	{"source.address", "string", "the client's address", false, source_address},
	{"source.port", "int", "the client's port", false, source_port},
	{"remote", "net.IP", "the client's address, for containsIP() and the like", false, remote},
	{"destination.address", "string", "the address that the client connected to", false,
         destination_address},
	{"destination.port", "int", "the port that the client connected to", false,
         destination_port},
	{"connection.mtls", "bool", "whether a workload proved itself by a certificate", false,
         is_mtls},
	{"connection.requested_server_name", "string", "the server name of TLS (SNI)", false,
         server_name},
	{"connection.uri_san_peer_certificate", "string",
         "the SPIFFE ID that stands for the certificate", false, uri_san},
	{"user", "string", "what people call the user: the mapped claim, else the subject", true,
         user},
	{"issuer", "string", "who issued the credential", true, issuer},
	{"client", "string", "the client program: azp, else client_id", true, client},
	{"groups", "list(string)", "the user's groups", true, groups},
	{"roles", "list(string)", "the roles that the caller holds, those that they inherit too",
         true, roles},
	{"scopes", "list(string)", "what the token is good for", true, scopes},
	{"claims", "map(string, dyn)",
         "the verified token; ask has(claims.name) before a claim that may be missing", true,
         claims},
	{"workload", "string", "the SPIFFE ID of the calling workload", false, workload},
	{"service", "string", "the name of the service that is asked for", false, service},
};
const size_t n_authz_names = ARRAY_LEN(authz_names);
