#include "authn/clientcert.h"

#include "authn/spiffe.h"

#include <limits.h>
#include <openssl/x509v3.h>

static void x509_freep(X509 **cert)
{
	X509_free(*cert);
}

static void names_freep(GENERAL_NAMES **names)
{
	GENERAL_NAMES_free(*names);
}

static enum clientcert_outcome refuse(enum reason *why, enum reason reason)
{
	*why = reason;
	return CLIENTCERT_REFUSED;
}

/* The whole of der and nothing after it. */
static X509 *parse(struct sv der)
{
	const unsigned char *at = (const unsigned char *)der.at;
	if (der.n == 0 || der.n > LONG_MAX)
		return NULL;
	X509 *cert = d2i_X509(NULL, &at, (long)der.n);
	if (cert && at == (const unsigned char *)der.at + der.n)
		return cert;
	X509_free(cert);
	return NULL;
}

static bool within_dates(const X509 *cert, int64_t now_s)
{
	time_t now = (time_t)now_s;
	/* X509_cmp_time() gives 0 for a time it cannot read */
	return X509_cmp_time(X509_get0_notBefore(cert), &now) < 0 &&
	       X509_cmp_time(X509_get0_notAfter(cert), &now) > 0;
}

/* X509-SVID 4: a leaf that signs data and no certificates. */
static bool is_leaf(X509 *cert)
{
	uint32_t flags = X509_get_extension_flags(cert);
	uint32_t usage = X509_get_key_usage(cert);
	if (flags & (EXFLAG_INVALID | EXFLAG_CA) || !(flags & EXFLAG_KUSAGE))
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

enum clientcert_outcome clientcert_spiffe_id(struct sv der, int64_t now_s, struct arena *arena,
                                             struct sv *ret, enum reason *why)
{
	CLEANUP(x509_freep) X509 *cert = parse(der);
	struct sv uri;
	size_t n_uris;
	if (!cert || X509_get_extension_flags(cert) & EXFLAG_INVALID)
		return refuse(why, REASON_CERTIFICATE_INVALID);
	if (!within_dates(cert, now_s))
		return refuse(why, REASON_CERTIFICATE_EXPIRED);
	int critical;
	CLEANUP(names_freep)
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, NULL);
	if (!names && critical != -1) /* -1: there is none; else it is broken or stands twice */
		return refuse(why, REASON_CERTIFICATE_INVALID);
	if (!names || !find_spiffe(names, &uri, &n_uris))
		return CLIENTCERT_NONE;
	if (n_uris != 1 || !spiffe_id_check(uri) || !is_leaf(cert))
		return refuse(why, REASON_SPIFFE_ID_INVALID);
	return arena_dup(arena, uri, ret) ? CLIENTCERT_WORKLOAD : refuse(why, REASON_INTERNAL);
}

enum clientcert_outcome clientcert_identify(const struct request *req, int64_t now_s,
                                            struct arena *arena, struct identity *ret,
                                            enum reason *why)
{
	struct sv spiffe_id;
	if (!req->cert_used)
		return CLIENTCERT_NONE;
	if (req->cert_verify != 0 || req->cert.n == 0)
		return refuse(why, REASON_CERTIFICATE_INVALID);
	enum clientcert_outcome outcome =
		clientcert_spiffe_id(req->cert, now_s, arena, &spiffe_id, why);
	if (outcome == CLIENTCERT_WORKLOAD)
		identity_set_workload(ret, spiffe_id);
	return outcome;
}
