#include "authn/trustdomains.h"

#include "authn/spiffe.h"
#include "core/fileio.h"
#include "core/jsonload.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static const struct json_field fields[] = {
	{.name = "name",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct trustdomain, name),
         .min = 1,
         .max = SPIFFE_DOMAIN_MAX_BYTES,
         .required = true},
	{.name = "bundleUrl",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct trustdomain, bundle_url),
         .min = 1,
         .max = 2048},
	{.name = "bundleFile",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct trustdomain, bundle_file),
         .min = 1,
         .max = 1024},
	{.name = "bundle",
         .kind = JSON_FIELD_VALUE,
         .offset = offsetof(struct trustdomain, bundle)},
};

static void domain_fini(struct trustdomain *domain)
{
	json_fields_free(fields, ARRAY_LEN(fields), domain);
	trustslot_unref(domain->slot);
	*domain = (struct trustdomain){0};
}

void trustdomains_fini(struct trustdomains *domains)
{
	for (size_t i = 0; i < domains->n; i++)
		domain_fini(&domains->at[i]);
	free(domains->at);
	*domains = (struct trustdomains){0};
}

const struct trustdomain *trustdomains_find(const struct trustdomains *domains, struct sv name)
{
	for (size_t i = 0; i < domains->n; i++)
		if (sv_eq(sv_of(domains->at[i].name), name))
			return &domains->at[i];
	return NULL;
}

/* One domain while it is read. */
struct reading {
	struct trustdomain *domain;
	const char *pointer;
	const struct authn_env *env;
	struct diag *diag;
};

static int complain(const struct reading *r, const char *member, const char *code, const char *text)
{
	char pointer[1024];
	(void)snprintf(pointer, sizeof(pointer), "%s%s", r->pointer, member);
	diag_add(r->diag, pointer, code, "%s", text);
	return -EINVAL;
}

/* What the parser says of broken JSON quotes it. Who wrote the text may read that; who only named a file may
 * have named one that they may not read. */
static int explain(const struct reading *r, const char *member, const struct diag *inner)
{
	bool is_theirs = strcmp(member, "/bundle") == 0;
	for (size_t i = 0; i < inner->n; i++) {
		const struct diag_item *item = &inner->items[i];
		bool quotes = strcmp(item->code, "not_json") == 0 ||
		              strcmp(item->code, "duplicate_member") == 0;
		char words[512];
		if (quotes && !is_theirs)
			(void)snprintf(words, sizeof(words),
			               "in the bundle: it is no JSON at line %u, column %u",
			               item->line, item->column);
		else
			(void)snprintf(words, sizeof(words), "in the bundle at '%s': %s",
			               item->pointer, item->message);
		(void)complain(r, member, item->code, words);
	}
	return -EINVAL;
}

static int publish(const struct reading *r, const char *member, struct sv text)
{
	struct diag inner = diag_over(NULL, text);
	struct trustbundle *bundle = NULL;
	int result = trustbundle_parse(text, &inner, &bundle);
	if (result && result != -ENOMEM)
		result = explain(r, member, &inner);
	diag_fini(&inner);
	if (result)
		return result;
	if (sk_X509_num(bundle->anchors) == 0) {
		trustbundle_unref(bundle);
		return complain(r, member, "no_usable_certificate",
		                "the bundle has no certificate of an authority: nobody of this "
		                "domain could be believed");
	}
	(void)trustslot_publish(r->domain->slot, bundle);
	return 0;
}

static int read_inline(const struct reading *r)
{
	/* PEM is a string; a SPIFFE bundle may be one, but reads better as what it is */
	if (json_is_string(r->domain->bundle))
		return publish(r, "/bundle", json_string_sv(r->domain->bundle));
	if (!json_is_object(r->domain->bundle))
		return complain(r, "/bundle", "wrong_type",
		                "PEM certificates as a string or a SPIFFE bundle as an object are "
		                "expected here");
	char *text = json_dumps(r->domain->bundle, JSON_COMPACT);
	int result = text ? publish(r, "/bundle", sv_of(text)) : -ENOMEM;
	free(text);
	return result;
}

