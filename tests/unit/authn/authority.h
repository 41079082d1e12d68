/* Certificates as tests want them, good and bad, signed by each other. One key each for all leaves and per CA name. */
#ifndef UNIT_AUTHN_AUTHORITY_H
#define UNIT_AUTHN_AUTHORITY_H

#include "core/sv.h"
#include "support/cmocka_prelude.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdlib.h>

#define HOUR     3600
#define IN_FORCE .from_s = -HOUR, .to_s = HOUR

/* What a certificate says of itself; NULL leaves an extension out. */
struct wanted {
	const char *names, *basic, *usage, *extended;
	const char *names_again;
	long from_s, to_s; /* relative to now */
	const char *common_name;
	const char *constraints; /* nameConstraints */
};

static void extend(X509 *cert, int nid, const char *value)
{
	if (!value)
		return;
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

/* The key of a name, made when it is first asked for and kept for the life of the test. */
static EVP_PKEY *key_of(const char *name)
{
	static struct {
		const char *name;
		EVP_PKEY *key;
	} keys[16];
	size_t i = 0;
	while (keys[i].key && strcmp(keys[i].name, name) != 0)
		i++;
	assert_true(i + 1 < sizeof(keys) / sizeof(keys[0]));
	if (!keys[i].key) {
		keys[i].name = name;
		keys[i].key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
		assert_non_null(keys[i].key);
	}
	return keys[i].key;
}

static void name_it(X509_NAME *name, const char *text)
{
	if (text)
		assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		                                            (const unsigned char *)text, -1, -1, 0),
		                 1);
}

/* Signed by issuer, whose common name says which key; NULL: by itself. owned */
static X509 *certify(const struct wanted *w, X509 *issuer, int64_t now_s)
{
	static long serial;
	static char common_name[8][64]; /* keys are kept by these */
	static size_t n_names;
	const char *own = w->common_name ? w->common_name : "leaf";
	X509 *cert = X509_new();
	EVP_PKEY *signer = key_of(own);
	assert_non_null(cert);
	if (issuer) {
		char text[64] = "";
		size_t i = 0;
		(void)X509_NAME_get_text_by_NID(X509_get_subject_name(issuer), NID_commonName, text,
		                                sizeof(text));
		while (i < n_names && strcmp(common_name[i], text) != 0)
			i++;
		assert_true(i < 8);
		if (i == n_names)
			memcpy(common_name[n_names++], text, sizeof(text));
		signer = key_of(common_name[i]);
		assert_int_equal(X509_set_issuer_name(cert, X509_get_subject_name(issuer)), 1);
	} else {
		name_it(X509_get_issuer_name(cert), w->common_name);
	}
	assert_int_equal(X509_set_version(cert, 2), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)now_s + w->from_s));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)now_s + w->to_s));
	name_it(X509_get_subject_name(cert), w->common_name);
	assert_int_equal(X509_set_pubkey(cert, key_of(own)), 1);
	extend(cert, NID_subject_alt_name, w->names);
	extend(cert, NID_subject_alt_name, w->names_again);
	extend(cert, NID_basic_constraints, w->basic);
	extend(cert, NID_key_usage, w->usage);
	extend(cert, NID_ext_key_usage, w->extended);
	extend(cert, NID_name_constraints, w->constraints);
	assert_true(X509_sign(cert, signer, EVP_sha256()) > 0);
	/* read again, as it would arrive: what was added is not in the cache of extensions */
	uint8_t *der = NULL;
	int n = i2d_X509(cert, &der);
	const unsigned char *at = der;
	X509_free(cert);
	cert = d2i_X509(NULL, &at, n);
	OPENSSL_free(der);
	assert_non_null(cert);
	(void)X509_check_purpose(cert, -1, 0);
	return cert;
}

/* owned; der_free() */
static inline struct sv der_of(X509 *cert)
{
	uint8_t *der = NULL;
	int n = i2d_X509(cert, &der);
	assert_true(n > 0);
	return (struct sv){(char *)der, (size_t)n};
}

static inline void der_free(struct sv der)
{
	OPENSSL_free((void *)(uintptr_t)der.at);
}

#endif
