/* What 1,000,000 relations cost: their memory, and a check of one: found directly, through a group, not at all. Prints
 * one table, with the goals; the reference is one read of memory that is in no cache, since a check of one among so many
 * can hardly cost less. Arguments: --quick (100,000 relations)
 */
#include "authz/authz.h"
#include "authz/relation_check.h"
#include "core/diag.h"
#include "core/jsonload.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	N_TUPLES = 1000000,
	N_TUPLES_QUICK = 100000,
	N_USERS = 50000,
	N_ASKED = 100000,
	N_ROUNDS = 5
};

#define MUST(what)                                                             \
	do {                                                                   \
		if (!(what)) {                                                 \
			(void)fprintf(stderr, "bench_relations: %s\n", #what); \
			exit(1);                                               \
		}                                                              \
	} while (0)

/* CPU time of this thread: other programs on the machine do not count. */
static uint64_t cpu_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static void keep_best(double *best, double ns)
{
	if (*best == 0 || ns < *best)
		*best = ns;
}

static const char types[] = "{\"user\":{},\"group\":{\"member\":{\"types\":[\"user\"]}},"
			    "\"order\":{\"owner\":{\"types\":[\"user\",\"group#member\"]}}}";

struct bench {
	struct authz *set;
	struct relation_tuples *tuples;
	unsigned n;
	double fill_ns, found_ns, group_ns, missing_ns, memory_ns;
};

static void add(struct bench *b, const char *object, const char *subject, const char *relation)
{
	char text[128];
	struct relation_tuple tuple;
	const char *why;
	size_t at;
	(void)snprintf(text, sizeof(text), "%s#%s@%s", object, relation, subject);
	MUST(relation_tuple_parse(sv_of(text), &tuple, &why, &at));
	MUST(relation_tuples_add(b->tuples, &tuple) == 0);
}

/* Nine orders of ten have one owner, the tenth a group; a group has ten members. */
static void fill(struct bench *b)
{
	char object[48], subject[48];
	uint64_t start = cpu_ns();
	b->tuples = relation_tuples_new();
	MUST(b->tuples);
	for (unsigned i = 0; i < b->n; i++) {
		(void)snprintf(object, sizeof(object), "order:%08u", i);
		if (i % 10)
			(void)snprintf(subject, sizeof(subject), "user:u%05u", i * 7 % N_USERS);
		else
			(void)snprintf(subject, sizeof(subject), "group:g%04u#member",
			               i / 10 % 1000);
		add(b, object, subject, "owner");
	}
	for (unsigned i = 0; i < 10000; i++) {
		(void)snprintf(object, sizeof(object), "group:g%04u", i / 10);
		(void)snprintf(subject, sizeof(subject), "user:u%05u", i);
		add(b, object, subject, "member");
	}
	relation_tuples_seal(b->tuples);
	b->fill_ns = (double)(cpu_ns() - start);
}

/* A question as a condition would ask it. */
struct asked {
	char object[48], subject[48];
};

static double time_checks(const struct bench *b, const struct asked *asked,
                          enum relation_answer expected)
{
	struct relation_question q = {
		.model = authz_relations(b->set), .tuples = b->tuples, .relation = SV("owner")};
	const char *why;
	size_t at;
	uint64_t start = cpu_ns();
	for (unsigned i = 0; i < N_ASKED; i++) {
		MUST(relation_ref_parse(sv_of(asked[i].object), &q.object, &why, &at));
		MUST(relation_ref_parse(sv_of(asked[i].subject), &q.subject, &why, &at));
		MUST(relation_check(&q) == expected);
	}
	return (double)(cpu_ns() - start) / N_ASKED;
}

/* Anywhere among all, so that little of it is in a cache. */
static unsigned somewhere(unsigned i, unsigned n)
{
	return (unsigned)((uint64_t)i * 2654435761U % n);
}

static double time_found(const struct bench *b, struct asked *asked)
{
	for (unsigned i = 0; i < N_ASKED; i++) {
		unsigned k = somewhere(i, b->n / 10) * 10 + 1 + i % 9;
		(void)snprintf(asked[i].object, sizeof(asked[i].object), "order:%08u", k);
		(void)snprintf(asked[i].subject, sizeof(asked[i].subject), "user:u%05u",
		               k * 7 % N_USERS);
	}
	return time_checks(b, asked, RELATION_YES);
}

static double time_group(const struct bench *b, struct asked *asked)
{
	for (unsigned i = 0; i < N_ASKED; i++) {
		unsigned k = somewhere(i, b->n / 10);
		(void)snprintf(asked[i].object, sizeof(asked[i].object), "order:%08u", k * 10);
		(void)snprintf(asked[i].subject, sizeof(asked[i].subject), "user:u%05u",
		               k % 1000 * 10 + i % 10);
	}
	return time_checks(b, asked, RELATION_YES);
}

static double time_missing(const struct bench *b, struct asked *asked)
{
	for (unsigned i = 0; i < N_ASKED; i++) {
		unsigned k = somewhere(i, b->n / 10) * 10 + 1;
		(void)snprintf(asked[i].object, sizeof(asked[i].object), "order:%08u", k);
		(void)snprintf(asked[i].subject, sizeof(asked[i].subject), "user:u%05u",
		               (k * 7 + 1) % N_USERS);
	}
	return time_checks(b, asked, RELATION_NO);
}

/* One read after the other of 64 MiB, each where the last one says. */
static double time_memory(void)
{
	enum { N = 16 * 1024 * 1024, READS = 1000000 };
	uint32_t *ring = malloc(N * sizeof(*ring));
	uint32_t at = 0;
	MUST(ring);
	for (uint32_t i = 0; i < N; i++)
		ring[i] = (i * 1664525U + 1013904223U) % N; /* a full period */
	uint64_t start = cpu_ns();
	for (unsigned i = 0; i < READS; i++)
		at = ring[at];
	double ns = (double)(cpu_ns() - start) / READS;
	free(ring);
	return at < N ? ns : 0;
}

static void print_table(const struct bench *b)
{
	double bytes = (double)relation_tuples_bytes(b->tuples);
	size_t n = relation_tuples_count(b->tuples);
	(void)printf("%-44s %14s  %s\n", "one thread", "", "goal");
	(void)printf("%-44s %11zu\n", "relations", n);
	(void)printf("%-44s %11.1f      <= 64\n", "bytes each, with their texts",
	             bytes / (double)n);
	(void)printf("%-44s %11.0f ns\n", "one read of memory, the reference", b->memory_ns);
	(void)printf("%-44s %11.0f ns   <= 300 ns; %.1f reads\n", "checked, there directly",
	             b->found_ns, b->found_ns / b->memory_ns);
	(void)printf("%-44s %11.0f ns   %.1f reads\n", "checked, there through a group",
	             b->group_ns, b->group_ns / b->memory_ns);
	(void)printf("%-44s %11.0f ns   %.1f reads\n", "checked, not there", b->missing_ns,
	             b->missing_ns / b->memory_ns);
	(void)printf("%-44s %11.1f ms\n", "filled", b->fill_ns / 1e6);
}

int main(int argc, char **argv)
{
	bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
	struct bench b = {.n = quick ? N_TUPLES_QUICK : N_TUPLES};
	struct asked *asked = calloc(N_ASKED, sizeof(*asked));
	struct diag d = diag_over("bench", sv_of(types));
	json_t *model = json_load_strict(sv_of(types), 0, &d);
	const struct authz_document document = {.types = model, .n_bytes = sizeof(types)};
	MUST(asked && model && authz_compile(&document, &d, &b.set) == 0);
	fill(&b);
	for (unsigned i = 0; i < N_ROUNDS; i++) {
		keep_best(&b.found_ns, time_found(&b, asked));
		keep_best(&b.group_ns, time_group(&b, asked));
		keep_best(&b.missing_ns, time_missing(&b, asked));
		keep_best(&b.memory_ns, time_memory());
	}
	print_table(&b);
	relation_tuples_free(b.tuples);
	authz_free(b.set);
	json_decref(model);
	diag_fini(&d);
	free(asked);
	return 0;
}
