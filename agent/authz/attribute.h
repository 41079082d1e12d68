/* What a condition looks at: one attribute of the request, the caller or the connection, by Istio's
 * key. */
#ifndef AUTHZ_ATTRIBUTE_H
#define AUTHZ_ATTRIBUTE_H

#include "authz/template.h"
#include "core/arena.h"
#include "core/macros.h"
#include "core/netaddr.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct authz_roles_held;
struct request;
struct identity;
struct json_t;

enum authz_attribute_kind {
	AUTHZ_ATTRIBUTE_NONE = 0,
	AUTHZ_ATTRIBUTE_METHOD,
	AUTHZ_ATTRIBUTE_HOST,
	AUTHZ_ATTRIBUTE_PATH,
	AUTHZ_ATTRIBUTE_CAPTURE, /* path[name] */
	AUTHZ_ATTRIBUTE_HEADER,  /* request.headers[name] */
	AUTHZ_ATTRIBUTE_SOURCE_IP,
	AUTHZ_ATTRIBUTE_REMOTE_IP,
	AUTHZ_ATTRIBUTE_SOURCE_PRINCIPAL,
	AUTHZ_ATTRIBUTE_SOURCE_NAMESPACE,
	AUTHZ_ATTRIBUTE_SOURCE_TRUST_DOMAIN,
	AUTHZ_ATTRIBUTE_SOURCE_SERVICE_ACCOUNT, /* "namespace/account" */
	AUTHZ_ATTRIBUTE_REQUEST_PRINCIPAL,      /* "iss/sub" */
	AUTHZ_ATTRIBUTE_AUDIENCES,
	AUTHZ_ATTRIBUTE_PRESENTER, /* the client program */
	AUTHZ_ATTRIBUTE_CLAIM,     /* request.auth.claims[a][b] */
	AUTHZ_ATTRIBUTE_DESTINATION_IP,
	AUTHZ_ATTRIBUTE_DESTINATION_PORT,
	AUTHZ_ATTRIBUTE_SNI,
	AUTHZ_ATTRIBUTE_GROUPS,
	AUTHZ_ATTRIBUTE_ROLES, /* see role.h */
	AUTHZ_ATTRIBUTE_KIND_COUNT,
};

struct authz_attribute {
	enum authz_attribute_kind kind;
	struct sv key;             /* as written, for explanations */
	const struct sv *argument; /* what stood in the brackets, one a pair */
	size_t n_arguments;
};

/* One judging of one request in one of its path forms. */
struct authz_view {
	const struct request *request;
	const struct identity *who;
	struct sv path;      /* the form that is judged; empty when HAProxy told none */
	struct sv host;      /* without port; empty when HAProxy told none */
	struct sv service;   /* its name; empty when none was found */
	int64_t now_s;       /* Unix seconds; 0: not told */
	bool unknown_grants; /* see authz_target */
	struct arena *scratch;
	struct authz_roles_held *roles; /* see role.h; NULL: not asked for here */
	const struct json_t
		*issuers; /* of the policy set: whose claims are lists of words; may be NULL */
	const struct relation_model *model;   /* of the policy set; NULL: not asked for here */
	const struct relation_tuples *tuples; /* NULL: not known */
};

/* The values of an attribute. Zero is the safe reading: nothing is known, so an ALLOW rule that asks
 * does not match and a DENY rule that asks does. */
struct authz_values {
	bool complete; /* these are all there are: none means that the caller has none */
	const struct sv *at;
	size_t n;
	/* Further ways to read them: each field of a header that was sent twice, of which the service may
	 * look at one. They count where listing them denies, never where it grants. */
	const struct sv *parts;
	size_t n_parts;
	struct sv one; /* room for the usual single value */
};

/* authz_values_one - known, and one value unless it is empty. */
static inline void authz_values_one(struct authz_values *ret, struct sv value)
{
	ret->complete = true;
	ret->one = value;
	ret->at = &ret->one;
	ret->n = value.n > 0;
}

/* authz_values_list - known, and these. */
static inline void authz_values_list(struct authz_values *ret, const struct sv *at, size_t n)
{
	*ret = (struct authz_values){.complete = true, .at = at, .n = n};
}

/* authz_attribute_parse - a key as in `when`: "request.headers[x-team]".
 *
 * in      key: kept by reference
 * out     *ret on true; *ret_why, text in keep or static, on false
 * errors  false: unknown key (the nearest one is named), missing or surplus brackets
 */
MUST_CHECK bool authz_attribute_parse(struct sv key, struct arena *keep,
                                      struct authz_attribute *ret, const char **ret_why);

/* authz_attribute_about_user - is it known only by a user's credential? */
bool authz_attribute_about_user(enum authz_attribute_kind kind);

/* authz_attribute_is_address - is it judged by address blocks instead of text? */
bool authz_attribute_is_address(enum authz_attribute_kind kind);

/* authz_attribute_unrecorded - could it have had a value that the book does not keep? Only where the identity is
 * `recorded`. */
bool authz_attribute_unrecorded(const struct authz_attribute *attribute,
                                const struct authz_view *view);

/* authz_attribute_get - its values for this request.
 *
 * in      captures: of the path pattern that matched; may be NULL
 * lifetime  views of the request, the identity or the view's scratch
 */
void authz_attribute_get(const struct authz_attribute *attribute, const struct authz_view *view,
                         const struct authz_captures *captures, struct authz_values *ret);

/* authz_attribute_address - the address; family 0 when it is not known. */
struct netaddr authz_attribute_address(enum authz_attribute_kind kind,
                                       const struct authz_view *view);

/* authz_attribute_text - its values for people: joined, shortened, and hidden where they may be a
 * secret. */
struct sv authz_attribute_text(const struct authz_attribute *attribute,
                               const struct authz_view *view,
                               const struct authz_captures *captures);

#endif
