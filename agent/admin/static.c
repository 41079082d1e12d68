#include "admin/static.h"

#include "admin/assets.h"
#include "admin/call.h"
#include "admin/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *key, const void *row)
{
	return sv_cmp(*(const struct sv *)key, sv_of(((const struct asset *)row)->path));
}

static const struct asset *find(struct sv path)
{
	if (n_assets == 0)
		return NULL;
	return bsearch(&path, assets, n_assets, sizeof(assets[0]), compare);
}

/* "gzip;q=0" refuses; every other q accepts. Order of preference is ours: the smallest first. */
static bool takes_coding(struct sv accept, struct sv coding)
{
	while (accept.n > 0) {
		size_t n = sv_find(accept, ',');
		struct sv one = sv_trim(sv_first(accept, n));
		accept = sv_from(accept, n + 1);
		size_t semicolon = sv_find(one, ';');
		if (!sv_eq_ci(sv_trim(sv_first(one, semicolon)), coding))
			continue;
		struct sv q = sv_trim(sv_from(one, semicolon + 1));
		return !(sv_eq(q, SVL("q=0")) || sv_eq(q, SVL("q=0.0")) ||
		         sv_eq(q, SVL("q=0.00")) || sv_eq(q, SVL("q=0.000")));
	}
	return false;
}

static struct asset_bytes choose(const struct call *call, const struct asset *asset,
                                 const char **ret_coding)
{
	struct sv accept = call->header[HEADER_ACCEPT_ENCODING];
	*ret_coding = NULL;
	if (asset->br.at && takes_coding(accept, SVL("br"))) {
		*ret_coding = "br";
		return asset->br;
	}
	if (asset->gzip.at && takes_coding(accept, SVL("gzip"))) {
		*ret_coding = "gzip";
		return asset->gzip;
	}
	return asset->plain;
}

/* MHD's buffer is not const, but a persistent one is only read. */
static struct MHD_Response *response_of(struct asset_bytes bytes)
{
	void *at;
	memcpy(&at, &bytes.at, sizeof(at));
	return MHD_create_response_from_buffer((size_t)(bytes.end - bytes.at), at,
	                                       MHD_RESPMEM_PERSISTENT);
}

static void serve(struct call *call, const struct asset *asset)
{
	char etag[96];
	const char *coding;
	struct asset_bytes bytes = choose(call, asset, &coding);

	reply_empty(call, 200);
	call->reply.cacheable = true;
	snprintf(etag, sizeof(etag), "\"%.32s%s%s\"", asset->digest, coding ? "-" : "",
	         coding ? coding : "");
	reply_etag(call, etag);
	if (call->reply.status == 200) {
		call->reply.response = response_of(bytes);
		call->reply.type = asset->type;
		if (!call->reply.response)
			call->reply.status = 500;
		if (coding)
			reply_header(call, MHD_HTTP_HEADER_CONTENT_ENCODING, "%s", coding);
	}
	reply_header(call, MHD_HTTP_HEADER_CACHE_CONTROL, "%s",
	             asset->immutable ? "public, max-age=31536000, immutable" : "no-cache");
	reply_header(call, MHD_HTTP_HEADER_VARY, "Accept-Encoding");
}

static bool wants_html(struct sv accept)
{
	for (size_t i = 0; i + 9 <= accept.n; i++)
		if (sv_starts_ci(sv_from(accept, i), SVL("text/html")))
			return true;
	return false;
}

/* Under /assets and /api an unknown path is an error: a page in the place of a script or of JSON would only
 * hide it. */
static bool is_page_path(struct sv path)
{
	static const struct sv never[] = {SV("/api/"), SV("/assets/"), SV("/health/"),
	                                  SV("/schema/")};
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		if (sv_starts(path, never[i]))
			return false;
	return true;
}

void static_serve(struct call *call)
{
	struct sv path = call->target.path;
	bool is_get = strcmp(call->method, "GET") == 0;
	const struct asset *asset =
		is_get ? find(sv_eq(path, SVL("/")) ? SVL("/index.html") : path) : NULL;

	if (!asset && is_get && is_page_path(path) && wants_html(call->header[HEADER_ACCEPT]))
		asset = find(SVL("/index.html"));
	if (asset)
		serve(call, asset);
	else
		reply_problem(call, PROBLEM_NOT_FOUND, "Nothing is here.");
}
