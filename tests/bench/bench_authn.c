/* What a token costs: never seen before, against OpenSSL's bare check of the same signatures by the same key in
 * the same run, as `openssl speed` does it; and seen a moment ago. Prints one table. Arguments: --quick
 */
#include "authn/authn.h"
#include "authn/tokencache.h"
#include "core/encode.h"
#include "core/hash.h"
#include "core/jsonload.h"
#include "core/limits.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { N_TOKENS = 4096, N_TOKENS_QUICK = 1024, N_ROUNDS = 7, NOW = 1000000, RSA_BYTES = 256 };

#define MUST(what)                                                         \
	do {                                                               \
		if (!(what)) {                                             \
			(void)fprintf(stderr, "bench_authn: %s\n", #what); \
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

/* A token and what OpenSSL alone needs of it. */
struct minted {
	char *text;        /* owned */
	size_t n, n_input; /* of it all, and of what is signed */
	unsigned char digest[SHA256_BYTES], signature[RSA_BYTES];
};

static char *encode(struct sv bytes, char *at)
{
	return at + base64url_encode(bytes, at).n;
}

static void mint(EVP_PKEY *key, unsigned number, struct minted *ret)
{
	static const struct sv header =
		SV("{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"2026-11\"}");
	char claims[512];
	/* the size and members of what identity providers issue */
	int n = snprintf(claims, sizeof(claims),
	                 "{\"iss\":\"https://idp.example/realms/shop\",\"sub\":\"user-%08u\","
	                 "\"aud\":[\"orders-api\",\"billing-api\"],\"exp\":%d,\"iat\":%d,"
	                 "\"jti\":\"5e0c1a52-95c3-4fd2-9a0b-%012u\",\"azp\":\"web\","
	                 "\"scope\":\"openid profile orders:read orders:write\","
	                 "\"groups\":[\"staff\",\"warehouse\",\"night-shift\"]}",
	                 number, NOW + 3600, NOW - 10, number);
	MUST(n > 0 && (size_t)n < sizeof(claims));
	ret->text = malloc(2048);
	MUST(ret->text);
	char *at = encode(header, ret->text);
	*at++ = '.';
	at = encode((struct sv){claims, (size_t)n}, at);
	size_t n_input = ret->n_input = (size_t)(at - ret->text), n_signature = RSA_BYTES;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	MUST(ctx && EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) == 1);
	MUST(EVP_DigestSign(ctx, ret->signature, &n_signature, (unsigned char *)ret->text,
	                    n_input) == 1);
	EVP_MD_CTX_free(ctx);
	MUST(EVP_Q_digest(NULL, "SHA256", NULL, ret->text, n_input, ret->digest, NULL) == 1);
	*at++ = '.';
	at = encode((struct sv){(char *)ret->signature, RSA_BYTES}, at);
	ret->n = (size_t)(at - ret->text);
}

static void encode_number(EVP_PKEY *key, const char *name, char *to)
{
	BIGNUM *number = NULL;
	unsigned char bytes[RSA_BYTES];
	MUST(EVP_PKEY_get_bn_param(key, name, &number) == 1);
	int n = BN_bn2bin(number, bytes);
	BN_free(number);
	(void)encode((struct sv){(char *)bytes, (size_t)n}, to);
}

static struct authn *compile(EVP_PKEY *key)
{
	char n[BASE64_ENCODED_MAX(RSA_BYTES)], e[16], text[1024];
	struct authn *authn = NULL;
	encode_number(key, OSSL_PKEY_PARAM_RSA_N, n);
	encode_number(key, OSSL_PKEY_PARAM_RSA_E, e);
	(void)snprintf(text, sizeof(text),
	               "[{\"issuer\":\"https://idp.example/realms/shop\",\"audiences\":["
	               "\"orders-api\"],\"jwks\":{\"keys\":[{\"kty\":\"RSA\",\"use\":\"sig\","
	               "\"alg\":\"RS256\",\"kid\":\"2026-11\",\"n\":\"%s\",\"e\":\"%s\"}]}}]",
	               n, e);
	struct diag d = diag_over("bench", sv_of(text));
	json_t *issuers = json_load_strict(sv_of(text), 0, &d);
	if (authn_compile(&(struct authn_document){.issuers = issuers}, NULL, &d, &authn) != 0)
		diag_print(&d, stderr);
	MUST(authn);
	json_decref(issuers);
	diag_fini(&d);
	return authn;
}

/* ns a check: a context made ready once, then nothing but the check of each digest */
static double time_openssl(EVP_PKEY *key, const struct minted *tokens, unsigned n)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	MUST(ctx && EVP_PKEY_verify_init(ctx) == 1 &&
	     EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	     EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1);
	uint64_t start = cpu_ns();
	for (unsigned i = 0; i < n; i++)
		MUST(EVP_PKEY_verify(ctx, tokens[i].signature, RSA_BYTES, tokens[i].digest,
		                     SHA256_BYTES) == 1);
	double ns = (double)(cpu_ns() - start) / n;
	EVP_PKEY_CTX_free(ctx);
	return ns;
}

/* ns a check: what a program does that has a parsed key and the text, and nothing prepared */
static double time_digest_verify(EVP_PKEY *key, const struct minted *tokens, unsigned n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	MUST(ctx);
	uint64_t start = cpu_ns();
	for (unsigned i = 0; i < n; i++) {
		MUST(EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) == 1);
		MUST(EVP_DigestVerify(ctx, tokens[i].signature, RSA_BYTES,
		                      (const unsigned char *)tokens[i].text,
		                      tokens[i].n_input) == 1);
	}
	double ns = (double)(cpu_ns() - start) / n;
	EVP_MD_CTX_free(ctx);
	return ns;
}

