#include "authn/svid.h"

#include "authn/spiffe.h"

#include <limits.h>
#include <openssl/x509v3.h>
#include <time.h>

void svid_freep(X509 **cert)
{
	X509_free(*cert);
}

void svid_chain_free(STACK_OF(X509) * chain)
{
	sk_X509_pop_free(chain, X509_free);
}

void svid_chain_freep(STACK_OF(X509) * *chain)
{
	svid_chain_free(*chain);
}

static void names_freep(GENERAL_NAMES **names)
{
	GENERAL_NAMES_free(*names);
}

/* The next certificate of *rest, or NULL. */
static X509 *parse_next(struct sv *rest)
{
	const unsigned char *at = (const unsigned char *)rest->at;
	if (rest->n == 0 || rest->n > LONG_MAX)
		return NULL;
	X509 *cert = d2i_X509(NULL, &at, (long)rest->n);
	if (!cert)
		return NULL;
	*rest = sv_from(*rest, (size_t)(at - (const unsigned char *)rest->at));
	/* reads the extensions now, so that threads that share it only look */
	(void)X509_check_purpose(cert, -1, 0);
	return cert;
}

X509 *svid_parse(struct sv der)
{
	X509 *cert = parse_next(&der);
	if (cert && der.n == 0)
		return cert;
	X509_free(cert);
	return NULL;
}

bool svid_parse_many(struct sv der, STACK_OF(X509) * *ret)
{
	CLEANUP(svid_chain_freep) STACK_OF(X509) *chain = sk_X509_new_null();
	if (!chain)
		return false;
	while (der.n > 0) {
		X509 *cert = sk_X509_num(chain) < SVID_CHAIN_MAX ? parse_next(&der) : NULL;
		if (!cert || sk_X509_push(chain, cert) == 0) {
			X509_free(cert);
			return false;
		}
	}
	*ret = TAKE(chain);
	return true;
}

int64_t svid_not_after(const X509 *cert)
{
	struct tm tm;
	return ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static bool within_dates(const X509 *cert, int64_t now_s)
{
	time_t now = (time_t)now_s;
	/* X509_cmp_time() gives 0 for a time it cannot read */
	return X509_cmp_time(X509_get0_notBefore(cert), &now) < 0 &&
	       X509_cmp_time(X509_get0_notAfter(cert), &now) > 0;
}

static bool is_critical(const X509 *cert, int nid)
{
	int at = X509_get_ext_by_NID(cert, nid, -1);
	return at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(cert, at));
}

/* X509-SVID 4: a leaf that signs data and no certificates. */
static bool is_leaf(X509 *cert)
{
	uint32_t flags = X509_get_extension_flags(cert);
	uint32_t usage = X509_get_key_usage(cert);
	if (flags & (EXFLAG_INVALID | EXFLAG_CA) || !(flags & EXFLAG_KUSAGE))
		return false;
	if (!is_critical(cert, NID_key_usage))
		return false;
	if (!(usage & KU_DIGITAL_SIGNATURE) || usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN))
		return false;
	return !(flags & EXFLAG_XKUSAGE) || X509_get_extended_key_usage(cert) & XKU_SSL_CLIENT;
}

static struct sv uri_of(const GENERAL_NAME *name)
{
	int type;
	const ASN1_STRING *uri = GENERAL_NAME_get0_value(name, &type);
	if (type != GEN_URI || !uri)
		return (struct sv){0};
	return (struct sv){(const char *)ASN1_STRING_get0_data(uri),
	                   (size_t)ASN1_STRING_length(uri)};
}

/* returns whether any URI starts as a SPIFFE ID; *ret is the last such, *n_uris all URIs */
static bool find_spiffe(const GENERAL_NAMES *names, struct sv *ret, size_t *n_uris)
{
	bool found = false;
	*n_uris = 0;
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type != GEN_URI)
			continue;
		struct sv uri = uri_of(name);
		++*n_uris;
		if (!spiffe_claims_to_be(uri))
			continue;
		found = true;
		*ret = uri;
	}
	return found;
}

/* returns false when the names are broken or stand twice; *ret NULL when there are none */
static bool read_names(const X509 *cert, GENERAL_NAMES **ret)
{
	int critical; /* -1: there are none */
	*ret = X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, NULL);
	return *ret || critical == -1;
}

static enum svid_outcome refuse(enum reason *why, enum reason reason)
{
	*why = reason;
	return SVID_REFUSED;
}

enum svid_outcome svid_leaf_check(X509 *cert, int64_t now_s, struct arena *arena, struct sv *ret,
                                  enum reason *why)
{
	CLEANUP(names_freep) GENERAL_NAMES *names = NULL;
	struct sv uri;
	size_t n_uris;
	if (X509_get_extension_flags(cert) & EXFLAG_INVALID)
		return refuse(why, REASON_CERTIFICATE_INVALID);
	if (!within_dates(cert, now_s))
		return refuse(why, REASON_CERTIFICATE_EXPIRED);
	if (!read_names(cert, &names))
		return refuse(why, REASON_CERTIFICATE_INVALID);
	if (!names || !find_spiffe(names, &uri, &n_uris))
		return SVID_NONE;
	if (n_uris != 1 || !spiffe_id_check(uri) || !is_leaf(cert))
		return refuse(why, REASON_SPIFFE_ID_INVALID);
	return arena_dup(arena, uri, ret) ? SVID_LEAF : refuse(why, REASON_INTERNAL);
}

/* X509-SVID 3.2: the name of an authority is its trust domain's. */
static bool has_authority_name(const X509 *cert)
{
	CLEANUP(names_freep) GENERAL_NAMES *names = NULL;
	struct sv uri;
	size_t n_uris;
	if (!read_names(cert, &names))
		return false;
	if (!names || !find_spiffe(names, &uri, &n_uris))
		return true;
	return n_uris == 1 && spiffe_id_is_valid(uri) && !spiffe_id_check(uri);
}

bool svid_may_sign(X509 *cert)
{
	uint32_t flags = X509_get_extension_flags(cert);
	if (flags & EXFLAG_INVALID || !(flags & EXFLAG_CA) || !(flags & EXFLAG_KUSAGE))
		return false;
	return X509_get_key_usage(cert) & KU_KEY_CERT_SIGN && has_authority_name(cert);
}
