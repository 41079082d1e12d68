#include "authn/authn.h"

#include "authn/apikey.h"
#include "authn/basicauth.h"
#include "authn/bearer.h"
#include "authn/binding.h"
#include "authn/clientcert.h"
#include "authn/cookie.h"
#include "authn/credential.h"
#include "authn/loginstate.h"
#include "authn/opaque.h"
#include "authn/revocations.h"
#include "authn/session.h"
#include "authn/turn.h"
#include "authn/workloads.h"
#include "core/jsonload.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

void authn_free(struct authn *authn)
{
	if (!authn)
		return;
	for (size_t i = 0; i < authn->n; i++)
		issuer_fini(&authn->issuers[i]);
	free(authn->issuers);
	basic_fini(&authn->basic);
	places_fini(&authn->credentials.places);
	workloads_free(authn->workloads);
	free(authn);
}

static void authn_freep(struct authn **authn)
{
	authn_free(*authn);
}

void authn_take_workloads(struct authn *authn, struct workloads *workloads)
{
	workloads_free(authn->workloads);
	authn->workloads = workloads;
}

bool authn_has_trust_domains(const struct authn *authn)
{
	return authn->workloads && authn->workloads->domains.n > 0;
}

size_t authn_n_issuers(const struct authn *authn)
{
	return authn->n;
}

const struct issuer *authn_issuer(const struct authn *authn, size_t i)
{
	return i < authn->n ? &authn->issuers[i] : NULL;
}

const struct issuer *authn_find_issuer(const struct authn *authn, struct sv iss)
{
	for (size_t i = 0; iss.n && i < authn->n; i++)
		if (sv_eq(sv_of(authn->issuers[i].issuer), iss))
			return &authn->issuers[i];
	return NULL;
}

const struct issuer *authn_opaque_issuer(const struct authn *authn)
{
	for (size_t i = 0; i < authn->n; i++)
		if (authn->issuers[i].introspection.endpoint &&
		    authn->issuers[i].introspection.opaque_tokens)
			return &authn->issuers[i];
	return NULL;
}

/* Nothing in an opaque token says whose it is. */
static int check_opaque(const struct authn *authn, struct diag *d)
{
	const struct issuer *first = authn_opaque_issuer(authn);
	int result = 0;
	for (size_t i = 0; i < authn->n; i++) {
		const struct issuer *other = &authn->issuers[i];
		char at[64];
		if (other == first || !other->introspection.endpoint ||
		    !other->introspection.opaque_tokens)
			continue;
		(void)snprintf(at, sizeof(at), "/issuers/%zu/introspection", i);
		diag_add(d, at, "several_opaque_issuers",
		         "opaque tokens are taken by issuer '%s' already: set opaqueTokens to "
		         "false in all but one",
		         first->issuer);
		result = -EINVAL;
	}
	return result;
}

static int worse(int a, int b)
{
	return a == -ENOMEM || b == 0 ? a : b;
}

/* What the agent itself vouches for goes by such names: an API key's principal must be no token's. */
static int check_issuer(const struct authn *authn, const struct issuer *issuer, const char *at,
                        struct diag *d)
{
	if (authn_find_issuer(authn, sv_of(issuer->issuer))) {
		diag_add(d, at, "duplicate_issuer", "issuer '%s' stands twice", issuer->issuer);
		return -EINVAL;
	}
	if (sv_starts(sv_of(issuer->issuer), SVL("haward:"))) {
		diag_add(d, at, "reserved_issuer",
		         "names that begin with 'haward:' are the agent's own");
		return -EINVAL;
	}
	return 0;
}

static int read_issuer(const json_t *object, const char *at, const struct authn_env *env,
                       struct diag *d, struct authn *authn)
{
	struct issuer *issuer = &authn->issuers[authn->n];
	int r = issuer_read(object, at, env, d, issuer);
	int places = places_read(&issuer->place_words, at, d, &authn->credentials.places,
	                         &issuer->places);
	issuer->place_words.from_headers = NULL;
	return worse(r, places);
}

static int read_issuers(const json_t *list, const struct authn_env *env, struct diag *d,
                        struct authn *authn)
{
	int result = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct issuer *issuer = &authn->issuers[authn->n];
		char at[256];
		(void)snprintf(at, sizeof(at), "/issuers/%zu", i);
		int r = read_issuer(json_array_get(list, i), at, env, d, authn);
		if (r == 0)
			r = check_issuer(authn, issuer, at, d);
		if (r) {
			issuer_fini(issuer);
			result = result == -ENOMEM ? result : r;
		} else {
			authn->n++;
		}
	}
	return result;
}

