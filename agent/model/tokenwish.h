/* What a service wants to be told of a request that it gets: an internal token, signed by the agent.
 * source  schema/policy.schema.json, services[].token; draft-ietf-oauth-transaction-tokens
 */
#ifndef MODEL_TOKENWISH_H
#define MODEL_TOKENWISH_H

#include "core/sv.h"

#include <stddef.h>
#include <stdint.h>

enum token_format {
	TOKEN_TXN, /* a Txn-Token: names this one transaction */
	TOKEN_JWT, /* as an ID token: names the caller alone, so one serves many requests */
	TOKEN_FORMAT_COUNT,
};

/* What `sub` says. A subject is unique with its issuer only: with several, two people may share one. */
enum token_subject {
	TOKEN_SUBJECT_PRINCIPAL, /* "iss/sub" */
	TOKEN_SUBJECT_SUB,       /* the issuer's own name of the user */
	TOKEN_SUBJECT_COUNT,
};

enum { TOKEN_LIFETIME_USUAL_S = 60, TOKEN_LIFETIME_MAX_S = 600, TOKEN_CLAIMS_MAX = 32 };

struct token_wish {
	struct sv audience; /* aud: a service, or the trust domain */
	enum token_format format;
	enum token_subject subject;
	int64_t lifetime_s;
	const struct sv *claims; /* of the caller's own token, carried along */
	size_t n_claims;
};

#endif
