/* What a binding costs at each request: a token that is known, with the certificate it is bound to, against the same
 * request with a token that is not bound; and with a fresh DPoP proof, against OpenSSL's bare check of the proofs'
 * signatures in the same run. Prints one table. Arguments: --quick
 */
#include "authn/authn.h"
#include "authn/dpop.h"
#include "authn/thumbprint.h"
#include "authn/tokencache.h"
#include "core/encode.h"
#include "core/hash.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "model/request.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	NOW = 1700000000,
	N_ROUNDS = 7,
	N_SEEN = 10000,
	N_PROOFS = 4096,
	N_QUICK = 512,
	ES256_BYTES = 64,
};

#define MUST(what)                                                         \
	do {                                                               \
		if (!(what)) {                                             \
			(void)fprintf(stderr, "bench_bound: %s\n", #what); \
			exit(1);                                           \
		}                                                          \
	} while (0)

/* CPU time of this thread: other programs on the machine do not count. */
static uint64_t cpu_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static char *encoded(struct sv bytes)
{
	char *text = malloc(BASE64_ENCODED_MAX(bytes.n));
	MUST(text);
	(void)base64url_encode(bytes, text);
	return text;
}

/* A proof and what OpenSSL alone needs of it. */
struct proof_made {
	char *text;
	uint8_t digest[SHA256_BYTES], der[80];
	size_t n_der;
};

static void sign(EVP_PKEY *key, struct sv header, struct sv payload, struct proof_made *ret)
{
	char *h = encoded(header), *p = encoded(payload), *input = NULL, *text = NULL;
	uint8_t raw[ES256_BYTES];
	int n = asprintf(&input, "%s.%s", h, p);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ret->n_der = sizeof(ret->der);
	MUST(n > 0 && ctx);
	MUST(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) == 1);
	MUST(EVP_DigestSign(ctx, ret->der, &ret->n_der, (unsigned char *)input, (size_t)n) == 1);
	EVP_MD_CTX_free(ctx);
	MUST(sha256_of((struct sv){input, (size_t)n}, ret->digest));
	const uint8_t *at = ret->der;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)ret->n_der);
	MUST(sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32) == 32);
	MUST(BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32) == 32);
	ECDSA_SIG_free(sig);
	char *s = encoded((struct sv){(char *)raw, sizeof(raw)});
	MUST(asprintf(&text, "%s.%s", input, s) > 0);
	ret->text = text;
	free(h);
	free(p);
	free(input);
	free(s);
}

/* Owned: the public key as a JWK, without braces. */
static char *members_of(EVP_PKEY *key)
{
	BIGNUM *x = NULL, *y = NULL;
	uint8_t bytes[32];
	char *text = NULL;
	MUST(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1);
	MUST(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1);
	MUST(BN_bn2binpad(x, bytes, 32) == 32);
	char *of_x = encoded((struct sv){(char *)bytes, 32});
	MUST(BN_bn2binpad(y, bytes, 32) == 32);
	char *of_y = encoded((struct sv){(char *)bytes, 32});
	MUST(asprintf(&text, "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"", of_x,
	              of_y) > 0);
	BN_free(x);
	BN_free(y);
	free(of_x);
	free(of_y);
	return text;
}

/* An SVID, as a workload of a mesh shows it. */
static struct sv certificate(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	uint8_t *der = NULL;
	static const struct {
		int nid;
		const char *value;
	} extensions[] = {
		{NID_subject_alt_name, "URI:spiffe://example.org/ns/shop/sa/checkout"},
		{NID_basic_constraints, "critical,CA:FALSE"},
		{NID_key_usage, "critical,digitalSignature"},
	};
	MUST(cert && X509_set_version(cert, 2) == 1 && X509_set_pubkey(cert, key) == 1);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	MUST(ASN1_TIME_set(X509_getm_notBefore(cert), NOW - 60));
	MUST(ASN1_TIME_set(X509_getm_notAfter(cert), NOW + 3600));
	for (size_t i = 0; i < ARRAY_LEN(extensions); i++) {
		X509_EXTENSION *ext =
			X509V3_EXT_conf_nid(NULL, NULL, extensions[i].nid, extensions[i].value);
		MUST(ext && X509_add_ext(cert, ext, -1) == 1);
		X509_EXTENSION_free(ext);
	}
	MUST(X509_sign(cert, key, EVP_sha256()) > 0);
	int n = i2d_X509(cert, &der);
	MUST(n > 0);
	X509_free(cert);
	return (struct sv){(char *)der, (size_t)n};
}

