/* One issuer of the policy set: whom we trust to sign, for what, and with which keys.
 * source  schema/policy.schema.json, issuers[]; names of Istio's RequestAuthentication and Envoy's jwt_authn
 */
#ifndef AUTHN_ISSUER_H
#define AUTHN_ISSUER_H

#include "authn/dpoprules.h"
#include "authn/headerout.h"
#include "authn/introspection.h"
#include "authn/keyslot.h"
#include "authn/place.h"
#include "core/jsonfields.h"

struct trustslot;

/* Where the claims are that name the person. Each is the name of a top-level claim. */
struct claim_names {
	char *user;   /* default "sub" */
	char *groups; /* default "groups" */
	char *scopes; /* default "scope", else "scp" */
	char *client; /* default "azp", else "client_id" */
};

/* Whether a token has to be bound to what its holder can show (cnf). A cnf that is there has to hold in any case. */
enum issuer_binding { ISSUER_BINDING_OPTIONAL, ISSUER_BINDING_REQUIRED, ISSUER_BINDING_COUNT };

/* What an issuer's access tokens promise beyond RFC 7519. */
enum issuer_profile {
	ISSUER_PROFILE_ANY,
	ISSUER_PROFILE_RFC9068, /* typ at+jwt, and every claim that RFC 9068 2.2 demands */
	ISSUER_PROFILE_COUNT,
};

struct issuer {
	char *name;                    /* for people; default: the issuer itself */
	char *issuer;                  /* compared with iss, byte for byte */
	struct json_strings audiences; /* empty: any */
	struct json_strings types; /* typ values accepted besides none; default at+jwt and JWT */
	struct json_strings
		space_delimited;        /* claims split at blanks besides scope and permission */
	struct json_strings algorithms; /* as written; algs is what holds */
	uint32_t algs;                  /* JWS_ALG_BIT()s accepted of it; never empty */
	int64_t leeway_s;
	int64_t max_lifetime_s; /* 0: not bounded */
	bool require_expiration;
	bool is_svid;     /* of a trust domain: its tokens are JWT-SVIDs of workloads */
	unsigned profile; /* enum issuer_profile */
	struct json_strings required_scopes; /* all of them, or the token is not for us */
	struct headerout output;
	bool forward_token;
	unsigned token_binding; /* enum issuer_binding */
	struct claim_names claims;
	struct introspection introspection;
	struct dpop_rules dpop;
	struct keyslot *keys; /* owned reference; never NULL */
	bool has_keys;        /* false: every token of it is introspected */
	bool is_discovered;   /* its own document says where its keys and endpoints are */
	char *jwks_uri;       /* NULL: keys are local or discovered */
	char *jwks_file, *secret_file;
	uint32_t places; /* PLACE_BIT()s of the policy set's places where its tokens may stand */
	struct place_words place_words;
	const json_t *jwks; /* only while it is read, as place_words.from_headers */
	const json_t *output_claims;
	char *output_payload;
};

/* Keys that are fetched. */
struct key_source {
	const char *url;    /* of the key set; NULL: the issuer's own document says where it is */
	const char *issuer; /* whose, byte for byte */
	unsigned flags;     /* JWKS_... */
};

/* What compiling issuers needs from around it. */
struct authn_env {
	const char *
		base_dir; /* relative files are beside this directory; NULL: the working directory */
	/* Whether the agent may ask this URL. NULL: the set is only judged */
	bool (*url_allowed)(void *user, const char *url);
	/* The same for the bundle of a trust domain. */
	struct trustslot *(*bundle_of_url)(void *user, const char *url);
	/* Gives a reference to the slot of keys that are fetched, shared by all who use it, or NULL with errno.
	 * When the hook itself is NULL the set is only judged, and such an issuer has no keys. */
	struct keyslot *(*keys_of)(void *user, const struct key_source *source);
	void *user;
};

/* issuer_read - one element of issuers[].
 *
 * in      pointer: where it stands in the document
 * out     *ret: to be released with issuer_fini() also after an error
 * errors  0, -EINVAL with items in d, -ENOMEM
 */
MUST_CHECK int issuer_read(const json_t *object, const char *pointer, const struct authn_env *env,
                           struct diag *d, struct issuer *ret);
void issuer_fini(struct issuer *issuer);

#endif
