#include "authn/clientcert.h"

#include "authn/certcache.h"
#include "authn/forwarded.h"
#include "authn/spiffe.h"
#include "authn/workloads.h"

#include <openssl/x509_vfy.h>

enum { REFUSAL_S = 10 }; /* how long a refused certificate is not looked at again */

static enum clientcert_outcome refuse(const struct authn_turn *turn, enum reason reason)
{
	*turn->why = reason;
	return CLIENTCERT_REFUSED;
}

/* One certificate that is not in the cache. */
struct judging {
	const struct authn_turn *turn;
	const struct clientcert *cert;
	struct certfacts facts;
	struct certcache_term term;
	bool is_passing; /* a moment's trouble, not the certificate's: not to be kept */
};

static void find_against(struct judging *j, enum reason why)
{
	j->facts = (struct certfacts){.outcome = SVID_REFUSED, .why = why};
}

/* The bundle may have changed since it was fetched. */
static void ask_for_bundle(struct judging *j, const struct trustdomain *domain, enum reason why)
{
	trustslot_want(domain->slot);
	find_against(j, why);
}

static void check_chain(struct judging *j, const struct trustdomain *domain, X509 *leaf)
{
	/* read before the bundle: a publish in between makes the entry stale, never the other way round */
	j->term.slot = domain->slot;
	j->term.generation = trustslot_generation(domain->slot);
	CLEANUP(trustbundle_unrefp) struct trustbundle *bundle = trustslot_get(domain->slot);
	STACK_OF(X509) *chain =
		certcache_chain(tokencache_certs(j->turn->ctx->cache), j->cert->chain);
	if (!bundle) {
		j->is_passing = true;
		ask_for_bundle(j, domain, REASON_TRUST_BUNDLE_UNAVAILABLE);
	} else if (!chain) {
		find_against(j, REASON_CERTIFICATE_INVALID);
	} else if (!trustbundle_verify(bundle, leaf, chain, j->turn->ctx->now_s,
	                               &j->term.until_s)) {
		ask_for_bundle(j, domain, REASON_CERTIFICATE_UNTRUSTED);
	} else {
		j->facts.is_vouched = true;
	}
}

/* Without trust domains whoever had the handshake vouches for all. */
static void check_domain(struct judging *j, X509 *leaf)
{
	const struct workloads *workloads = j->turn->authn->workloads;
	if (!workloads || workloads->domains.n == 0)
		return;
	const struct trustdomain *domain =
		trustdomains_find(&workloads->domains, spiffe_domain_of(j->facts.workload));
	if (domain)
		check_chain(j, domain, leaf);
	else
		find_against(j, REASON_TRUST_DOMAIN_UNKNOWN);
}

static void judge(struct judging *j)
{
	const struct authn_ctx *ctx = j->turn->ctx;
	const struct workloads *workloads = j->turn->authn->workloads;
	struct certfacts *facts = &j->facts;
	CLEANUP(svid_freep) X509 *leaf = svid_parse(j->cert->leaf);
	j->term = (struct certcache_term){.policy = j->turn->authn->serial};
	if (!leaf) {
		find_against(j, REASON_CERTIFICATE_INVALID);
	} else {
		j->term.until_s = svid_not_after(leaf);
		facts->outcome = svid_leaf_check(leaf, ctx->now_s, ctx->arena, &facts->workload,
		                                 &facts->why);
		if (facts->outcome == SVID_LEAF)
			check_domain(j, leaf);
		else if (facts->outcome == SVID_NONE && workloads)
			facts->outcome = certmap_find(&workloads->map, leaf, ctx->arena,
			                              &facts->workload, &facts->why);
	}
	if (facts->outcome == SVID_REFUSED) {
		j->term.until_s = ctx->now_s + REFUSAL_S;
		j->is_passing = j->is_passing || facts->why == REASON_INTERNAL;
	}
}

/* HAProxy keeps no chain of a session that is resumed. That the leaf chains to an anchor stays true without it. */
static bool keep_without_chain(const struct judging *j, struct certcache *cache)
{
	uint8_t digest[SHA256_BYTES];
	if (!j->facts.is_vouched || j->cert->chain.n == 0)
		return true;
	return certcache_digest(cache, j->cert->leaf, (struct sv){0}, digest) &&
	       certcache_put(cache, digest, &j->term, &j->facts);
}