struct bench {
	EVP_PKEY *issuer, *client;
	char *jwk; /* the client's */
	char jkt[BASE64_ENCODED_MAX(SHA256_BYTES)], x5t[BASE64_ENCODED_MAX(SHA256_BYTES)];
	struct sv certificate;
	struct authn *authn;
	struct tokencache *cache;
	struct arena arena;
	struct dpop *dpop;
	char *plain, *by_certificate, *by_key; /* Authorization fields */
	struct proof_made *proofs;
	unsigned n_proofs;
	double plain_ns, bound_ns, openssl_ns, proof_ns;
};

static struct authn *compile(EVP_PKEY *key)
{
	char *members = members_of(key), *text = NULL;
	struct authn *authn = NULL;
	MUST(asprintf(&text, "[{\"issuer\":\"https://idp.example\",\"jwks\":{\"keys\":[{%s}]}}]",
	              members) > 0);
	struct diag d = diag_over("bench", sv_of(text));
	json_t *issuers = json_load_strict(sv_of(text), 0, &d);
	const struct authn_document document = {.issuers = issuers};
	if (authn_compile(&document, NULL, &d, &authn) != 0)
		diag_print(&d, stderr);
	MUST(authn);
	json_decref(issuers);
	diag_fini(&d);
	free(members);
	free(text);
	return authn;
}

/* An Authorization field with a token of the size that identity providers issue. Owned. Under another claim than cnf
 * the same says nothing: a token that is not bound, and as long. */
static char *field(const struct bench *b, const char *claim, const char *method, const char *value)
{
	char cnf[128], payload[768], *text = NULL;
	struct proof_made token;
	(void)snprintf(cnf, sizeof(cnf), ",\"%s\":{\"%s\":\"%s\"}", claim, method, value);
	int n = snprintf(payload, sizeof(payload),
	                 "{\"iss\":\"https://idp.example\",\"sub\":\"user-00000001\",\"aud\":["
	                 "\"orders-api\",\"billing-api\"],\"exp\":%d,\"iat\":%d,\"azp\":\"web\","
	                 "\"scope\":\"openid profile orders:read orders:write\",\"groups\":["
	                 "\"staff\",\"warehouse\",\"night-shift\"]%s}",
	                 NOW + 3600, NOW - 10, cnf);
	MUST(n > 0 && (size_t)n < sizeof(payload));
	sign(b->issuer, SVL("{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}"),
	     (struct sv){payload, (size_t)n}, &token);
	MUST(asprintf(&text, "%s %s", strcmp(method, "jkt") == 0 ? "DPoP" : "Bearer", token.text) >
	     0);
	free(token.text);
	return text;
}

static void name_of(struct sv bytes, char *text)
{
	uint8_t digest[SHA256_BYTES];
	MUST(sha256_of(bytes, digest));
	(void)base64url_encode((struct sv){(char *)digest, sizeof(digest)}, text);
}

static void name_key(struct bench *b)
{
	struct sha256 *sha256 = sha256_new();
	uint8_t digest[SHA256_BYTES];
	json_t *jwk = json_load_strict(sv_of(b->jwk), 0, NULL);
	MUST(sha256 && jwk && thumbprint_of(sha256, jwk, digest));
	(void)base64url_encode((struct sv){(char *)digest, sizeof(digest)}, b->jkt);
	json_decref(jwk);
	sha256_free(sha256);
}

static void make_proofs(struct bench *b)
{
	char ath[BASE64_ENCODED_MAX(SHA256_BYTES)], payload[512], *header = NULL;
	name_of(sv_from(sv_of(b->by_key), 5), ath);
	MUST(asprintf(&header, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":%s}", b->jwk) > 0);
	b->proofs = calloc(b->n_proofs, sizeof(*b->proofs));
	MUST(b->proofs);
	for (unsigned i = 0; i < b->n_proofs; i++) {
		int n = snprintf(payload, sizeof(payload),
		                 "{\"jti\":\"5e0c1a52-95c3-4fd2-9a0b-%012u\",\"htm\":\"GET\","
		                 "\"htu\":\"https://api.example/orders/17\",\"ath\":\"%s\","
		                 "\"iat\":%d}",
		                 i, ath, NOW);
		MUST(n > 0 && (size_t)n < sizeof(payload));
		sign(b->client, sv_of(header), (struct sv){payload, (size_t)n}, &b->proofs[i]);
	}
	free(header);
}

