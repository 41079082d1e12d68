#include "authn/admit.h"

static bool has_scopes(const struct issuer *issuer, const struct identity *who)
{
	for (size_t i = 0; i < issuer->required_scopes.n; i++) {
		size_t k = 0;
		while (k < who->n_scopes &&
		       !sv_eq(who->scopes[k], sv_of(issuer->required_scopes.at[i])))
			k++;
		if (k == who->n_scopes)
			return false;
	}
	return true;
}

bool admit_token(const struct admission *a, struct arena *arena, struct identity *ret,
                 enum reason *why)
{
	if (!has_scopes(a->issuer, ret)) {
		*why = REASON_INSUFFICIENT_SCOPE;
		return false;
	}
	*why = REASON_INTERNAL;
	ret->forward_token = a->issuer->forward_token;
	return headerout_make(&a->issuer->output, a->claims, a->payload, arena, ret);
}
