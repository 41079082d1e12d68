#include "authn/thumbprint.h"

#include "core/jsonload.h"

enum { MEMBERS_MAX = 4 };

/* In the order of their names, as they are hashed. */
static const struct {
	struct sv kty;
	const char *members[MEMBERS_MAX + 1];
} types[] = {
	{SV("EC"), {"crv", "kty", "x", "y", NULL}},
	{SV("OKP"), {"crv", "kty", "x", NULL}},
	{SV("RSA"), {"e", "kty", "n", NULL}},
};

/* Letters of base64url, of which the names of types and curves are made as well: nothing that JSON would escape. */
static bool is_plain(struct sv text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = sv_lower_char(text.at[i]);
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return text.n > 0;
}

bool thumbprint_of(struct sha256 *sha256, const json_t *jwk, uint8_t digest[SHA256_BYTES])
{
	struct sv kty = json_string_sv(json_object_get(jwk, "kty"));
	struct sv parts[MEMBERS_MAX * 4 + 1];
	size_t n = 0, type = 0;
	while (type < ARRAY_LEN(types) && !sv_eq(types[type].kty, kty))
		type++;
	if (type == ARRAY_LEN(types))
		return false;
	for (const char *const *member = types[type].members; *member; member++) {
		struct sv text = json_string_sv(json_object_get(jwk, *member));
		if (!is_plain(text))
			return false;
		parts[n] = n == 0 ? SVL("{\"") : SVL("\",\"");
		n++;
		parts[n++] = sv_of(*member);
		parts[n++] = SVL("\":\"");
		parts[n++] = text;
	}
	parts[n++] = SVL("\"}");
	return sha256_parts(sha256, parts, n, digest);
}