int authn_compile(const struct authn_document *document, const struct authn_env *env,
                  struct diag *d, struct authn **ret)
{
	const json_t *issuers = document->issuers;
	static atomic_uint_fast64_t serials;
	CLEANUP(authn_freep) struct authn *authn = calloc(1, sizeof(*authn));
	if (!authn)
		return -ENOMEM;
	if (issuers && !json_is_array(issuers)) {
		diag_add(d, "/issuers", "wrong_type", "an array of issuers is expected here");
		return -EINVAL;
	}
	size_t n = json_array_size(issuers);
	authn->serial = 1 + atomic_fetch_add_explicit(&serials, 1, memory_order_relaxed);
	authn->issuers = calloc(n ? n : 1, sizeof(*authn->issuers));
	if (!authn->issuers)
		return -ENOMEM;
	int r = places_init(&authn->credentials.places);
	if (r)
		return r;
	r = read_issuers(issuers, env, d, authn);
	r = worse(r, credential_precedence_read(document->credential_precedence, d,
	                                        &authn->credentials));
	r = worse(r, basic_read(document->basic, d, &authn->basic));
	if (r == 0)
		r = check_opaque(authn, d);
	if (r)
		return r;
	*ret = TAKE(authn);
	return 0;
}

typedef enum authn_outcome method_fn(const struct authn_turn *turn,
                                     const struct credential *credential, struct identity *ret);

static method_fn *const methods[] = {
	[CREDENTIAL_BEARER] = bearer_identify,
	[CREDENTIAL_DPOP] = bearer_identify, /* the proof is of the binding */
	[CREDENTIAL_API_KEY] = apikey_identify,
	[CREDENTIAL_SESSION] = session_identify,
	[CREDENTIAL_BASIC] = basic_identify,
};
static_assert(ARRAY_LEN(methods) == CREDENTIAL_KIND_COUNT, "a method a kind of credential");

/* A session counts for the login of the service alone. returns false when it cannot be told which is meant */
static bool find_session(const struct authn_turn *turn, struct credential *ret)
{
	const struct authn_ctx *ctx = turn->ctx;
	*ret = (struct credential){0};
	if (!ctx->login || !ctx->shared || turn->req->cookie.n == 0)
		return true;
	struct sv name = login_cookie_name(ctx->login, ctx->arena);
	enum found found = name.n ? cookie_of(turn->req, name, &ret->text) : FOUND_BROKEN;
	if (found == FOUND_ONE)
		ret->kind = CREDENTIAL_SESSION;
	*turn->why = found == FOUND_TWICE ? REASON_MULTIPLE_CREDENTIALS : REASON_INTERNAL;
	return found == FOUND_ONE || found == FOUND_NONE;
}

static bool find_credential(const struct authn_turn *turn, struct credential *ret)
{
	const struct credential_rules *rules = &turn->authn->credentials;
	struct credential session;
	enum credential_kind kind;
	if (!credential_find(rules, turn->req, turn->ctx->arena, ret, turn->why) ||
	    !find_session(turn, &session))
		return false;
	if (session.kind == CREDENTIAL_NONE)
		return true;
	if (ret->kind != CREDENTIAL_NONE) {
		*turn->why = REASON_MULTIPLE_CREDENTIALS;
		if (!credential_prefer(rules, ret->kind, CREDENTIAL_SESSION, &kind))
			return false;
		if (kind != CREDENTIAL_SESSION)
			return true;
	}
	*ret = session;
	return true;
}

/* Of every request, also of one whose credential was verified long ago. in: credential: NULL, as binding.h has it */
static enum authn_outcome still_good(const struct authn_turn *turn,
                                     const struct credential *credential,
                                     enum authn_outcome outcome, const struct identity *who)
{
	if (outcome == AUTHN_OK && turn->ctx->lost_revocations)
		return turn_refuse(turn, REASON_REVOCATIONS_UNAVAILABLE);
	if (outcome == AUTHN_OK &&
	    revocations_hold(revocations_of(turn->ctx->revoked), who, turn->ctx->now_s))
		return turn_refuse(turn, REASON_TOKEN_REVOKED);
	if (outcome == AUTHN_OK && !binding_check(turn, credential, who))
		return AUTHN_REFUSED;
	return outcome;
}

