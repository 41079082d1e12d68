/* Who sends this request: the person by a token, the workload by its certificate, both in one identity. */
#ifndef AUTHN_AUTHN_H
#define AUTHN_AUTHN_H

#include "authn/ask.h"
#include "authn/issuer.h"
#include "authn/tokencache.h"
#include "core/arena.h"
#include "core/slot.h"
#include "model/identity.h"
#include "model/reason.h"
#include "model/request.h"

struct login;
struct login_shared;

/* The issuers of one policy set, compiled; immutable, shared between threads by who owns it. */
struct authn;
struct forwarded;
struct workloads;

/* The members of a policy set that say who is believed; each may be NULL. */
struct authn_document {
	const json_t *issuers;
	const json_t *credential_precedence;
	const json_t *basic;
};

/* authn_compile - from the members of a policy set.
 *
 * in      env: may be NULL
 * out     *ret, owned, released with authn_free(); set only on 0; d: every error found
 * errors  0, -EINVAL, -ENOMEM
 */
MUST_CHECK int authn_compile(const struct authn_document *document, const struct authn_env *env,
                             struct diag *d, struct authn **ret);
void authn_free(struct authn *authn);

/* authn_take_workloads - what the policy set says of workloads (authn/workloads.h); before authn is shared. Takes
 * workloads over. authn_has_trust_domains - whether SPIFFE IDs are believed by bundles. */
void authn_take_workloads(struct authn *authn, struct workloads *workloads);
bool authn_has_trust_domains(const struct authn *authn);

size_t authn_n_issuers(const struct authn *authn);
const struct issuer *authn_issuer(const struct authn *authn, size_t i);

/* authn_find_issuer - the one with this iss, or NULL. */
const struct issuer *authn_find_issuer(const struct authn *authn, struct sv iss);

/* authn_opaque_issuer - whose the tokens are that are no JWT, or NULL. */
const struct issuer *authn_opaque_issuer(const struct authn *authn);

enum authn_outcome {
	AUTHN_REFUSED, /* a credential was presented that must not be believed; *why says which way */
	AUTHN_LATER,   /* ctx->ask says what has to be asked first: then decide again */
	AUTHN_ANONYMOUS,
	AUTHN_OK, /* a user, a workload, or both */
};

struct dpop;

/* What a thread lends while it finds out who asks. */
struct authn_ctx {
	struct tokencache *cache; /* this thread's own */
	struct arena *arena;
	int64_t now_s;                /* Unix seconds */
	const struct shared *apikeys; /* apikeys.h's table; NULL: no API key can be judged */
	uint64_t
		users; /* revision of those with passwords: what was said of an earlier one does not count */
	struct sv service; /* the destination that was found; empty: none */
	struct dpop *dpop; /* shared by all threads; NULL refuses what needs a proof */
	bool is_proved; /* this very request was decided as far as its proof before: it is not shown twice */
	const struct shared *revoked; /* revocations.h's table; NULL: nothing is */
	bool lost_revocations;        /* their table could not be made: nobody is believed */

	/* Filled on AUTHN_LATER. NULL: nothing may be asked, and what would have to be is refused */
	struct authn_ask *ask;
	enum reason unasked; /* with this reason; zero: authentication_unavailable */

	/* The service's own way to sign in with a browser; NULL: session cookies count for nothing */
	const struct login *login;
	const struct login_shared *shared; /* required with login */
	int64_t *
		until_s; /* on a refusal that is remembered: until when, Unix seconds. May be NULL */

	const struct forwarded *forwarded; /* whose headers are believed; NULL: none */
};

/* authn_identify - never waits and never looks at the network.
 *
 * out     *ret: valid while req's bytes, the arena and the cache's next use by a request are;
 *         *why: on AUTHN_REFUSED, and session_expired on AUTHN_ANONYMOUS; *ctx->ask: on AUTHN_LATER, its views as req's
 */
MUST_CHECK enum authn_outcome authn_identify(const struct authn *authn, const struct authn_ctx *ctx,
                                             const struct request *req, struct identity *ret,
                                             enum reason *why);

/* authn_verify_token - one bearer token, as authn_identify() would judge it, without a request around it.
 * out     *ret: its user, on AUTHN_OK; *why: on AUTHN_REFUSED
 */
MUST_CHECK enum authn_outcome authn_verify_token(const struct authn *authn,
                                                 const struct authn_ctx *ctx, struct sv token,
                                                 struct identity *ret, enum reason *why);

/* authn_keep - puts an answer where the request that asked finds it when it is decided again. One to the question
 * of another compiled set is passed over.
 *
 * in      ctx: of the worker that asked; cache, arena, users and now_s count
 */
void authn_keep(const struct authn *authn, const struct authn_ctx *ctx,
                const struct authn_answer *answer);

/* authn_basic_realm - of HTTP Basic; empty when that is not taken. */
struct sv authn_basic_realm(const struct authn *authn);

/* authn_serial - of this compiled set; never that of another. */
uint64_t authn_serial(const struct authn *authn);

/* A client certificate: DER, and what came along with it. */
struct authn_certificate {
	struct sv leaf, chain;
};
/* authn_verify_certificate - one certificate, as authn_identify() would judge it if HAProxy had found nothing against
 * it. out: *ret: its workload, on AUTHN_OK; *why: on AUTHN_REFUSED
 */
MUST_CHECK enum authn_outcome authn_verify_certificate(const struct authn *authn,
                                                       const struct authn_ctx *ctx,
                                                       const struct authn_certificate *cert,
                                                       struct identity *ret, enum reason *why);

#endif
