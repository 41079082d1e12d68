/* Request and identity -> verdict, by a compiled policy set.
 *
 * Order (Istio's, with the default written down): any DENY that matches denies; else any ALLOW that
 * matches allows; else, where an ALLOW policy names the service, it is denied; else the service's
 * defaultAction, which is the set's, which is DENY when nobody wrote one. Specificity never decides.
 * Policies in shadow mode are judged beside and recorded where they would have changed the outcome; one with a percent
 * is in force for some callers and a shadow for the others.
 */
#ifndef AUTHZ_AUTHZ_H
#define AUTHZ_AUTHZ_H

#include "authz/path.h"
#include "core/arena.h"
#include "core/diag.h"
#include "core/macros.h"
#include "core/quota.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct authz;
struct authz_service;
struct gcra_rate;
struct relation_model;
struct relation_tuples;
struct identity;
struct json_t;
struct request;
struct token_wish;
struct verdict;

/* The members of a policy set that are compiled here; each may be NULL. */
struct authz_document {
	struct json_t *services;
	struct json_t *policies;
	struct json_t *logins;  /* only their names are read here */
	struct json_t *issuers; /* only their spaceDelimitedClaims are read here */
	struct json_t *types;   /* the model of relations */
	struct json_t *roles;
	const struct json_t *default_action;
	const struct json_t *path_normalization;
	struct json_t *limits;
	size_t n_bytes; /* of the text: bounds the memory of the compiled form */
};

/* authz_compile - compile services and policies, all or nothing.
 *
 * in      document: its values are kept by reference count
 * out     d: every error found; *ret, owned, freed with authz_free(); set only on 0
 * errors  0, -EINVAL when anything was reported, -ENOMEM
 * thread  the result is immutable: any number of readers
 */
MUST_CHECK int authz_compile(const struct authz_document *document, struct diag *d,
                             struct authz **ret);
void authz_free(struct authz *authz);

/* authz_count - how many policies and services there are, and how many rules are judged. */
struct authz_counts {
	size_t services, policies, rules;
};
struct authz_counts authz_count(const struct authz *authz);

/* Another way to take the path, which has to be judged alike. */
struct authz_reading {
	struct sv path;
	const struct authz_service *service;
	const char *why; /* what is said when it is not; static */
};

enum { AUTHZ_READINGS_MAX = 2 };

/* What a request is about, before anybody asks who sent it. */
struct authz_target {
	struct authz_path path;              /* empty where HAProxy told none */
	struct sv host;                      /* normalised; empty where HAProxy told none */
	const struct authz_service *service; /* NULL when the set has no services at all */
	struct authz_reading others[AUTHZ_READINGS_MAX];
	size_t n_others;
	int64_t now_s; /* Unix seconds, set by who evaluates; 0: no maxAge holds */
	const struct relation_tuples
		*tuples; /* set by who evaluates; NULL: a condition that asks for them fails */
	bool unknown_grants; /* where the identity is `recorded`: what the book does not keep is taken in favour of
	                        the caller; else against */
};

/* authz_locate - bring path and host to their normal form and find the service.
 *
 * out     *ret, views of the request or scratch; ret_verdict: on false the denial, on true only
 *         service and path are filled
 * errors  false: bad_request, ambiguous_path, unknown_service, no_service
 */
MUST_CHECK bool authz_locate(const struct authz *authz, const struct request *request,
                             struct arena *scratch, struct authz_target *ret,
                             struct verdict *ret_verdict);

/* authz_n_parts, authz_part_name - what is counted: policies, what roles permit as "role:NAME", which may be there several
 * times, and limits as "limit:NAME". The number is verdict_hit's. */
size_t authz_n_parts(const struct authz *authz);
struct sv authz_part_name(const struct authz *authz, uint32_t number);

/* authz_login - the name of the login of the service that was located; empty: none. */
struct sv authz_login(const struct authz_target *target);

/* authz_evaluate - judge a located request.
 *
 * in      who: borrowed, zero is anonymous
 * out     *verdict: effect, reason, status, policy, route, why, shadow; service and path are kept.
 *         Views of the compiled set, the request, the identity or scratch
 */
void authz_evaluate(const struct authz *authz, const struct authz_target *target,
                    const struct request *request, const struct identity *who,
                    struct arena *scratch, struct verdict *verdict);

/* A limit that a request counts to. Views of the compiled set and of scratch. */
struct authz_limited {
	struct sv name, policy, pointer, condition, expected;
	uint32_t number; /* of what is counted */
	int64_t requests, period_s;
	enum quota_period period;     /* QUOTA_NONE: a rate */
	const struct gcra_rate *rate; /* of a rate */
	bool is_shadow;
	struct sv key;   /* what has one count; bytes */
	struct sv value; /* the same for people */
	bool failed;     /* scratch was full: it must not be granted */
};
enum { AUTHZ_LIMITS_MAX = 8 };

/* authz_limits_of - the limits for a located request, in the order of the document. returns how many */
size_t authz_limits_of(const struct authz *authz, const struct authz_target *target,
                       const struct request *request, const struct identity *who,
                       struct arena *scratch, struct authz_limited ret[static AUTHZ_LIMITS_MAX]);

/* authz_relations - the model of relations; never NULL. */
const struct relation_model *authz_relations(const struct authz *authz);

/* authz_token_wish - the internal token that the service of that name wants, or NULL. */
const struct token_wish *authz_token_wish(const struct authz *authz, struct sv service);

#endif
