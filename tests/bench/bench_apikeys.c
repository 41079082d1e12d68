/* What 100,000 API keys cost: the table read from what is kept, its memory, and a key from text to identity, never
 * seen before and seen a moment ago. Prints one table, with the goals. Arguments: --quick (10,000 keys)
 */
#include "authn/apikeys.h"
#include "authn/authn.h"
#include "authn/tokencache.h"
#include "core/limits.h"
#include "policy/apikeys.h"
#include "state/pepper.h"
#include "state/state.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { N_KEYS = 100000, N_KEYS_QUICK = 10000, N_ASKED = 4096, N_ROUNDS = 7, NOW = 1764000000 };

#define MUST(what)                                                           \
	do {                                                                 \
		if (!(what)) {                                               \
			(void)fprintf(stderr, "bench_apikeys: %s\n", #what); \
			exit(1);                                             \
		}                                                            \
	} while (0)

/* CPU time of this thread: other programs on the machine do not count. */
static uint64_t cpu_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

struct bench {
	char dir[64];
	struct policy_tables_env env;
	unsigned n_keys;
	char (*texts)[APIKEY_TEXT_BYTES]; /* of the first N_ASKED */
	struct shared *table;
	size_t table_bytes;
	struct authn *authn;
	struct tokencache *cache;
	struct arena arena;
	double build_ns, find_ns, fresh_ns, one_ns, many_ns;
};

static void keep_best(double *best, double ns)
{
	if (*best == 0 || ns < *best)
		*best = ns;
}

/* Rights as real ones: a few scopes, a group, one network in four. Not on a disk: each is a commit. */
static void fill(struct bench *b)
{
	char path[96];
	(void)snprintf(b->dir, sizeof(b->dir), "%s/haward-bench-XXXXXX",
	               access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	MUST(mkdtemp(b->dir));
	(void)snprintf(path, sizeof(path), "%s/state", b->dir);
	b->env.data_dir = b->dir;
	MUST(state_open(path, &b->env.state) == 0);
	for (unsigned i = 0; i < b->n_keys; i++) {
		char text[APIKEY_TEXT_BYTES], owner[64];
		struct state_apikey kept;
		(void)snprintf(owner, sizeof(owner), "service-%06u@shop.example.com", i);
		const struct state_apikey wish = {
			.owner = sv_of(owner),
			.client = SV("nightly-export"),
			.note = SV("ticket 4711"),
			.groups = SV("warehouse"),
			.scopes = SV("orders:read\norders:write\nbilling:read"),
			.networks = i % 4 ? (struct sv){0} : SVL("10.0.0.0/8\n2001:db8::/32"),
			.created_by = SV("root"),
			.created_us = INT64_C(1000000) * NOW,
		};
		MUST(policy_apikey_create(&b->env, &wish, text, &kept) == 0);
		state_apikey_fini(&kept);
		if (i < N_ASKED)
			memcpy(b->texts[i], text, sizeof(text));
	}
}

static void build(struct bench *b)
{
	struct shared *fresh = NULL;
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	uint64_t start = cpu_ns();
	MUST(policy_apikeys_build(&b->env, b->table, &fresh) == 0);
	keep_best(&b->build_ns, (double)(cpu_ns() - start));
	b->table_bytes = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	shared_unref(b->table);
	b->table = fresh;
}

static double time_find(const struct bench *b)
{
	const struct apikeys *table = apikeys_of(b->table);
	uint64_t start = cpu_ns();
	for (unsigned i = 0; i < N_ASKED; i++)
		MUST(apikeys_find(table, (struct sv){b->texts[i] + 3, APIKEY_TEXT_ID_CHARS}) !=
		     APIKEYS_NONE);
	return (double)(cpu_ns() - start) / N_ASKED;
}

/* ns a key; n of them, n_times in turn */
static double time_keys(struct bench *b, unsigned n, unsigned n_times)
{
	const struct authn_ctx ctx = {.cache = b->cache,
	                              .arena = &b->arena,
	                              .now_s = NOW,
	                              .apikeys = b->table,
	                              .service = SV("orders")};
	struct request req = {.n_api_key = 1, .cert_verify = -1};
	struct identity who;
	enum reason why;
	MUST(netaddr_parse(SVL("10.1.2.3"), &req.src));
	uint64_t start = cpu_ns();
	for (unsigned k = 0; k < n_times; k++)
		for (unsigned i = 0; i < n; i++) {
			arena_reset(&b->arena);
			req.api_key = (struct sv){b->texts[i], APIKEY_TEXT_CHARS};
			MUST(authn_identify(b->authn, &ctx, &req, &who, &why) == AUTHN_OK);
		}
	return (double)(cpu_ns() - start) / n / n_times;
}

/* Another table each round, so that every key is new once. */
static void run_round(struct bench *b)
{
	build(b);
	keep_best(&b->find_ns, time_find(b));
	keep_best(&b->fresh_ns, time_keys(b, N_ASKED, 1));
	keep_best(&b->many_ns, time_keys(b, N_ASKED, 20));
	keep_best(&b->one_ns, time_keys(b, 1, 50000));
}

static void print_table(const struct bench *b)
{
	(void)printf("%-44s %14s  %s\n", "one thread", "", "goal");
	(void)printf("%-44s %11u\n", "API keys", b->n_keys);
	(void)printf("%-44s %11.1f MiB  <= 64 MiB\n", "memory of the table",
	             (double)b->table_bytes / (1 << 20));
	(void)printf("%-44s %11.1f ms   < 200 ms\n", "built from what is kept", b->build_ns / 1e6);
	(void)printf("%-44s %11.0f ns\n", "found by its id", b->find_ns);
	(void)printf("%-44s %11.0f ns\n", "never seen, from text to identity", b->fresh_ns);
	(void)printf("%-44s %11.0f ns   < 1000 ns\n", "seen, one key", b->one_ns);
	(void)printf("%-44s %11.0f ns\n", "seen, 4096 keys in turn", b->many_ns);
}

static void remove_all(const struct bench *b)
{
	static const char *const names[] = {"state/data.mdb", "state/lock.mdb", "state",
	                                    PEPPER_FILE, ""};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char path[96];
		(void)snprintf(path, sizeof(path), "%s/%s", b->dir, names[i]);
		(void)remove(path);
	}
}

int main(int argc, char **argv)
{
	bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
	static const struct authn_document document;
	struct bench b = {.n_keys = quick ? N_KEYS_QUICK : N_KEYS};
	b.texts = calloc(N_ASKED, sizeof(*b.texts));
	b.cache = tokencache_new(TOKENCACHE_ENTRIES);
	MUST(b.texts && b.cache && arena_init(&b.arena, REQUEST_ARENA_BYTES) == 0);
	MUST(authn_compile(&document, NULL, NULL, &b.authn) == 0);
	fill(&b);
	for (unsigned i = 0; i < N_ROUNDS; i++)
		run_round(&b);
	print_table(&b);
	shared_unref(b.table);
	authn_free(b.authn);
	tokencache_free(b.cache);
	arena_fini(&b.arena);
	free(b.texts);
	state_close(b.env.state);
	remove_all(&b);
	return 0;
}
