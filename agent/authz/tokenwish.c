#include "authz/tokenwish.h"

#include "core/jsonfields.h"
#include "core/jsonload.h"
#include "core/names.h"

#include <assert.h>

static const char *const format_names[] = {
	[TOKEN_TXN] = "txn_token",
	[TOKEN_JWT] = "jwt",
};
static_assert(ARRAY_LEN(format_names) == TOKEN_FORMAT_COUNT, "one name a format");

static const char *const subject_names[] = {
	[TOKEN_SUBJECT_PRINCIPAL] = "principal",
	[TOKEN_SUBJECT_SUB] = "sub",
};
static_assert(ARRAY_LEN(subject_names) == TOKEN_SUBJECT_COUNT, "one name a way");

/* What the agent itself says in a token: nobody's claim takes its place. */
static const char *const own_claims[] = {
	"iss", "sub",  "aud",    "exp",  "iat",   "nbf",       "jti",
	"txn", "tctx", "req_wl", "rctx", "scope", "client_id", "cnf",
};

struct raw_wish {
	const json_t *audience, *claims;
	unsigned format, subject;
	int64_t lifetime_s;
};

static const struct json_field wish_fields[] = {
	{.name = "audience",
         .kind = JSON_FIELD_VALUE,
         .offset = JSON_FIELD_AT(struct raw_wish, audience),
         .required = true},
	{.name = "format",
         .kind = JSON_FIELD_ENUM,
         .offset = JSON_FIELD_AT(struct raw_wish, format),
         .names = format_names,
         .n_names = TOKEN_FORMAT_COUNT},
	{.name = "subject",
         .kind = JSON_FIELD_ENUM,
         .offset = JSON_FIELD_AT(struct raw_wish, subject),
         .names = subject_names,
         .n_names = TOKEN_SUBJECT_COUNT},
	{.name = "lifetimeSeconds",
         .kind = JSON_FIELD_INT,
         .offset = JSON_FIELD_AT(struct raw_wish, lifetime_s),
         .min = 1,
         .max = TOKEN_LIFETIME_MAX_S},
	{.name = "claims",
         .kind = JSON_FIELD_VALUE,
         .offset = JSON_FIELD_AT(struct raw_wish, claims)},
};

static void compile_claim(struct compile *c, const json_t *value, const struct compile_place *at,
                          struct sv *ret)
{
	unsigned known;
	if (!compile_text(c, value, at, ret))
		return;
	if (names_find(own_claims, ARRAY_LEN(own_claims), *ret, &known))
		compile_report(c, at, "reserved_claim", "'%.*s' is said by the agent itself",
		               SV_ARG(*ret));
}

static void compile_claims(struct compile *c, const json_t *list, const struct compile_place *at,
                           struct token_wish *wish)
{
	size_t n = compile_list(c, list, at);
	if (n > TOKEN_CLAIMS_MAX) {
		compile_report(c, at, "too_many", "at most %d claims are carried",
		               TOKEN_CLAIMS_MAX);
		return;
	}
	struct sv *claims = compile_array(c, at, n, sizeof(*claims));
	for (size_t i = 0; claims && i < n; i++) {
		struct compile_place place = compile_index(at, i);
		compile_claim(c, json_array_get(list, i), &place, &claims[i]);
	}
	wish->claims = claims;
	wish->n_claims = claims ? n : 0;
}

const struct token_wish *authz_tokenwish_compile(struct compile *c, const json_t *value,
                                                 const struct compile_place *at)
{
	struct raw_wish raw = {.lifetime_s = TOKEN_LIFETIME_USUAL_S};
	struct token_wish *wish = compile_array(c, at, 1, sizeof(*wish));
	if (json_fields_read(value, wish_fields, ARRAY_LEN(wish_fields), at->pointer, c->diag,
	                     &raw) != 0)
		c->failed = true;
	if (!wish || !json_is_object(value))
		return NULL;
	wish->format = (enum token_format)raw.format;
	wish->subject = (enum token_subject)raw.subject;
	wish->lifetime_s = raw.lifetime_s;
	struct compile_place place = compile_key(at, "audience");
	if (raw.audience)
		(void)compile_text(c, raw.audience, &place, &wish->audience);
	place = compile_key(at, "claims");
	if (raw.claims)
		compile_claims(c, raw.claims, &place, wish);
	return wish;
}
