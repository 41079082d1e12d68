/* What revocations and internal tokens cost: a lookup without any and with 100,000 of them, of each kind; a token made by
 * OpenSSL, one made by libjwt, and one that serves again. Prints one table. Arguments: --quick
 */
#include "authn/mint.h"
#include "authn/revocations.h"
#include "core/macros.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { N_REVOKED = 100000, N_ROUNDS = 5, NOW = 1000000 };

#define MUST(what)                                                        \
	do {                                                              \
		if (!(what)) {                                            \
			(void)fprintf(stderr, "bench_mint: %s\n", #what); \
			exit(1);                                          \
		}                                                         \
	} while (0)

/* CPU time of this thread: other programs on the machine do not count. */
static uint64_t cpu_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static const struct sv scopes[] = {SV("orders:read"), SV("orders:write")};

static const struct identity user = {
	.method = AUTH_JWT,
	.issuer = SV("https://idp.example/realms/shop"),
	.subject = SV("user-00000001"),
	.principal = SV("https://idp.example/realms/shop/user-00000001"),
	.client = SV("web"),
	.token_id = SV("5e0c1a52-95c3-4fd2-9a0b-000000000001"),
	.session_id = SV("0f3c9d7e-1c22-4a8e-8d0c-000000000001"),
	.key_id = SV("2026-11"),
	.scopes = scopes,
	.n_scopes = ARRAY_LEN(scopes),
	.issued_at = NOW - 10,
	.expires_at = NOW + 3600,
};

static struct revocations *table_of(unsigned n)
{
	struct revocations *table = NULL;
	MUST(revocations_new(n, &table) == 0);
	for (unsigned i = 0; i < n; i++) {
		char name[64];
		(void)snprintf(name, sizeof(name), "5e0c1a52-95c3-4fd2-9a0b-1%011u", i);
		const struct revocation r = {(enum revocation_kind)(i % REVOCATION_KIND_COUNT),
		                             user.issuer, sv_of(name), NOW, NOW + 100};
		MUST(revocations_add(table, &r) == 0);
	}
	return table;
}

/* clear_of: of a cached credential, else NULL */
static double time_lookups(const struct revocations *table, uint64_t *clear_of, unsigned n)
{
	struct identity who = user;
	who.clear_of = clear_of;
	uint64_t start = cpu_ns();
	for (unsigned i = 0; i < n; i++)
		MUST(!revocations_hold(table, &who, NOW));
	return (double)(cpu_ns() - start) / n;
}

struct bench {
	struct minter *minter;
	struct mintkeys *keys;
	struct request request;
	unsigned n_made;
};

/* ns a token; is_new: each for another user, so that none serves again */
static double time_tokens(struct bench *b, enum token_format format, bool is_new, unsigned n)
{
	const struct token_wish wish = {
		.audience = SV("shop.example"), .format = format, .lifetime_s = 60};
	uint64_t start = cpu_ns();
	for (unsigned i = 0; i < n; i++) {
		char name[64];
		struct identity who = user;
		struct sv token;
		(void)snprintf(name, sizeof(name), "user-%08u", is_new ? ++b->n_made : 0);
		who.principal = sv_of(name);
		const struct mint_order order = {.wish = &wish,
		                                 .who = &who,
		                                 .req = &b->request,
		                                 .path = SV("/orders/7"),
		                                 .txn = SV("4bf92f3577b34da6a3ce929d0e0e4736"),
		                                 .now_s = NOW};
		MUST(mint_token(b->minter, b->keys, &order, &token));
	}
	return (double)(cpu_ns() - start) / n;
}

static void keep_best(double *best, double ns)
{
	if (*best == 0 || ns < *best)
		*best = ns;
}

static void print_row(const char *what, double ns, const char *goal)
{
	(void)printf("%-44s %12.0f %10.0f  %s\n", what, 1e9 / ns, ns, goal);
}

int main(int argc, char **argv)
{
	unsigned scale = argc > 1 && strcmp(argv[1], "--quick") == 0 ? 1 : 10;
	uint64_t clear_of = 0;
	double none = 0, many = 0, known = 0, txn = 0, fresh = 0, again = 0;
	struct revocations *empty = table_of(0), *full = table_of(N_REVOKED);
	struct mintkey_texts texts;
	struct bench b = {.minter = minter_new(), .request = {.method = SV("GET")}};
	MUST(b.minter && mintkeys_new(SVL("https://edge.example"), &b.keys) == 0);
	MUST(mintkey_make(&texts));
	MUST(mintkeys_add(b.keys, sv_of(texts.kid), sv_of(texts.pem), NOW) == 0);
	for (unsigned i = 0; i < N_ROUNDS; i++) {
		keep_best(&none, time_lookups(empty, NULL, 100000 * scale));
		keep_best(&many, time_lookups(full, NULL, 100000 * scale));
		keep_best(&known, time_lookups(full, &clear_of, 100000 * scale));
		keep_best(&txn, time_tokens(&b, TOKEN_TXN, true, 200 * scale));
		keep_best(&fresh, time_tokens(&b, TOKEN_JWT, true, 50 * scale));
		keep_best(&again, time_tokens(&b, TOKEN_JWT, false, 2000 * scale));
	}
	(void)printf("%-44s %12s %10s  %s\n", "one thread", "per second", "ns", "goal");
	print_row("revocations: lookup, none", none, "");
	print_row("revocations: first lookup among 100,000", many, "once a token");
	print_row("revocations: of a cached token", known, "< 0.15 of a cached token's 1000");
	print_row("internal token: Txn-Token, by OpenSSL", txn, "every request that asks for one");
	print_row("internal token: JWT, by libjwt", fresh, "once a caller and half life");
	print_row("internal token: JWT that serves again", again, "every other request");
	(void)printf("memory of 100,000 revocations: %.1f MiB, goal < 64\n",
	             (double)revocations_bytes(full) / (1 << 20));
	revocations_unref(empty);
	revocations_unref(full);
	minter_free(b.minter);
	mintkeys_unref(b.keys);
	return 0;
}
