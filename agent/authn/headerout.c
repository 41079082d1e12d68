#include "authn/headerout.h"

#include "core/jsonfields.h"
#include "core/jsonload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void headerout_fini(struct headerout *out)
{
	for (size_t i = 0; i < out->n; i++) {
		free(out->claims[i].header);
		free(out->claims[i].claim);
	}
	free(out->claims);
	free(out->payload);
	*out = (struct headerout){0};
}

/* --- what an issuer says --- */

/* One issuer's fields while they are read. */
struct reading {
	const char *pointer;
	struct diag *diag;
	struct headerout *out;
};

static int complain(const struct reading *r, const char *member, const char *code, const char *text)
{
	char pointer[1024];
	(void)snprintf(pointer, sizeof(pointer), "%s%s", r->pointer, member);
	diag_add(r->diag, pointer, code, "%s", text);
	return -EINVAL;
}

/* Also the name of a variable, so narrower than RFC 9110 5.6.2. Lower case from here on. */
static bool take_name(char *name)
{
	bool good = *name;
	for (char *c = name; *c; c++) {
		*c = sv_lower_char(*c);
		good = good && ((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-' ||
		                *c == '_');
	}
	return good;
}

/* Fields that say how a message is read, where it goes, or who asks: no claim may. */
static bool is_reserved(const char *name)
{
	static const char *const names[] = {
		"authorization",
		"connection",
		"content-length",
		"cookie",
		"expect",
		"host",
		"keep-alive",
		"proxy-authenticate",
		"te",
		"proxy-authorization",
		"proxy-connection",
		"trailer",
		"upgrade",
		"transfer-encoding",
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Many services, and the names of variables, take '-' for '_'. */
static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b))
			return false;
	return *a == *b;
}

static bool is_taken(const struct headerout *out, const char *name)
{
	for (size_t i = 0; i < out->n; i++)
		if (same_name(out->claims[i].header, name))
			return true;
	return false;
}

static int check_name(const struct reading *r, const char *member, char *name)
{
	if (!take_name(name))
		return complain(r, member, "bad_value",
		                "the name of a header field is expected: letters, digits, - and _");
	if (is_reserved(name))
		return complain(r, member, "reserved_header",
		                "this field says how the message is read or who asks");
	if (is_taken(r->out, name))
		return complain(r, member, "duplicate_value",
		                "this field is written twice ('-' and '_' are the same here)");
	return 0;
}

static const struct json_field claim_fields[] = {
	{.name = "header",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct headerout_claim, header),
         .min = 1,
         .max = HEADEROUT_NAME_MAX_BYTES,
         .required = true},
	{.name = "claim",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct headerout_claim, claim),
         .min = 1,
         .max = 256,
         .required = true},
};

static int read_claim(const struct reading *r, size_t i, const json_t *value)
{
	struct headerout_claim claim = {0};
	char member[64], pointer[1024];
	(void)snprintf(member, sizeof(member), "/outputClaimToHeaders/%zu", i);
	(void)snprintf(pointer, sizeof(pointer), "%s%s", r->pointer, member);
	int result = json_fields_read(value, claim_fields, ARRAY_LEN(claim_fields), pointer,
	                              r->diag, &claim);
	if (result == 0)
		result = check_name(r, member, claim.header);
	if (result == 0)
		r->out->claims[r->out->n++] = claim;
	else
		json_fields_free(claim_fields, ARRAY_LEN(claim_fields), &claim);
	return result;
}

static int read_claims(const struct reading *r, const json_t *list)
{
	size_t n = json_array_size(list);
	int result = 0;
	if (list && (!json_is_array(list) || n > HEADEROUT_MAX))
		return complain(r, "/outputClaimToHeaders", "wrong_type",
		                "an array of at most 32 is expected here");
	r->out->claims = calloc(n ? n : 1, sizeof(*r->out->claims));
	if (!r->out->claims)
		return -ENOMEM;
	for (size_t i = 0; i < n && result != -ENOMEM; i++) {
		int one = read_claim(r, i, json_array_get(list, i));
		result = one ? one : result;
	}
	return result;
}

int headerout_read(const json_t *list, const char *payload, const char *pointer, struct diag *d,
                   struct headerout *ret)
{
	struct reading r = {pointer, d, ret};
	int result = read_claims(&r, list);
	if (!payload || result == -ENOMEM)
		return result;
	ret->payload = sv_dup(sv_of(payload));
	if (!ret->payload)
		return -ENOMEM;
	int one = check_name(&r, "/outputPayloadToHeader", ret->payload);
	return one ? one : result;
}

/* --- what a token gives --- */

static bool fits_field(struct sv text, bool in_list)
{
	bool is_one = !in_list || sv_find(text, ',') == text.n;
	return is_one && !sv_has_control(text) && text.n > 0 && text.n <= HEADEROUT_VALUE_MAX_BYTES;
}

/* The text of a scalar, empty when it is none that can stand in a field. */
static struct sv scalar_text(const json_t *value, bool in_list, struct arena *arena)
{
	struct sv text = json_string_sv(value);
	if (json_is_boolean(value))
		return json_is_true(value) ? SVL("true") : SVL("false");
	if (json_is_integer(value))
		return arena_printf(arena, "%lld", (long long)json_integer_value(value));
	return fits_field(text, in_list) ? text : (struct sv){0};
}

static struct sv list_text(const json_t *list, struct arena *arena)
{
	size_t n = 0, i;
	json_t *one;
	char *room = arena_alloc(arena, HEADEROUT_VALUE_MAX_BYTES);
	json_array_foreach(list, i, one)
	{
		struct sv text = scalar_text(one, true, arena);
		if (!room || text.n == 0)
			continue;
		if (n + text.n + 1 > HEADEROUT_VALUE_MAX_BYTES)
			return (struct sv){0};
		if (n)
			room[n++] = ',';
		memcpy(room + n, text.at, text.n);
		n += text.n;
	}
	return (struct sv){room, n};
}

/* A member of this very name, else along the dots. */
static const json_t *claim_at(const json_t *claims, const char *path)
{
	struct sv rest = sv_of(path), part;
	const json_t *value = json_object_get(claims, path);
	if (value)
		return value;
	for (value = claims; value && rest.n && sv_cut(&rest, '.', &part);)
		value = json_object_getn(value, part.at, part.n);
	return value;
}

bool headerout_make(const struct headerout *out, const json_t *claims, struct sv payload,
                    struct arena *arena, struct identity *ret)
{
	size_t n = 0, room = out->n + 1;
	if (out->n == 0 && !out->payload)
		return true;
	struct sv *fields = arena_array(arena, 2 * room, sizeof(*fields));
	if (!fields)
		return false;
	for (size_t i = 0; i < out->n; i++) {
		const json_t *value = claim_at(claims, out->claims[i].claim);
		struct sv text = json_is_array(value) ? list_text(value, arena)
		                                      : scalar_text(value, false, arena);
		if (text.n == 0)
			continue;
		fields[2 * n] = sv_of(out->claims[i].header);
		fields[2 * n++ + 1] = text;
	}
	if (out->payload && payload.n) {
		fields[2 * n] = sv_of(out->payload);
		fields[2 * n++ + 1] = payload;
	}
	ret->headers = fields;
	ret->n_headers = n;
	return true;
}
