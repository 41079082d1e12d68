#include "authn/trustbundle.h"

#include "core/encode.h"
#include "core/jsonload.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

enum { AUTH_LEVEL = 2 }; /* RSA of 2048 bits and curves of 224 at least, no SHA-1 */

struct trustbundle *trustbundle_ref(struct trustbundle *bundle)
{
	refcount_ref(&bundle->refs);
	return bundle;
}

void trustbundle_unref(struct trustbundle *bundle)
{
	if (!bundle || !refcount_unref(&bundle->refs))
		return;
	svid_chain_free(bundle->anchors);
	free(bundle);
}

static struct trustbundle *bundle_new(void)
{
	struct trustbundle *bundle = calloc(1, sizeof(*bundle));
	if (!bundle)
		return NULL;
	refcount_init(&bundle->refs);
	bundle->anchors = sk_X509_new_null();
	if (bundle->anchors)
		return bundle;
	free(bundle);
	return NULL;
}

/* A bundle while it is read. */
struct reading {
	struct trustbundle *bundle;
	struct diag *diag;
	size_t n_wrong; /* entries that should have been anchors */
};

/* returns why the certificate cannot be an anchor, or NULL */
static const char *wrong_anchor(X509 *cert)
{
	if (!cert)
		return "it is not a certificate in DER";
	if (X509_check_ca(cert) != 1) /* 1: says so by its basic constraints */
		return "it is not the certificate of an authority (CA:TRUE)";
	uint32_t flags = X509_get_extension_flags(cert);
	if (flags & EXFLAG_KUSAGE && !(X509_get_key_usage(cert) & KU_KEY_CERT_SIGN))
		return "its key usage has no keyCertSign";
	return NULL;
}

static int leave_out(struct reading *r, const char *pointer, const char *wrong)
{
	diag_add(r->diag, pointer, "unusable_certificate", "this certificate is left out: %s",
	         wrong);
	r->n_wrong++;
	return 0;
}

/* Takes cert. errors: 0 also when it was left out, -ENOMEM, -EINVAL */
static int add_anchor(struct reading *r, const char *pointer, X509 *cert)
{
	CLEANUP(svid_freep) X509 *mine = cert;
	const char *wrong = wrong_anchor(cert);
	if (wrong)
		return leave_out(r, pointer, wrong);
	if (sk_X509_num(r->bundle->anchors) == TRUSTBUNDLE_MAX_ANCHORS) {
		diag_add(r->diag, "", "too_large", "a bundle has at most %d certificates",
		         TRUSTBUNDLE_MAX_ANCHORS);
		return -EINVAL;
	}
	if (sk_X509_push(r->bundle->anchors, mine) == 0)
		return -ENOMEM;
	mine = NULL;
	return 0;
}

struct trustbundle *trustbundle_of(X509 *anchor)
{
	CLEANUP(trustbundle_unrefp) struct trustbundle *bundle = bundle_new();
	struct reading r = {.bundle = bundle};
	if (!bundle || X509_up_ref(anchor) != 1)
		return NULL;
	return add_anchor(&r, "", anchor) == 0 && r.n_wrong == 0 ? TAKE(bundle) : NULL;
}

/* ---- PEM ---- */

struct block {
	char *name, *header;
	unsigned char *data;
	long n;
};

static void block_fini(struct block *b)
{
	OPENSSL_free(b->name);
	OPENSSL_free(b->header);
	OPENSSL_clear_free(b->data, b->n > 0 ? (size_t)b->n : 0); /* it may have been a key */
}

static void bio_freep(BIO **bio)
{
	(void)BIO_free(*bio);
}

static int not_pem(struct reading *r, const char *words)
{
	diag_add(r->diag, "", "not_a_bundle", "%s", words);
	return -EINVAL;
}

/* returns 1 after a block, 0 at the end, else an error */
static int read_block(struct reading *r, BIO *bio, size_t number)
{
	CLEANUP(block_fini) struct block b = {0};
	char where[32];
	if (PEM_read_bio(bio, &b.name, &b.header, &b.data, &b.n) != 1) {
		bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
		ERR_clear_error();
		return ended ? 0 : not_pem(r, "a PEM block in it cannot be read");
	}
	if (strcmp(b.name, "CERTIFICATE") != 0 || b.header[0])
		return not_pem(r, "a PEM block in it is no certificate; a bundle has nothing else");
	(void)snprintf(where, sizeof(where), "/%zu", number);
	int result = add_anchor(r, where, svid_parse((struct sv){(char *)b.data, (size_t)b.n}));
	return result ? result : 1;
}

static int read_pem(struct reading *r, struct sv text)
{
	CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(text.at, (int)text.n);
	size_t n = 0;
	int result = bio ? 1 : -ENOMEM;
	while (result == 1)
		if ((result = read_block(r, bio, n)) == 1)
			n++;
	if (result == 0 && n == 0)
		return not_pem(r, "PEM certificates or a SPIFFE bundle are expected");
	return result;
}

/* ---- SPIFFE bundle ---- */

/* X509-SVID 6.2: the first element of x5c, standard base64; further ones are passed over */
static X509 *read_x5c(const json_t *key)
{
	struct sv text = json_string_sv(json_array_get(json_object_get(key, "x5c"), 0));
	uint8_t *der = text.n ? malloc(BASE64_DECODED_MAX(text.n)) : NULL;
	size_t n;
	X509 *cert = NULL;
	if (der && base64_decode(text, der, &n))
		cert = svid_parse((struct sv){(char *)der, n});
	free(der);
	return cert;
}

