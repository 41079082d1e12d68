/* What a request shows of its user: exactly one credential, or none. */
#ifndef AUTHN_CREDENTIAL_H
#define AUTHN_CREDENTIAL_H

#include "core/macros.h"
#include "model/reason.h"
#include "model/request.h"

enum credential_kind {
	CREDENTIAL_NONE,
	CREDENTIAL_BEARER, /* RFC 6750: a token */
	CREDENTIAL_KIND_COUNT,
};

struct credential {
	enum credential_kind kind;
	struct sv text; /* without its scheme; a secret; a view into the request */
};

/* credential_find - the one credential of a request.
 *
 * out     *ret: kind CREDENTIAL_NONE when there is none; *why when it is refused
 * returns false when there is more than one, or one of a kind that is not known
 */
MUST_CHECK bool credential_find(const struct request *req, struct credential *ret,
                                enum reason *why);

#endif
