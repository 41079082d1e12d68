#include "authn/issuer_reading.h"
#include "core/fileio.h"
#include "core/jsonload.h"
#include "core/secret.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

int issuer_complain(const struct issuer_reading *r, const char *member, const char *code,
                    const char *text)
{
	char pointer[1024];
	(void)snprintf(pointer, sizeof(pointer), "%s%s", r->pointer, member);
	diag_add(r->diag, pointer, code, "%s", text);
	return -EINVAL;
}

static int read_beside(const struct issuer_reading *r, const char *member, const char *file,
                       char **text, size_t *n)
{
	char path[PATH_MAX], words[PATH_MAX + 256];
	const char *dir = r->env && r->env->base_dir && file[0] != '/' ? r->env->base_dir : NULL;
	(void)snprintf(path, sizeof(path), "%s%s%s", dir ? dir : "", dir ? "/" : "", file);
	int result = file_read(path, JWKS_MAX_BYTES, text, n);
	if (result == 0)
		return 0;
	char reason[128];
	(void)snprintf(words, sizeof(words), "%s cannot be read: %.100s", path,
	               strerror_r(-result, reason, sizeof(reason)));
	return issuer_complain(r, member, "unreadable_file", words);
}

/* What the parser says of broken JSON quotes it. Who wrote the text may read that; who only named a file may
 * have named one that they may not read. */
static void explain_key_error(const struct diag_item *item, bool is_theirs, char words[static 512])
{
	bool is_parsers =
		strcmp(item->code, "not_json") == 0 || strcmp(item->code, "duplicate_member") == 0;
	if (is_parsers && !is_theirs)
		(void)snprintf(words, 512, "in the key set: it is no JSON at line %u, column %u",
		               item->line, item->column);
	else
		(void)snprintf(words, 512, "in the key set at '%s': %s", item->pointer,
		               item->message);
}

/* Keys that are left out are said as well: an operator's own file should be clean. */
static int publish_set(const struct issuer_reading *r, const char *member, struct sv text)
{
	struct diag inner = diag_over(NULL, text);
	struct jwks *set = NULL;
	bool is_theirs = strcmp(member, "/jwks") == 0;
	/* no oct here: a shared secret beside public keys is how algorithms get confused */
	int result = jwks_parse(text, r->issuer->is_svid ? JWKS_SVID : 0, &inner, &set);
	for (size_t i = 0; result && i < inner.n; i++) {
		char words[512];
		explain_key_error(&inner.items[i], is_theirs, words);
		(void)issuer_complain(r, member, inner.items[i].code, words);
	}
	diag_fini(&inner);
	if (result)
		return result == -ENOMEM ? -ENOMEM : -EINVAL;
	keyslot_publish(r->issuer->keys, set);
	return 0;
}

static int keys_inline(const struct issuer_reading *r)
{
	/* Istio writes the set as a string; an object reads better. */
	if (json_is_string(r->issuer->jwks))
		return publish_set(r, "/jwks", json_string_sv(r->issuer->jwks));
	char *text = json_dumps(r->issuer->jwks, JSON_COMPACT | JSON_ENCODE_ANY);
	if (!text)
		return -ENOMEM;
	int result = publish_set(r, "/jwks", sv_of(text));
	free(text);
	return result;
}

static int keys_from_file(const struct issuer_reading *r)
{
	CLEANUP(freep) char *text = NULL;
	size_t n;
	int result = read_beside(r, "/jwksFile", r->issuer->jwks_file, &text, &n);
	return result ? result : publish_set(r, "/jwksFile", (struct sv){text, n});
}

static int keys_from_secret(const struct issuer_reading *r)
{
	char *text = NULL;
	size_t n;
	struct jwks *set = NULL;
	int result = read_beside(r, "/secretFile", r->issuer->secret_file, &text, &n);
	if (result)
		return result;
	struct sv secret = {text, n};
	if (secret.n && secret.at[secret.n - 1] == '\n') /* an editor's, not the secret's */
		secret.n--;
	result = jwks_of_secret(secret, &set);
	secret_wipe(text, n);
	free(text);
	if (result == -EINVAL)
		return issuer_complain(r, "/secretFile", "weak_secret",
		                       "a secret has at least 32 bytes");
	if (result == 0)
		keyslot_publish(r->issuer->keys, set);
	return result;
}

