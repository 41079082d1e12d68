#include "core/jsonload.h"
#include "policy/openapi_part.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { URL_BYTES = 1024 };

/* ---- "{name}" of a URL ---- */

static const char *variable(struct openapi *o, const json_t *server, struct sv name,
                            const struct openapi_place *at)
{
	char key[OPENAPI_NAME_BYTES];
	(void)snprintf(key, sizeof(key), "%.*s", SV_ARG(name));
	const json_t *said = json_object_get(json_object_get(server, "variables"), key);
	const char *text = json_string_value(json_object_get(said, "default"));
	if (!text)
		openapi_refuse(o, at, "url: the variable '%s' has no default", key);
	else if (json_array_size(json_object_get(said, "enum")) > 1)
		openapi_tell(o, at, "url: of the variable '%s' only the default is taken, '%.80s'",
		             key, text);
	return text;
}

static bool append(struct openapi *o, const struct openapi_place *at, struct sv before,
                   const char *text, char ret[static URL_BYTES])
{
	size_t n = strlen(ret);
	int more = snprintf(ret + n, URL_BYTES - n, "%.*s%s", SV_ARG(before), text);
	if (more >= 0 && (size_t)more < URL_BYTES - n)
		return true;
	openapi_refuse(o, at, "url: it is too long");
	return false;
}

/* in: ret: empty */
static bool expand(struct openapi *o, const json_t *server, const char *url,
                   const struct openapi_place *at, char ret[static URL_BYTES])
{
	struct sv rest = sv_of(url), before, name;
	while (sv_cut_braces(&rest, &before, &name)) {
		const char *text = variable(o, server, name, at);
		if (!text || !append(o, at, before, text, ret))
			return false;
	}
	if (sv_find(rest, '{') < rest.n || sv_find(rest, '}') < rest.n) {
		openapi_refuse(o, at, "url: '%.80s' has a brace without its other one", url);
		return false;
	}
	return append(o, at, rest, "", ret);
}

/* ---- one server ---- */

/* "https://h:8443/v1/" has the host "h" and the base "/v1". */
static struct sv host_of(struct sv url, struct sv *base)
{
	size_t slashes = sv_find(url, '/');
	bool is_absolute = slashes > 0 && url.at[slashes - 1] == ':' &&
	                   sv_starts(sv_from(url, slashes), SVL("//"));
	struct sv rest = is_absolute || sv_starts(url, SVL("//")) ? sv_from(url, slashes + 2)
	                                                          : (struct sv){0};
	size_t n = sv_find(rest, '/');
	*base = rest.at ? sv_from(rest, n) : url;
	struct sv host = sv_first(rest, n);
	host = sv_from(host, sv_find(host, '@') < host.n ? sv_find(host, '@') + 1 : 0);
	return sv_starts(host, SVL("["))
	               ? sv_first(host, sv_find(host, ']') + (sv_find(host, ']') < host.n))
	               : sv_first(host, sv_find(host, ':'));
}

static bool is_listed(const json_t *list, struct sv text)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (sv_eq(json_string_sv(json_array_get(list, i)), text))
			return true;
	return false;
}

static void add_server(struct openapi *o, const json_t *server, const struct openapi_place *at,
                       json_t *into)
{
	const char *said = json_string_value(json_object_get(server, "url"));
	char url[URL_BYTES] = "", key[URL_BYTES];
	struct sv base;
	if (!said) {
		openapi_refuse(o, at, "a server has a url");
		return;
	}
	if (!expand(o, server, said, at, url))
		return;
	struct sv host = host_of(sv_of(url), &base);
	while (sv_ends(base, SVL("/")))
		base.n--;
	if (base.n > 0 && base.at[0] != '/') {
		openapi_refuse(o, at,
		               "url: '%.80s' is relative to where the document is; write its whole "
		               "path",
		               said);
		return;
	}
	(void)snprintf(key, sizeof(key), "%.*s", SV_ARG(base));
	json_t *hosts = json_object_get(into, key);
	if (!hosts) {
		hosts = json_array();
		openapi_put(o, into, key, hosts);
		if (host.n == 0)
			return; /* any */
	} else if (json_array_size(hosts) == 0) {
		return;
	}
	if (host.n == 0)
		(void)json_array_clear(hosts);
	else if (!is_listed(hosts, host))
		openapi_put(o, hosts, NULL, json_stringn(host.at, host.n));
}

json_t *openapi_servers(struct openapi *o, const json_t *servers, const struct openapi_place *at)
{
	json_t *ret = json_object();
	size_t i;
	json_t *server;
	o->out_of_memory = o->out_of_memory || !ret;
	if (servers && !json_is_array(servers))
		openapi_refuse(o, at, "an array of servers is expected here");
	json_array_foreach(servers, i, server)
	{
		struct openapi_place place = openapi_index(at, i);
		add_server(o, server, &place, ret);
	}
	if (json_array_size(servers) == 0)
		openapi_put(o, ret, "", json_array());
	return ret;
}
