/* Where people sign in with a browser: the `logins` of a policy set, compiled.
 * source  schema/policy.schema.json, logins[]; OpenID Connect Core 1.0, RFC 6749, RFC 7636
 */
#ifndef AUTHN_LOGIN_H
#define AUTHN_LOGIN_H

#include "authn/authn.h"
#include "core/jsonfields.h"

enum login_client_auth {
	LOGIN_CLIENT_BASIC, /* client_secret_basic; without a secret: a public client */
	LOGIN_CLIENT_POST,
	LOGIN_CLIENT_AUTH_COUNT,
};

/* Paths that the agent answers itself, each by its exact spelling. */
enum login_path {
	LOGIN_CALLBACK,
	LOGIN_LOGOUT,
	LOGIN_BACKCHANNEL,  /* OpenID Connect Back-Channel Logout 1.0 */
	LOGIN_FRONTCHANNEL, /* OpenID Connect Front-Channel Logout 1.0 */
	LOGIN_PATH_COUNT,
};

/* The parts of the asks that sign-ins make (authn/ask.h). */
enum login_ask_part {
	LOGIN_ASK_DIGEST = 0,   /* of a session: AUTHN_ASK_SESSION, _CODE, _LOGOUT */
	LOGIN_ASK_TOKEN = 0,    /* the logout token: AUTHN_ASK_BACKCHANNEL */
	LOGIN_ASK_SID = 0,      /* the provider's name of a session: AUTHN_ASK_FRONTCHANNEL */
	LOGIN_ASK_CODE = 1,     /* AUTHN_ASK_CODE, as the two below */
	LOGIN_ASK_REDIRECT = 2, /* the redirect_uri */
	LOGIN_ASK_SEED = 3,     /* of the state, loginstate.h */
	LOGIN_ASK_WANTED = 4,   /* of the state: how the user has to have signed in */
	LOGIN_ASK_REPLACED =
		5, /* the digest of the session whose cookie goes; empty: there is none */
};

struct login_session {
	int64_t idle_s, lifetime_s;
	char *cookie; /* the name of the cookie, without "__Host-" */
};

struct login {
	char *name;
	char *issuer_name;
	const struct issuer *issuer; /* of the same policy set */
	struct json_strings hosts;   /* "name" or "name:port", lower case */
	char *client_id, *client_secret_file;
	char *secret; /* owned, wiped; NULL: a public client */
	unsigned client_auth;
	/* as written; NULL: what the issuer's document says, endpoints.h */
	char *authorization_endpoint, *token_endpoint, *end_session_endpoint;
	struct json_strings scopes;
	char *scope;                   /* owned: all of scopes and openid, with blanks between */
	char *paths[LOGIN_PATH_COUNT]; /* NULL: not answered */
	char *after_logout_path;
	bool insecure_loopback; /* plain HTTP to a loopback host; cookies without Secure */
	struct login_session session;
};

struct logins;

struct login_env {
	const char *base_dir;      /* as of struct authn_env */
	const struct authn *authn; /* the issuers; outlives the result */
	/* Whether the agent may ask this URL; NULL: nothing is asked, so any may be written */
	bool (*is_allowed)(void *user, const char *url);
	void *user;
};

/* logins_compile - the `logins` section of a policy set.
 *
 * in      list: an array, or NULL for none; pointer: where it stands
 * out     *ret, owned, released with logins_free(); set only on 0; d: every error found
 * errors  0, -EINVAL, -ENOMEM
 */
MUST_CHECK int logins_compile(const json_t *list, const char *pointer, const struct login_env *env,
                              struct diag *d, struct logins **ret);
void logins_free(struct logins *logins);

/* logins_named - the login of a service, or NULL. */
const struct login *logins_named(const struct logins *logins, struct sv name);

/* logins_answering - the login that answers this host and path itself, or NULL.
 * in      path: as received, without the query. out: *ret, when it is not NULL */
const struct login *logins_answering(const struct logins *logins, struct sv host, struct sv path,
                                     enum login_path *ret);

/* login_has_host - whether people may sign in at this host: name and port as received, any case. */
bool login_has_host(const struct login *login, struct sv host);

#endif