static void ask(struct bench *b, const char *authorization, const char *proof, bool with_cert)
{
	const struct request req = {.n_authorization = 1,
	                            .authorization = sv_of(authorization),
	                            .n_dpop = proof != NULL,
	                            .dpop = sv_of(proof),
	                            .method = SV("GET"),
	                            .host = SV("api.example"),
	                            .path = SV("/orders/17"),
	                            .tls = true,
	                            .cert = with_cert ? b->certificate : (struct sv){0},
	                            .cert_used = with_cert};
	const struct authn_ctx ctx = {
		.cache = b->cache, .arena = &b->arena, .now_s = NOW, .dpop = b->dpop};
	struct identity who;
	enum reason why;
	arena_reset(&b->arena);
	MUST(authn_identify(b->authn, &ctx, &req, &who, &why) == AUTHN_OK);
}

static double time_seen(struct bench *b, const char *authorization)
{
	uint64_t start = cpu_ns();
	for (unsigned i = 0; i < N_SEEN; i++)
		ask(b, authorization, NULL, true);
	return (double)(cpu_ns() - start) / N_SEEN;
}

/* A memory of their own, so that every proof is new. */
static double time_proofs(struct bench *b)
{
	MUST(dpop_new((size_t)b->n_proofs * 4, NOW, &b->dpop) == 0);
	uint64_t start = cpu_ns();
	for (unsigned i = 0; i < b->n_proofs; i++)
		ask(b, b->by_key, b->proofs[i].text, false);
	double ns = (double)(cpu_ns() - start) / b->n_proofs;
	dpop_free(b->dpop);
	b->dpop = NULL;
	return ns;
}

static double time_openssl(const struct bench *b)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, b->client, NULL);
	MUST(ctx && EVP_PKEY_verify_init(ctx) == 1 &&
	     EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1);
	uint64_t start = cpu_ns();
	for (unsigned i = 0; i < b->n_proofs; i++)
		MUST(EVP_PKEY_verify(ctx, b->proofs[i].der, b->proofs[i].n_der, b->proofs[i].digest,
		                     SHA256_BYTES) == 1);
	double ns = (double)(cpu_ns() - start) / b->n_proofs;
	EVP_PKEY_CTX_free(ctx);
	return ns;
}

static void keep_best(double *best, double ns)
{
	if (*best == 0 || ns < *best)
		*best = ns;
}

static void set_up(struct bench *b)
{
	b->issuer = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	b->client = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	MUST(b->issuer && b->client && arena_init(&b->arena, REQUEST_ARENA_BYTES) == 0);
	b->cache = tokencache_new(TOKENCACHE_ENTRIES);
	MUST(b->cache);
	b->authn = compile(b->issuer);
	b->certificate = certificate(b->client);
	char *members = members_of(b->client);
	MUST(asprintf(&b->jwk, "{%s}", members) > 0);
	free(members);
	name_key(b);
	name_of(b->certificate, b->x5t);
	b->plain = field(b, "sid", "x5t#S256", b->x5t);
	b->by_certificate = field(b, "cnf", "x5t#S256", b->x5t);
	b->by_key = field(b, "cnf", "jkt", b->jkt);
	make_proofs(b);
}

static void tear_down(struct bench *b)
{
	for (unsigned i = 0; i < b->n_proofs; i++)
		free(b->proofs[i].text);
	free(b->proofs);
	free(b->plain);
	free(b->by_certificate);
	free(b->by_key);
	free(b->jwk);
	free((void *)(uintptr_t)b->certificate.at);
	authn_free(b->authn);
	tokencache_free(b->cache);
	arena_fini(&b->arena);
	EVP_PKEY_free(b->issuer);
	EVP_PKEY_free(b->client);
}

int main(int argc, char **argv)
{
	bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
	struct bench b = {.n_proofs = quick ? N_QUICK : N_PROOFS};
	set_up(&b);
	for (unsigned i = 0; i < N_ROUNDS; i++) { /* all kinds in turn: a slow moment slows each */
		keep_best(&b.plain_ns, time_seen(&b, b.plain));
		keep_best(&b.bound_ns, time_seen(&b, b.by_certificate));
		keep_best(&b.openssl_ns, time_openssl(&b));
		keep_best(&b.proof_ns, time_proofs(&b));
	}
	(void)printf("%-40s %12s  %s\n", "one thread, tokens that are known", "ns", "goal");
	(void)printf("%-40s %12.0f\n", "a bearer token beside a certificate", b.plain_ns);
	(void)printf("%-40s %12.0f  <= 1.15 of that: %.2f\n", "a token bound to the certificate",
	             b.bound_ns, b.bound_ns / b.plain_ns);
	(void)printf("%-40s %12.0f\n", "OpenSSL's check of a proof (ES256)", b.openssl_ns);
	(void)printf("%-40s %12.0f  %.2f of OpenSSL's\n", "a token bound to a key, a fresh proof",
	             b.proof_ns, b.proof_ns / b.openssl_ns);
	tear_down(&b);
	return 0;
}