static int read_file(const struct reading *r)
{
	char path[PATH_MAX], words[PATH_MAX + 256], reason[128];
	CLEANUP(freep) char *text = NULL;
	size_t n;
	const char *file = r->domain->bundle_file;
	const char *dir = r->env && r->env->base_dir && file[0] != '/' ? r->env->base_dir : NULL;
	(void)snprintf(path, sizeof(path), "%s%s%s", dir ? dir : "", dir ? "/" : "", file);
	int result = file_read(path, TRUSTBUNDLE_MAX_BYTES, &text, &n);
	if (result == 0)
		return publish(r, "/bundleFile", (struct sv){text, n});
	(void)snprintf(words, sizeof(words), "%s cannot be read: %.100s", path,
	               strerror_r(-result, reason, sizeof(reason)));
	return complain(r, "/bundleFile", "unreadable_file", words);
}

static int read_url(const struct reading *r)
{
	struct sv url = sv_of(r->domain->bundle_url);
	if (!sv_starts(url, SVL("https://")) && !sv_starts(url, SVL("http://")))
		return complain(r, "/bundleUrl", "not_a_url", "an http or https URL is expected");
	if (!r->env || !r->env->bundle_of_url)
		return 0; /* only judged: the domain has no bundle */
	struct trustslot *shared = r->env->bundle_of_url(r->env->user, r->domain->bundle_url);
	if (!shared)
		return complain(
			r, "/bundleUrl", "url_not_allowed",
			"this URL is not fetched: https is expected, http only to hosts that the "
			"settings allow (fetch.allow_http_hosts)");
	trustslot_unref(r->domain->slot);
	r->domain->slot = shared;
	return 0;
}

static int read_bundle(const struct reading *r)
{
	struct trustdomain *domain = r->domain;
	if (!!domain->bundle_url + !!domain->bundle_file + !!domain->bundle != 1)
		return complain(r, "", "bundle_source",
		                "exactly one of bundleUrl, bundleFile and bundle is expected");
	domain->slot = trustslot_new(NULL, NULL);
	if (!domain->slot)
		return -ENOMEM;
	if (domain->bundle)
		return read_inline(r);
	return domain->bundle_file ? read_file(r) : read_url(r);
}

static int read_domain(const json_t *object, const struct reading *r)
{
	int result =
		json_fields_read(object, fields, ARRAY_LEN(fields), r->pointer, r->diag, r->domain);
	if (result)
		return result;
	if (!spiffe_domain_check(sv_of(r->domain->name)))
		result = complain(r, "/name", "bad_value",
		                  "a trust domain is expected here: lower-case letters, digits, "
		                  "'.', '-' and '_', without spiffe://");
	int bundle = read_bundle(r);
	r->domain->bundle = NULL;
	return result ? result : bundle;
}

int trustdomains_read(const json_t *list, const char *pointer, const struct authn_env *env,
                      struct diag *d, struct trustdomains *ret)
{
	int result = 0;
	*ret = (struct trustdomains){0};
	if (list && !json_is_array(list)) {
		diag_add(d, pointer, "wrong_type", "an array of trust domains is expected here");
		return -EINVAL;
	}
	size_t n = json_array_size(list);
	ret->at = calloc(n ? n : 1, sizeof(*ret->at));
	if (!ret->at)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct trustdomain domain = {0};
		char at[256];
		(void)snprintf(at, sizeof(at), "%s/%zu", pointer, i);
		const struct reading reading = {&domain, at, env, d};
		int r = read_domain(json_array_get(list, i), &reading);
		if (r == 0 && trustdomains_find(ret, sv_of(domain.name)))
			r = complain(&reading, "/name", "duplicate_trust_domain",
			             "this trust domain stands twice");
		if (r == 0) {
			ret->at[ret->n++] = domain;
			continue;
		}
		domain_fini(&domain);
		result = result == -ENOMEM ? result : r;
	}
	return result;
}