/* NULL when memory is out or OpenSSL fails */
static const struct certfacts *facts_of(struct judging *j)
{
	struct certcache *cache = tokencache_certs(j->turn->ctx->cache);
	uint8_t digest[SHA256_BYTES];
	if (!certcache_digest(cache, j->cert->leaf, j->cert->chain, digest))
		return NULL;
	const struct certfacts *known =
		certcache_find(cache, digest, j->turn->authn->serial, j->turn->ctx->now_s);
	if (known)
		return known;
	judge(j);
	if (j->is_passing)
		return &j->facts;
	return keep_without_chain(j, cache) ? certcache_put(cache, digest, &j->term, &j->facts)
	                                    : NULL;
}

/* What HAProxy says when its own ca-file does not have the authority: the only objections of its that a bundle of
 * ours can overrule. That a certificate is revoked or past its dates stays a refusal. */
static bool lacks_authority(int64_t verify)
{
	switch (verify) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
		return true;
	default:
		return false;
	}
}

enum clientcert_outcome clientcert_judge(const struct authn_turn *turn,
                                         const struct clientcert *cert, struct identity *ret)
{
	struct judging j = {.turn = turn, .cert = cert};
	if (cert->leaf.n == 0 || (cert->verify != 0 && !lacks_authority(cert->verify)))
		return refuse(turn, REASON_CERTIFICATE_INVALID);
	const struct certfacts *facts = facts_of(&j);
	if (!facts)
		return refuse(turn, REASON_INTERNAL);
	if (facts->outcome == SVID_REFUSED)
		return refuse(turn, facts->why);
	if (cert->verify != 0 && !facts->is_vouched)
		return refuse(turn, REASON_CERTIFICATE_INVALID);
	if (facts->outcome == SVID_NONE)
		return CLIENTCERT_NONE;
	identity_set_workload(ret, facts->workload);
	return CLIENTCERT_WORKLOAD;
}

/* A name that a trusted proxy gives without the certificate it is from. Where a bundle has to vouch for it there is
 * nothing to verify: then it is not believed. */
static enum clientcert_outcome judge_name(const struct authn_turn *turn, struct sv uri,
                                          struct identity *ret)
{
	const struct workloads *workloads = turn->authn->workloads;
	if (!spiffe_claims_to_be(uri))
		return CLIENTCERT_NONE;
	if (!spiffe_id_check(uri))
		return refuse(turn, REASON_SPIFFE_ID_INVALID);
	if (workloads && workloads->domains.n > 0)
		return refuse(turn, trustdomains_find(&workloads->domains, spiffe_domain_of(uri))
		                            ? REASON_CERTIFICATE_UNTRUSTED
		                            : REASON_TRUST_DOMAIN_UNKNOWN);
	identity_set_workload(ret, uri);
	return CLIENTCERT_WORKLOAD;
}

static enum clientcert_outcome judge_forwarded(const struct authn_turn *turn,
                                               const struct certheader *said, struct identity *ret)
{
	const struct clientcert shown = {.leaf = said->leaf, .chain = said->chain};
	if (shown.leaf.n > 0)
		return clientcert_judge(turn, &shown, ret);
	if (said->n_uris > 1)
		return refuse(turn, REASON_SPIFFE_ID_INVALID);
	return said->n_uris ? judge_name(turn, said->uri, ret) : CLIENTCERT_NONE;
}

enum clientcert_outcome clientcert_identify(const struct authn_turn *turn, struct identity *ret)
{
	const struct request *req = turn->req;
	const struct clientcert presented = {
		.leaf = req->cert, .chain = req->cert_chain, .verify = req->cert_verify};
	struct certheader said;
	switch (forwarded_find(turn->ctx->forwarded, req, turn->ctx->arena, &said)) {
	case FORWARDED_FOUND:
		return judge_forwarded(turn, &said, ret);
	case FORWARDED_REFUSED:
		return refuse(turn, REASON_FORWARDED_CERTIFICATE);
	case FORWARDED_NOTHING:
		break;
	}
	return req->cert_used ? clientcert_judge(turn, &presented, ret) : CLIENTCERT_NONE;
}