static bool is_known_type(const json_t *key)
{
	struct sv kty = json_string_sv(json_object_get(key, "kty"));
	return sv_eq(kty, SVL("RSA")) || sv_eq(kty, SVL("EC")) || sv_eq(kty, SVL("OKP"));
}

static int read_key(struct reading *r, const json_t *key, size_t number)
{
	char where[32];
	if (!sv_eq(json_string_sv(json_object_get(key, "use")), SVL("x509-svid")))
		return 0;
	(void)snprintf(where, sizeof(where), "/keys/%zu", number);
	if (!is_known_type(key))
		return leave_out(r, where, "its kty is not RSA, EC or OKP");
	if (json_array_size(json_object_get(key, "x5c")) == 0)
		return leave_out(r, where, "it has no x5c");
	return add_anchor(r, where, read_x5c(key));
}

/* A number that the standard lets be left out. */
static int read_number(struct reading *r, const json_t *document, const char *name, bool *ret_has,
                       int64_t *ret)
{
	const json_t *value = json_object_get(document, name);
	char where[48];
	if (!value)
		return 0;
	(void)snprintf(where, sizeof(where), "/%s", name);
	if (!json_is_integer(value) || json_integer_value(value) < 0) {
		diag_add(r->diag, where, "wrong_type", "a whole number is expected here");
		return -EINVAL;
	}
	*ret_has = true;
	*ret = json_integer_value(value);
	return 0;
}

static int read_document(struct reading *r, struct sv text)
{
	CLEANUP(json_decrefp) json_t *document = json_load_strict(text, 0, r->diag);
	const json_t *keys = json_object_get(document, "keys");
	bool has_hint = false;
	int64_t hint =
		0; /* only looked at for its form: Cache-Control and fetch.default_age_s hold */
	if (!document)
		return -EINVAL;
	if (!json_is_array(keys)) {
		diag_add(r->diag, "", "not_a_bundle", "an object with an array 'keys' is expected");
		return -EINVAL;
	}
	int result = read_number(r, document, "spiffe_sequence", &r->bundle->has_sequence,
	                         &r->bundle->sequence);
	if (result == 0)
		result = read_number(r, document, "spiffe_refresh_hint", &has_hint, &hint);
	for (size_t i = 0; result == 0 && i < json_array_size(keys); i++)
		result = read_key(r, json_array_get(keys, i), i);
	return result;
}

int trustbundle_parse(struct sv text, struct diag *d, struct trustbundle **ret)
{
	if (text.n > TRUSTBUNDLE_MAX_BYTES) {
		diag_add(d, "", "too_large", "a bundle is at most %d bytes", TRUSTBUNDLE_MAX_BYTES);
		return -EINVAL;
	}
	CLEANUP(trustbundle_unrefp) struct trustbundle *bundle = bundle_new();
	struct reading r = {.bundle = bundle, .diag = d};
	if (!bundle)
		return -ENOMEM;
	size_t blank = 0;
	while (blank < text.n && strchr(" \t\r\n", text.at[blank]) && text.at[blank])
		blank++;
	bool is_json = blank < text.n && text.at[blank] == '{';
	int result = is_json ? read_document(&r, text) : read_pem(&r, text);
	if (result)
		return result;
	if (r.n_wrong > 0 && sk_X509_num(bundle->anchors) == 0) {
		diag_add(d, "", "no_usable_certificate", "no certificate in it can be trusted");
		return -ENOKEY;
	}
	*ret = TAKE(bundle);
	return 0;
}

/* ---- verifying ---- */

static void ctx_freep(X509_STORE_CTX **ctx)
{
	X509_STORE_CTX_free(*ctx);
}

/* What OpenSSL does not ask of those between leaf and anchor, and the end of the whole. */
static bool check_chain(const STACK_OF(X509) * chain, int64_t *ret_until_s)
{
	int n = sk_X509_num(chain);
	int64_t until_s = INT64_MAX;
	for (int i = 0; i < n; i++) {
		X509 *cert = sk_X509_value(chain, i);
		int64_t end = svid_not_after(cert);
		if (i > 0 && i < n - 1 && !svid_may_sign(cert))
			return false;
		until_s = end < until_s ? end : until_s;
	}
	*ret_until_s = until_s;
	return n >= 2; /* a leaf is no anchor */
}

bool trustbundle_verify(const struct trustbundle *bundle, X509 *leaf, STACK_OF(X509) * chain,
                        int64_t now_s, int64_t *ret_until_s)
{
	CLEANUP(ctx_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	if (!ctx || sk_X509_num(bundle->anchors) <= 0 ||
	    X509_STORE_CTX_init(ctx, NULL, leaf, chain) != 1)
		return false;
	X509_STORE_CTX_set0_trusted_stack(ctx, bundle->anchors);
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)now_s);
	X509_VERIFY_PARAM_set_depth(param, SVID_CHAIN_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	if (X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) != 1 ||
	    X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT) != 1)
		return false;
	bool good = X509_verify_cert(ctx) == 1;
	ERR_clear_error();
	return good && check_chain(X509_STORE_CTX_get0_chain(ctx), ret_until_s);
}
