/* What a client certificate costs: never seen before, with an authority between it and its trust domain's bundle; and
 * seen a moment ago. Prints one table. Arguments: --quick
 */
#include "authn/authn.h"
#include "authn/workloads.h"
#include "core/encode.h"
#include "core/jsonload.h"
#include "core/limits.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { N_LEAVES = 1024, N_LEAVES_QUICK = 128, N_ROUNDS = 5, NOW = 1790000000, HOUR_S = 3600 };

#define MUST(what)                                                         \
	do {                                                               \
		if (!(what)) {                                             \
			(void)fprintf(stderr, "bench_certs: %s\n", #what); \
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

/* Whose certificate is made, and by whom. */
struct party {
	EVP_PKEY *key;
	X509 *cert;
};

static void extend(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	MUST(ext && X509_add_ext(cert, ext, -1) == 1);
	X509_EXTENSION_free(ext);
}

/* by: NULL signs itself; uri: NULL makes an authority */
static X509 *certify(struct party *of, const char *name, const struct party *by, const char *uri)
{
	X509 *cert = X509_new();
	MUST(cert && X509_set_version(cert, 2) == 1);
	MUST(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1);
	MUST(ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)NOW - HOUR_S));
	MUST(ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)NOW + HOUR_S));
	MUST(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
	                                (const unsigned char *)name, -1, -1, 0) == 1);
	MUST(X509_set_issuer_name(cert, X509_get_subject_name(by ? by->cert : cert)) == 1);
	MUST(X509_set_pubkey(cert, of->key) == 1);
	extend(cert, NID_basic_constraints, uri ? "critical,CA:FALSE" : "critical,CA:TRUE");
	extend(cert, NID_key_usage, uri ? "critical,digitalSignature" : "critical,keyCertSign");
	if (uri)
		extend(cert, NID_subject_alt_name, uri);
	MUST(X509_sign(cert, by ? by->key : of->key, EVP_sha256()) > 0);
	return cert;
}

static struct sv der_of(X509 *cert)
{
	unsigned char *der = NULL;
	int n = i2d_X509(cert, &der);
	MUST(n > 0);
	return (struct sv){(char *)der, (size_t)n};
}

static void der_free(struct sv der)
{
	OPENSSL_free((void *)(uintptr_t)der.at);
}

static struct authn *compile(struct sv root)
{
	struct authn *authn = NULL;
	struct workloads *workloads = NULL;
	char x5c[4096], text[8192];
	MUST(BASE64_ENCODED_MAX(root.n) < sizeof(x5c));
	(void)base64_encode(root, x5c);
	(void)snprintf(text, sizeof(text),
	               "[{\"name\":\"shop.example\",\"bundle\":{\"keys\":[{\"kty\":\"EC\","
	               "\"use\":\"x509-svid\",\"x5c\":[\"%s\"]}]}}]",
	               x5c);
	json_t *domains = json_load_strict(sv_of(text), 0, NULL);
	MUST(workloads_compile(domains, NULL, NULL, NULL, &workloads) == 0);
	MUST(authn_compile(&(struct authn_document){0}, NULL, NULL, &authn) == 0);
	authn_take_workloads(authn, workloads);
	json_decref(domains);
	return authn;
}

struct bench {
	struct tokencache *cache;
	struct arena arena;
	struct party root, between, leaf;
	struct sv root_der, chain;
	struct sv *leaves;
	unsigned n;
	double fresh_ns, one_ns, many_ns;
};

/* ns a certificate; each is judged n_times times in turn */
static double time_certs(struct bench *b, const struct authn *authn, unsigned n, unsigned n_times)
{
	const struct authn_ctx ctx = {.cache = b->cache, .arena = &b->arena, .now_s = NOW};
	struct identity who;
	enum reason why;
	uint64_t start = cpu_ns();
	for (unsigned k = 0; k < n_times; k++)
		for (unsigned i = 0; i < n; i++) {
			const struct authn_certificate cert = {b->leaves[i], b->chain};
			arena_reset(&b->arena);
			MUST(authn_verify_certificate(authn, &ctx, &cert, &who, &why) == AUTHN_OK);
		}
	return (double)(cpu_ns() - start) / n / n_times;
}

static void keep_best(double *best, double ns)
{
	if (*best == 0 || ns < *best)
		*best = ns;
}

/* A policy set of its own, so that every certificate is new again. */
static void run_round(struct bench *b)
{
	struct authn *authn = compile(b->root_der);
	keep_best(&b->fresh_ns, time_certs(b, authn, b->n, 1));
	keep_best(&b->many_ns, time_certs(b, authn, b->n, 20));
	keep_best(&b->one_ns, time_certs(b, authn, 1, 20000));
	authn_free(authn);
}

static void print_row(const char *what, double ns, const char *goal)
{
	(void)printf("%-40s %12.0f %12.0f  %s\n", what, 1e9 / ns, ns, goal);
}

static void make_certs(struct bench *b)
{
	struct party *const all[] = {&b->root, &b->between, &b->leaf};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		all[i]->key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
		MUST(all[i]->key);
	}
	b->root.cert = certify(&b->root, "root", NULL, NULL);
	b->between.cert = certify(&b->between, "issuing", &b->root, NULL);
	b->root_der = der_of(b->root.cert);
	b->chain = der_of(b->between.cert);
	for (unsigned i = 0; i < b->n; i++) {
		char uri[96];
		(void)snprintf(uri, sizeof(uri), "URI:spiffe://shop.example/ns/shop/sa/w%u", i);
		X509 *cert = certify(&b->leaf, "leaf", &b->between, uri);
		b->leaves[i] = der_of(cert);
		X509_free(cert);
	}
}

static void end(struct bench *b)
{
	struct party *const all[] = {&b->root, &b->between, &b->leaf};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		X509_free(all[i]->cert);
		EVP_PKEY_free(all[i]->key);
	}
	for (unsigned i = 0; i < b->n; i++)
		der_free(b->leaves[i]);
	free(b->leaves);
	der_free(b->root_der);
	der_free(b->chain);
	tokencache_free(b->cache);
	arena_fini(&b->arena);
}

int main(int argc, char **argv)
{
	bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
	struct bench b = {.n = quick ? N_LEAVES_QUICK : N_LEAVES};
	char many[64];
	b.leaves = calloc(b.n, sizeof(*b.leaves));
	b.cache = tokencache_new(TOKENCACHE_ENTRIES);
	MUST(b.leaves && b.cache && arena_init(&b.arena, REQUEST_ARENA_BYTES) == 0);
	make_certs(&b);
	for (unsigned i = 0; i < N_ROUNDS; i++)
		run_round(&b);
	(void)snprintf(many, sizeof(many), "seen, %u certificates in turn", b.n);
	(void)printf("%-40s %12s %12s  %s\n", "one thread, P-256, one authority between",
	             "per second", "ns", "goal");
	print_row("never seen, from DER to workload", b.fresh_ns, "< 300000 ns");
	print_row("seen, one certificate", b.one_ns, "<= 1.15 of a seen token");
	print_row(many, b.many_ns, "<= 1.15 of a seen token");
	end(&b);
	return 0;
}
