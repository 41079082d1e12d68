#include "authn/credential.h"

/* source: RFC 9110 11.1: the scheme's name in any case, then blanks, then its own text */
static const struct {
	struct sv scheme;
	enum credential_kind kind;
} schemes[] = {
	{SV("Bearer"), CREDENTIAL_BEARER},
};

static bool refuse(enum reason *why, enum reason reason)
{
	*why = reason;
	return false;
}

static bool of_authorization(struct sv authorization, struct credential *ret, enum reason *why)
{
	size_t n = sv_find(authorization, ' ');
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (!sv_eq_ci(sv_first(authorization, n), schemes[i].scheme))
			continue;
		ret->kind = schemes[i].kind;
		ret->text = sv_trim(sv_from(authorization, n));
		return ret->text.n > 0 || refuse(why, REASON_TOKEN_MALFORMED);
	}
	return refuse(why, REASON_UNSUPPORTED_CREDENTIAL);
}

bool credential_find(const struct request *req, struct credential *ret, enum reason *why)
{
	*ret = (struct credential){0};
	if (req->n_authorization == 0)
		return true;
	if (req->n_authorization > 1)
		return refuse(why, REASON_MULTIPLE_CREDENTIALS);
	return of_authorization(req->authorization, ret, why);
}