static enum authn_outcome identify_user(const struct authn_turn *turn, struct identity *ret)
{
	struct credential credential;
	if (!find_credential(turn, &credential))
		return AUTHN_REFUSED;
	if (credential.kind == CREDENTIAL_NONE)
		return AUTHN_ANONYMOUS;
	return still_good(turn, &credential, methods[credential.kind](turn, &credential, ret), ret);
}

/* A workload that shows a JWT-SVID and a certificate is one workload, or the request is refused. */
static bool add_certificate(const struct authn_turn *turn, struct identity *who)
{
	struct sv by_token = who->workload;
	if (clientcert_identify(turn, who) == CLIENTCERT_REFUSED)
		return false;
	if (by_token.n == 0 || sv_eq(by_token, who->workload))
		return true;
	*turn->why = REASON_MULTIPLE_CREDENTIALS;
	return false;
}

enum authn_outcome authn_identify(const struct authn *authn, const struct authn_ctx *ctx,
                                  const struct request *req, struct identity *ret, enum reason *why)
{
	const struct authn_turn turn = {authn, ctx, req, why};
	struct identity who = {0};
	*why = REASON_INTERNAL;
	enum authn_outcome user = identify_user(&turn, &who);
	if (user == AUTHN_REFUSED || !add_certificate(&turn, &who))
		return AUTHN_REFUSED;
	if (user == AUTHN_LATER)
		return AUTHN_LATER;
	*ret = who;
	return identity_is_anonymous(&who) ? AUTHN_ANONYMOUS : AUTHN_OK;
}

enum authn_outcome authn_verify_token(const struct authn *authn, const struct authn_ctx *ctx,
                                      struct sv token, struct identity *ret, enum reason *why)
{
	const struct authn_turn turn = {authn, ctx, NULL, why};
	const struct credential credential = {CREDENTIAL_BEARER, UINT32_MAX, token};
	*why = REASON_INTERNAL;
	return still_good(&turn, NULL, bearer_identify(&turn, &credential, ret), ret);
}

/* Keeps a good answer; what it cannot keep is asked again, or ends with the request's deadline. */
typedef void keep_fn(const struct authn *authn, const struct authn_ctx *ctx,
                     const struct authn_answer *answer);

static keep_fn *const keepers[] = {
	[AUTHN_ASK_INTROSPECT] = opaque_keep,
	[AUTHN_ASK_CODE] = session_keep,
	[AUTHN_ASK_SESSION] = session_keep,
	[AUTHN_ASK_LOGOUT] = session_keep_end,
	[AUTHN_ASK_BACKCHANNEL] = session_keep_end,
	[AUTHN_ASK_FRONTCHANNEL] = session_keep_end,
	[AUTHN_ASK_PASSWORD] = basic_keep,
	[AUTHN_ASK_LEARN] = NULL,
	[AUTHN_ASK_QUOTA] = NULL,
};
static_assert(ARRAY_LEN(keepers) == AUTHN_ASK_KIND_COUNT, "a keeper a kind of ask");

void authn_keep(const struct authn *authn, const struct authn_ctx *ctx,
                const struct authn_answer *answer)
{
	if (answer->serial != authn->serial || !keepers[answer->kind])
		return;
	if (answer->is_good)
		keepers[answer->kind](authn, ctx, answer);
	else
		tokencache_put_refusal(ctx->cache, answer->key, authn->serial, answer->until_s,
		                       answer->why);
}

struct sv authn_basic_realm(const struct authn *authn)
{
	return sv_of(authn->basic.realm);
}

uint64_t authn_serial(const struct authn *authn)
{
	return authn->serial;
}

enum authn_outcome authn_verify_certificate(const struct authn *authn, const struct authn_ctx *ctx,
                                            const struct authn_certificate *cert,
                                            struct identity *ret, enum reason *why)
{
	const struct authn_turn turn = {authn, ctx, NULL, why};
	const struct clientcert presented = {.leaf = cert->leaf, .chain = cert->chain};
	*why = REASON_INTERNAL;
	switch (clientcert_judge(&turn, &presented, ret)) {
	case CLIENTCERT_WORKLOAD:
		return AUTHN_OK;
	case CLIENTCERT_NONE:
		return AUTHN_ANONYMOUS;
	case CLIENTCERT_REFUSED:
		break;
	}
	return AUTHN_REFUSED;
}
