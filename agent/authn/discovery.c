#include "authn/discovery.h"

#include "core/jsonload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_url(struct sv text)
{
	bool has_scheme = sv_starts(text, SVL("https://")) || sv_starts(text, SVL("http://"));
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.at[i] <= 0x20 || (unsigned char)text.at[i] >= 0x7f)
			return false;
	return has_scheme && text.n < DISCOVERY_URL_MAX_BYTES;
}

bool discovery_url(const char *issuer, enum discovery_form form, char room[DISCOVERY_URL_MAX_BYTES])
{
	static const struct {
		const char *before_path, *behind_path;
	} places[] = {
		[DISCOVERY_OPENID] = {"", "/.well-known/openid-configuration"},
		[DISCOVERY_OAUTH] = {"/.well-known/oauth-authorization-server", ""},
	};
	struct sv text = sv_of(issuer);
	if (!is_url(text) || sv_find(text, '?') < text.n || sv_find(text, '#') < text.n)
		return false;
	size_t scheme = sv_find(text, '/') + 2;
	size_t origin = scheme + sv_find(sv_from(text, scheme), '/');
	struct sv path = sv_from(text, origin);
	if (path.n && path.at[path.n - 1] == '/') /* a last slash goes: Discovery 4, RFC 8414 3.1 */
		path.n--;
	int n = snprintf(room, DISCOVERY_URL_MAX_BYTES, "%.*s%s%.*s%s",
	                 SV_ARG(sv_first(text, origin)), places[form].before_path, SV_ARG(path),
	                 places[form].behind_path);
	return origin > scheme && n > 0 && n < DISCOVERY_URL_MAX_BYTES;
}

static const struct {
	const char *name;
	size_t offset;
} urls[] = {
	{"jwks_uri", offsetof(struct discovery, jwks_uri)},
	{"authorization_endpoint", offsetof(struct discovery, authorization_endpoint)},
	{"token_endpoint", offsetof(struct discovery, token_endpoint)},
	{"introspection_endpoint", offsetof(struct discovery, introspection_endpoint)},
	{"end_session_endpoint", offsetof(struct discovery, end_session_endpoint)},
};

static char **place_of(struct discovery *document, size_t i)
{
	return (char **)(void *)((char *)document + urls[i].offset);
}

void discovery_fini(struct discovery *document)
{
	for (size_t i = 0; i < ARRAY_LEN(urls); i++)
		free(*place_of(document, i));
	*document = (struct discovery){0};
}

static int read_url(const json_t *object, size_t i, struct diag *d, struct discovery *document)
{
	char pointer[64];
	const json_t *value = json_object_get(object, urls[i].name);
	if (!value || json_is_null(value))
		return 0;
	if (!is_url(json_string_sv(value))) {
		(void)snprintf(pointer, sizeof(pointer), "/%s", urls[i].name);
		diag_add(d, pointer, "not_a_url", "%s is not an http or https URL", urls[i].name);
		return -EINVAL;
	}
	*place_of(document, i) = sv_dup(json_string_sv(value));
	return *place_of(document, i) ? 0 : -ENOMEM;
}

static int read_document(const json_t *object, const char *issuer, struct diag *d,
                         struct discovery *document)
{
	if (!json_is_object(object)) {
		diag_add(d, "", "wrong_type", "the discovery document is not an object");
		return -EINVAL;
	}
	if (!sv_eq(json_string_sv(json_object_get(object, "issuer")), sv_of(issuer))) {
		diag_add(d, "/issuer", "other_issuer",
		         "the discovery document is not of this issuer, byte for byte");
		return -EINVAL;
	}
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		int r = read_url(object, i, d, document);
		if (r)
			return r;
	}
	if (document->jwks_uri)
		return 0;
	diag_add(d, "", "missing_key", "the discovery document has no jwks_uri");
	return -EINVAL;
}

int discovery_read(struct sv text, const char *issuer, struct diag *d, struct discovery *ret)
{
	CLEANUP(json_decrefp) json_t *object = json_load_strict(text, 0, d);
	CLEANUP(discovery_fini) struct discovery document = {0};
	if (!object)
		return -EINVAL;
	int r = read_document(object, issuer, d, &document);
	if (r)
		return r;
	*ret = document;
	document = (struct discovery){0};
	return 0;
}