/* ns a token; each is judged n_times times in turn */
static double time_tokens(const struct authn *authn, struct tokencache *cache, struct arena *arena,
                          const struct minted *tokens, unsigned n, unsigned n_times)
{
	const struct authn_ctx ctx = {.cache = cache, .arena = arena, .now_s = NOW};
	struct identity who;
	enum reason why;
	uint64_t start = cpu_ns();
	for (unsigned k = 0; k < n_times; k++)
		for (unsigned i = 0; i < n; i++) {
			struct sv token = {tokens[i].text, tokens[i].n};
			arena_reset(arena);
			MUST(authn_verify_token(authn, &ctx, token, &who, &why) == AUTHN_OK);
		}
	return (double)(cpu_ns() - start) / n / n_times;
}

struct bench {
	struct tokencache *cache;
	struct arena arena;
	EVP_PKEY *key;
	struct minted *tokens;
	unsigned n_tokens;
	double openssl_ns, digest_verify_ns, fresh_ns, one_ns, many_ns, digest_ns;
};

static double time_digest(struct tokencache *cache, const struct minted *token, unsigned n)
{
	const struct credential credential = {
		CREDENTIAL_BEARER, PLACE_BIT(PLACE_BEARER), {token->text, token->n}};
	uint8_t digest[SHA256_BYTES];
	uint64_t start = cpu_ns();
	for (unsigned i = 0; i < n; i++)
		MUST(tokencache_digest(cache, &credential, digest));
	return (double)(cpu_ns() - start) / n;
}

static void keep_best(double *best, double ns)
{
	if (*best == 0 || ns < *best)
		*best = ns;
}

/* All kinds in turn within a round, so that a machine that slows down slows each of them; the best round counts.
 * A policy set of its own, so that every token is new, and takes the place of one that has to be freed. */
static void run_round(struct bench *b)
{
	struct authn *authn = compile(b->key);
	uint64_t n_hits = tokencache_counts(b->cache).n_hits;
	keep_best(&b->openssl_ns, time_openssl(b->key, b->tokens, b->n_tokens));
	keep_best(&b->digest_verify_ns, time_digest_verify(b->key, b->tokens, b->n_tokens));
	keep_best(&b->fresh_ns, time_tokens(authn, b->cache, &b->arena, b->tokens, b->n_tokens, 1));
	MUST(tokencache_counts(b->cache).n_hits == n_hits);
	keep_best(&b->many_ns, time_tokens(authn, b->cache, &b->arena, b->tokens, b->n_tokens, 20));
	keep_best(&b->one_ns, time_tokens(authn, b->cache, &b->arena, b->tokens, 1, 50000));
	keep_best(&b->digest_ns, time_digest(b->cache, b->tokens, 50000));
	authn_free(authn);
}

static void print_row(const char *what, double ns, const char *against, double ratio)
{
	(void)printf("%-40s %12.0f %12.0f  %s", what, 1e9 / ns, ns, against);
	if (ratio > 0)
		(void)printf(" %.2f", ratio);
	(void)printf("\n");
}

static void print_table(const struct bench *b)
{
	char many[64];
	(void)snprintf(many, sizeof(many), "seen, %u tokens in turn", b->n_tokens);
	(void)printf("%-40s %12s %12s  %s\n", "one thread, RS256 by 2048 bits", "per second", "ns",
	             "goal");
	print_row("OpenSSL, key and digest ready", b->openssl_ns, "as openssl speed", 0);
	print_row("OpenSSL, EVP_DigestVerify", b->digest_verify_ns,
	          "ours against it:", b->digest_verify_ns / b->fresh_ns);
	print_row("never seen, from text to identity", b->fresh_ns,
	          ">= 0.85 of the first:", b->openssl_ns / b->fresh_ns);
	print_row("seen, one token", b->one_ns, "< 1000 ns", 0);
	print_row(many, b->many_ns, "< 1000 ns", 0);
	print_row("  of which SHA-256 of the token", b->digest_ns, "", 0);
}

int main(int argc, char **argv)
{
	bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
	struct bench b = {.n_tokens = quick ? N_TOKENS_QUICK : N_TOKENS};
	b.key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	b.tokens = calloc(b.n_tokens, sizeof(*b.tokens));
	MUST(b.key && b.tokens && arena_init(&b.arena, REQUEST_ARENA_BYTES) == 0);
	b.cache = tokencache_new(TOKENCACHE_ENTRIES);
	MUST(b.cache);
	for (unsigned i = 0; i < b.n_tokens; i++)
		mint(b.key, i, &b.tokens[i]);
	for (unsigned i = 0; i < N_ROUNDS; i++)
		run_round(&b);
	print_table(&b);
	for (unsigned i = 0; i < b.n_tokens; i++)
		free(b.tokens[i].text);
	free(b.tokens);
	EVP_PKEY_free(b.key);
	tokencache_free(b.cache);
	arena_fini(&b.arena);
	return 0;
}
