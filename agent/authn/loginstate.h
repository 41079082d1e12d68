/* A sign-in on its way: sent to the provider with a state, and recognised when it comes back.
 *
 * Nothing is remembered here meanwhile. What the way back needs is sealed into a short-lived cookie of this browser,
 * named after the state, so that tabs do not disturb each other: a random seed, where to go on, and how the user has to
 * have signed in. From the seed
 * follow the nonce, the PKCE verifier and the id of the session to come; so a code that comes twice makes no second
 * session.
 * source  OpenID Connect Core 1.0 3.1.2; RFC 7636 4; RFC 9700 4.7; RFC 6265bis 4.1.3.2 (__Host-)
 */
#ifndef AUTHN_LOGINSTATE_H
#define AUTHN_LOGINSTATE_H

#include "authn/login.h"
#include "core/arena.h"
#include "core/seal.h"

enum {
	LOGIN_WAY_S = 600, /* a sign-in takes no longer */
	LOGIN_SEED_BYTES = 32,
	LOGIN_BACK_MAX_BYTES = 1024, /* a longer address is not gone back to, but "/" */
	LOGIN_ACR_MAX_BYTES = 512,
	LOGIN_TEXT_BYTES = 44, /* 256 bits in base64url, and a terminator */
};

struct loginstate_ctx {
	const struct seal_ring *ring;
	struct arena *arena;
	int64_t now_s; /* Unix seconds */
};

/* What a browser is sent away for. */
struct loginstate_wish {
	struct sv host;        /* as received, one of the login's */
	struct sv path, query; /* where it wanted to go */
	struct sv endpoint;    /* the provider's authorization endpoint */
	/* how the user has to sign in. source: OpenID Connect Core 1.0 3.1.2.1; RFC 9470 */
	struct sv acr;     /* acr_values, with blanks between; empty: in any way */
	int64_t max_age_s; /* no longer ago; 0: at any time */
};

struct loginstate_begun {
	struct sv location; /* at the provider */
	struct sv cookie;   /* a Set-Cookie value */
};

/* loginstate_begin - sends a browser to the provider.
 *
 * out     *ret: in the arena
 * returns false when the arena is full, acr is too long, there is no key or no random bytes
 */
MUST_CHECK bool loginstate_begin(const struct login *login, const struct loginstate_ctx *ctx,
                                 const struct loginstate_wish *wish, struct loginstate_begun *ret);

/* One that came back. */
struct loginstate {
	uint8_t seed[LOGIN_SEED_BYTES]; /* a secret */
	struct sv back;                 /* path and query, allowed */
	struct sv wanted; /* the user's sign-in, for loginstate_wanted(); empty: any will do */
	struct sv forget; /* a Set-Cookie value that removes its cookie */
};

/* loginstate_resume - in: cookies: the whole Cookie header; state: of the query
 * returns false when this browser was not sent away with this state, from this login and host, or too long ago
 */
MUST_CHECK bool loginstate_resume(const struct login *login, const struct loginstate_ctx *ctx,
                                  struct sv host, struct sv cookies, struct sv state,
                                  struct loginstate *ret);

/* How the user has to have signed in; views of the text. */
struct loginstate_wanted {
	struct sv acr;     /* one of these, with blanks between; empty: any */
	int64_t max_age_s; /* 0: any */
};

/* loginstate_wanted - in: text: loginstate.wanted. returns false when it is no such text */
MUST_CHECK bool loginstate_wanted(struct sv text, struct loginstate_wanted *ret);

/* loginstate_nonce, loginstate_verifier - what follows from a seed. returns false when OpenSSL fails */
MUST_CHECK bool loginstate_nonce(const uint8_t seed[LOGIN_SEED_BYTES], char ret[LOGIN_TEXT_BYTES]);
MUST_CHECK bool loginstate_verifier(const uint8_t seed[LOGIN_SEED_BYTES],
                                    char ret[LOGIN_TEXT_BYTES]);
/* loginstate_session_id - of the session that this code makes; nobody can know it who does not know the seed. */
MUST_CHECK bool loginstate_session_id(const uint8_t seed[LOGIN_SEED_BYTES], struct sv code,
                                      char ret[LOGIN_TEXT_BYTES]);

/* login_url - the address of one of its own paths at a host; empty when the arena is full. */
struct sv login_url(const struct login *login, struct arena *arena, struct sv host,
                    const char *path);

/* login_cookie_name - of the session; empty when the arena is full. */
struct sv login_cookie_name(const struct login *login, struct arena *arena);

/* login_set_cookie - a Set-Cookie value. in: max_age_s: 0 removes it. returns an empty view when the arena is full */
struct sv login_set_cookie(const struct login *login, struct arena *arena, struct sv name,
                           struct sv value, int64_t max_age_s);

/* login_may_return - whether text is an address on the same host to go back to: a path from "/" on that no browser
 * takes for another host, no control characters, no backslash, not too long. */
bool login_may_return(struct sv text);

#endif