static bool is_url(const char *text)
{
	return sv_starts(sv_of(text), SVL("https://")) || sv_starts(sv_of(text), SVL("http://"));
}

static int url_refused(const struct issuer_reading *r, const char *member)
{
	return issuer_complain(
		r, member, "url_not_allowed",
		"this URL is not fetched: https is expected, http only to hosts that the "
		"settings allow (fetch.allow_http_hosts)");
}

/* The slot of what is fetched takes the place of the issuer's own. */
static int keys_fetched(const struct issuer_reading *r, const struct key_source *source,
                        const char *member)
{
	if (!r->env || !r->env->keys_of)
		return 0;
	struct keyslot *shared = r->env->keys_of(r->env->user, source);
	if (!shared)
		return url_refused(r, member);
	keyslot_unref(r->issuer->keys);
	r->issuer->keys = shared;
	return 0;
}

static int keys_from_url(const struct issuer_reading *r)
{
	const struct key_source source = {.url = r->issuer->jwks_uri,
	                                  .issuer = r->issuer->issuer,
	                                  .flags = r->issuer->is_svid ? JWKS_SVID : 0};
	if (!is_url(r->issuer->jwks_uri))
		return issuer_complain(r, "/jwksUri", "not_a_url",
		                       "an http or https URL is expected");
	return keys_fetched(r, &source, "/jwksUri");
}

/* source: OpenID Connect Discovery 1.0 3: a URL without query or fragment */
static int keys_by_discovery(const struct issuer_reading *r)
{
	const struct key_source source = {.issuer = r->issuer->issuer};
	struct sv issuer = sv_of(source.issuer);
	if (!is_url(source.issuer) || sv_find(issuer, '?') < issuer.n ||
	    sv_find(issuer, '#') < issuer.n)
		return issuer_complain(
			r, "", "key_source",
			"without jwksUri, jwksFile, jwks or secretFile the keys are discovered, so "
			"the issuer has to be an http or https URL without query or fragment");
	r->issuer->is_discovered = true;
	return keys_fetched(r, &source, "/issuer");
}

static int read_client_secret(const struct issuer_reading *r)
{
	struct introspection *introspection = &r->issuer->introspection;
	char *text = NULL;
	size_t n;
	int result = read_beside(r, "/introspection/clientSecretFile",
	                         introspection->client_secret_file, &text, &n);
	if (result)
		return result;
	while (n && (text[n - 1] == '\n' || text[n - 1] == '\r')) /* an editor's */
		text[--n] = '\0';
	introspection->secret = text;
	if (n > 0 && strlen(text) == n)
		return 0;
	return issuer_complain(r, "/introspection/clientSecretFile", "bad_secret",
	                       "the secret is empty or no text");
}

int issuer_introspection_read(const struct issuer_reading *r)
{
	static const char member[] = "/introspection/endpoint";
	const char *endpoint = r->issuer->introspection.endpoint;
	if (!endpoint)
		return 0;
	if (!is_url(endpoint))
		return issuer_complain(r, member, "not_a_url", "an http or https URL is expected");
	if (r->env && r->env->url_allowed && !r->env->url_allowed(r->env->user, endpoint))
		return url_refused(r, member);
	return read_client_secret(r);
}

int issuer_keys_read(const struct issuer_reading *r)
{
	struct issuer *issuer = r->issuer;
	int n_sources =
		!!issuer->jwks_uri + !!issuer->jwks_file + !!issuer->jwks + !!issuer->secret_file;
	if (n_sources > 1)
		return issuer_complain(
			r, "", "key_source",
			"at most one of jwksUri, jwksFile, jwks and secretFile is expected");
	issuer->has_keys = n_sources > 0 || !issuer->introspection.endpoint;
	issuer->keys = keyslot_new(NULL, NULL);
	if (!issuer->keys)
		return -ENOMEM;
	if (!issuer->has_keys)
		return 0;
	if (issuer->jwks)
		return keys_inline(r);
	if (issuer->jwks_file)
		return keys_from_file(r);
	if (issuer->secret_file)
		return keys_from_secret(r);
	return issuer->jwks_uri ? keys_from_url(r) : keys_by_discovery(r);
}
