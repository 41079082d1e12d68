/* Why: one stable machine code for every way a request can end. The code is public: schema/spoe.md.
 */
#ifndef MODEL_REASON_H
#define MODEL_REASON_H

#include "core/macros.h"
#include "core/sv.h"

enum reason {
	REASON_INTERNAL, /* zero: nobody decided, so it is a denial */
	/* grants */
	REASON_POLICY_ALLOWED,
	REASON_DEFAULT_ALLOWED,
	/* denials by policy */
	REASON_POLICY_DENIED,
	REASON_NO_POLICY_MATCHED,
	REASON_AUTHENTICATION_REQUIRED,
	REASON_UNKNOWN_SERVICE,
	REASON_NO_SERVICE,
	/* requests that cannot be judged */
	REASON_BAD_REQUEST,
	REASON_AMBIGUOUS_PATH,
	REASON_AUDIT_UNAVAILABLE,
	REASON_SHUTTING_DOWN,
	REASON_OVERLOADED,
	/* credentials */
	REASON_MULTIPLE_CREDENTIALS,
	REASON_UNSUPPORTED_CREDENTIAL,
	REASON_TOKEN_MALFORMED,
	REASON_TOKEN_TOO_LARGE,
	REASON_TOKEN_HEADER,
	REASON_TOKEN_CRITICAL_HEADER,
	REASON_TOKEN_TYPE,
	REASON_TOKEN_CLAIMS,
	REASON_ALGORITHM_NOT_ALLOWED,
	REASON_ISSUER_UNKNOWN,
	REASON_KEY_UNKNOWN,
	REASON_KEYS_UNAVAILABLE,
	REASON_SIGNATURE_INVALID,
	REASON_TOKEN_EXPIRED,
	REASON_TOKEN_NOT_YET_VALID,
	REASON_TOKEN_LIFETIME,
	REASON_AUDIENCE_MISMATCH,
	REASON_TOKEN_BINDING_MISSING,
	REASON_TOKEN_BINDING_UNSUPPORTED,
	REASON_TOKEN_BINDING_MISMATCH,
	REASON_CERTIFICATE_REQUIRED,
	REASON_CERTIFICATE_INVALID,
	REASON_CERTIFICATE_EXPIRED,
	REASON_SPIFFE_ID_INVALID,
	REASON_COUNT,
};

/* reason_name - the code, e.g. "token_expired". */
const char *reason_name(enum reason reason);
/* reason_text - one sentence for people: what happened and, where it helps, what to do. */
const char *reason_text(enum reason reason);
MUST_CHECK bool reason_find(struct sv name, enum reason *ret);

#endif
