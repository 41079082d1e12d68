#include "authn/spiffe.h"

static const struct sv scheme = SV("spiffe://");

bool spiffe_claims_to_be(struct sv text)
{
	return sv_starts_ci(text, SVL("spiffe:"));
}

bool spiffe_domain_check(struct sv text)
{
	if (text.n == 0 || text.n > SPIFFE_DOMAIN_MAX_BYTES)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.at[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
		            c == '-' || c == '_';
		if (!good)
			return false;
	}
	return true;
}

static bool is_segment(struct sv segment)
{
	if (segment.n == 0 || sv_eq(segment, SVL(".")) || sv_eq(segment, SVL("..")))
		return false;
	for (size_t i = 0; i < segment.n; i++) {
		char c = segment.at[i], lower = sv_lower_char(c);
		bool good = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
		            c == '-' || c == '_';
		if (!good)
			return false;
	}
	return true;
}

static bool check(struct sv text, bool needs_path)
{
	struct sv rest = sv_from(text, scheme.n), part;
	if (text.n > SPIFFE_ID_MAX_BYTES || !sv_starts(text, scheme) || !rest.at)
		return false;
	if (!sv_cut(&rest, '/', &part) || !spiffe_domain_check(part))
		return false;
	if (!rest.at)
		return !needs_path;
	while (sv_cut(&rest, '/', &part))
		if (!is_segment(part))
			return false;
	return true;
}

bool spiffe_id_check(struct sv text)
{
	return check(text, true);
}

bool spiffe_id_is_valid(struct sv text)
{
	return check(text, false);
}

struct sv spiffe_domain_of(struct sv id)
{
	struct sv rest = sv_from(id, scheme.n);
	return sv_first(rest, sv_find(rest, '/'));
}
