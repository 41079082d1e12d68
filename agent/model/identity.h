/* Who: the person, the client program and the workload, together. All views: valid while the
 * request is judged. */
#ifndef MODEL_IDENTITY_H
#define MODEL_IDENTITY_H

#include "core/hash.h"
#include "core/sv.h"

#include <stddef.h>
#include <stdint.h>

struct json_t;

enum auth_method {
	AUTH_NONE, /* nobody did */
	AUTH_JWT,
	AUTH_MTLS,          /* by certificate; a workload alone is recorded so */
	AUTH_INTROSPECTION, /* an opaque token, by its issuer's word */
	AUTH_API_KEY,
	AUTH_SESSION, /* a browser that signed in */
	AUTH_BASIC,   /* by name and password */
	AUTH_METHOD_COUNT,
};
extern const char *const auth_method_names[AUTH_METHOD_COUNT]; /* none, jwt, mtls, ... */

/* What a token is bound to: bits of binding.to. Who shows the token has to show all of it. */
enum {
	BINDING_CERTIFICATE = 1 << 0,
	BINDING_KEY = 1 << 1,
	BINDING_UNKNOWN = 1 << 2, /* something that cannot be checked: nobody may use the token */
	BINDING_MISSING = 1 << 3, /* nothing, although the issuer's have to be: the same */
};

struct binding {
	unsigned to;                       /* 0: a plain bearer token */
	uint8_t certificate[SHA256_BYTES]; /* digest of its DER */
	uint8_t key[SHA256_BYTES];         /* thumbprint of its JWK, RFC 7638 */
};

struct identity {
	enum auth_method method; /* how the user proved who they are; AUTH_NONE: no user */

	/* the user; all empty when method is AUTH_NONE */
	struct sv user;      /* what people call them: the mapped claim, else the subject */
	struct sv issuer;    /* iss */
	struct sv subject;   /* sub */
	struct sv principal; /* "iss/sub", Istio's requestPrincipal */
	struct sv client;    /* azp, else client_id */
	const struct sv *groups, *scopes, *audiences;
	size_t n_groups, n_scopes, n_audiences;
	const struct json_t *claims; /* verified payload, an object; borrowed */
	int64_t expires_at;          /* Unix seconds; 0 when not bounded */
	const struct sv *headers;    /* fields for the service: a name and its value in turn */
	size_t n_headers;            /* fields, so half as many texts */
	bool forward_token;          /* the service is to see the token itself */
	bool recorded; /* read from the book, which keeps no claims but iss and sub, no audiences and no header
	                  fields: they are not absent, they are not known */
	struct binding binding; /* of the credential; already shown, once a request is judged */

	/* by what a credential can be revoked; each may be empty */
	struct sv token_id;   /* jti */
	struct sv session_id; /* sid */
	struct sv key_id;     /* kid of the key that made the signature */
	int64_t issued_at;    /* iat, Unix seconds; 0 when not told */
	uint64_t *clear_of; /* of a cache: which table of revocations does not hold it; NULL: ask */

	/* the workload that calls, by its certificate or a JWT-SVID; empty when there is none */
	enum auth_method workload_method; /* how it proved that; AUTH_NONE: no workload */
	struct sv workload;               /* "spiffe://td/ns/a/sa/b" */
	struct sv trust_domain;           /* "td" */
	struct sv namespace;              /* "a" when the path has /ns/a, else empty */
	struct sv service_account;        /* "b" when the path has /sa/b, else empty */
};

/* identity_is_anonymous - neither a user nor a workload is known. */
static inline bool identity_is_anonymous(const struct identity *who)
{
	return who->method == AUTH_NONE && who->workload.n == 0;
}

/* identity_set_workload - fills workload, trust_domain, namespace and service_account from a SPIFFE
 * ID that its caller has verified, by a certificate unless workload_method says otherwise.
 * lifetime: views into spiffe_id */
void identity_set_workload(struct identity *who, struct sv spiffe_id);

#endif
