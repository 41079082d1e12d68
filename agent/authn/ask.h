/* What a worker cannot find out by itself, and the answer it gets later: whether an opaque token is active, whether
 * a password is the right one. A method that meets such a credential fills an ask and says AUTHN_LATER; who holds
 * the request asks, goes on with others, puts the answer into its token cache by authn_keep() and decides again.
 */
#ifndef AUTHN_ASK_H
#define AUTHN_ASK_H

#include "core/hash.h"
#include "core/macros.h"
#include "core/sv.h"
#include "model/reason.h"

#include <stdbool.h>
#include <stdint.h>

struct json_t;

enum authn_ask_kind {
	AUTHN_ASK_NOTHING,
	AUTHN_ASK_INTROSPECT, /* RFC 7662; about: the struct issuer; parts: the token */
	/* sign-ins; about: the struct login; parts: enum login_ask_part */
	AUTHN_ASK_CODE,        /* a session for a code */
	AUTHN_ASK_SESSION,     /* whose it is */
	AUTHN_ASK_LOGOUT,      /* its end; claims: id_token, and claims of its user */
	AUTHN_ASK_BACKCHANNEL, /* the end of some, by their provider; claims: claims of the order */
	AUTHN_ASK_FRONTCHANNEL, /* the same, by a browser that the provider sent; claims: may have claims */
	AUTHN_ASK_PASSWORD, /* about: struct basic_rules; parts: enum basic_part */
	AUTHN_ASK_LEARN, /* a relation, to be written (policy/learner.h): no credential; the way is the same */
	AUTHN_ASK_QUOTA, /* more of a quota, reserved on disk (policy/quotas.h): no credential either */
	AUTHN_ASK_KIND_COUNT,
};

enum { AUTHN_ASK_PARTS = 6 };

/* Zeroed, it asks nothing. */
struct authn_ask {
	enum authn_ask_kind kind;
	uint8_t key[SHA256_BYTES]; /* where the answer is kept: the credential's digest */
	uint64_t serial;           /* of the compiled set that asks */
	const void *about;         /* whom or what to ask, by kind; lives as long as that set */
	struct sv parts[AUTHN_ASK_PARTS]; /* by kind; secrets; views into the request */
	struct sv wipe; /* what was decoded for it, in the arena: to be wiped once the ask is put */
};

/* One answer, of one worker: nothing in it is shared with another thread. */
struct authn_answer {
	struct authn_answer *next; /* in a list of some */
	enum authn_ask_kind kind;
	uint8_t key[SHA256_BYTES];
	uint64_t serial;
	const void *about; /* compared and followed only while the set of this serial is in force */
	bool is_good;      /* false: why says what to refuse with */
	enum reason why;
	int64_t until_s;       /* Unix seconds it may be kept for */
	struct json_t *claims; /* owned; by kind, when is_good */
	uint64_t
		users; /* AUTHN_ASK_PASSWORD: the revision of the users that it was judged by, or earlier */
};

/* authn_answer_free - one, not those behind it. NULL is allowed. */
void authn_answer_free(struct authn_answer *answer);
/* authn_answer_copy - for one more worker: shares nothing. NULL when memory is out. */
MUST_CHECK struct authn_answer *authn_answer_copy(const struct authn_answer *answer);

#endif
