/* What one decision of the policy engine costs as the policy set grows, against a plain look at every
 * rule. Prints nanoseconds a decision and the ratio of 10,000 policies to 10. Arguments: --quick
 */
#include "authz/set.h"
#include "core/limits.h"
#include "core/strbuf.h"
#include "model/decision.h"
#include "model/request.h"
#include "policy/decide.h"
#include "policy/load.h"
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { N_SERVICES = 50, N_REQUESTS = 512 };

/* CPU time of this thread: other programs on the machine do not count. */
static uint64_t cpu_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static uint64_t seed = 42;

static unsigned pick(unsigned n)
{
	seed = seed * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(seed >> 33) % n;
}

/* REST-like rules: collections of services, by template, prefix and name, for users and workloads. */
static void add_policy(struct strbuf *out, unsigned i)
{
	static const char *const shapes[] = {"/v1/c%u", "/v1/c%u/{id}", "/v1/c%u/{id}/items/{item}",
	                                     "/v1/c%u/x/*", "/v1/c%u/{**}"};
	static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
	char path[96];
	char shape[32];
	(void)snprintf(shape, sizeof(shape), "%s", shapes[i % 5]);
	char *mark = strstr(shape, "%u");
	*mark = 0;
	(void)snprintf(path, sizeof(path), "%s%u%s", shape, i / 5, mark + 2);
	strbuf_addf(
		out,
		"%s{\"name\":\"p%u\",\"action\":\"%s\",\"services\":[\"s%u\"],\"rules\":[{\"from\":"
		"[{\"source\":{\"%s\":[\"%s\"]}}],\"to\":[{\"operation\":{\"methods\":[\"%s\"],"
		"\"paths\":[\"%s\"]}}]}]}",
		i ? "," : "", i, i % 10 == 9 ? "DENY" : "ALLOW", i % N_SERVICES,
		i % 3 ? "requestPrincipals" : "principals",
		i % 3 ? "https://idp.example/*" : "td/ns/shop/*", methods[i % 4], path);
}

static struct policy *make_policy(unsigned n)
{
	struct strbuf text = strbuf_with(64 << 20);
	struct policy *policy = NULL;
	strbuf_add(&text, SVL("{\"services\":["));
	for (unsigned i = 0; i < N_SERVICES; i++)
		strbuf_addf(&text, "%s{\"name\":\"s%u\",\"hosts\":[\"s%u.example\"]}", i ? "," : "",
		            i, i);
	strbuf_add(&text, SVL("],\"policies\":["));
	for (unsigned i = 0; i < n; i++)
		add_policy(&text, i);
	strbuf_add(&text, SVL("]}"));
	struct diag d = diag_over("bench", strbuf_sv(&text));
	if (policy_load(strbuf_sv(&text), NULL, 1, &d, &policy) != 0) {
		diag_print(&d, stderr);
		exit(1);
	}
	diag_fini(&d);
	strbuf_fini(&text);
	return policy;
}

struct asked {
	char path[64];
	char host[32];
	struct request request;
};

/* Half the requests aim at a rule, half beside. */
static void ask(struct asked *a, unsigned n_policies)
{
	static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
	static const char *const shapes[] = {"", "/17", "/17/items/4", "/x/y", "/a/b/c"};
	unsigned i = pick(n_policies);
	unsigned off = pick(2);
	(void)snprintf(a->path, sizeof(a->path), "/v1/c%u%s", i / 5 + off * 100000, shapes[i % 5]);
	(void)snprintf(a->host, sizeof(a->host), "s%u.example", i % N_SERVICES);
	a->request = (struct request){.method = sv_of(methods[i % 4]),
	                              .path = sv_of(a->path),
	                              .host = sv_of(a->host),
	                              .cert_verify = -1};
}

static const struct identity who = {.method = AUTH_JWT,
                                    .user = SV("alice"),
                                    .issuer = SV("https://idp.example"),
                                    .subject = SV("alice"),
                                    .principal = SV("https://idp.example/alice"),
                                    .workload = SV("spiffe://td/ns/shop/sa/cart"),
                                    .trust_domain = SV("td"),
                                    .namespace = SV("shop"),
                                    .service_account = SV("cart")};

static struct asked questions[N_REQUESTS];

static double time_index(const struct policy *policy, struct arena *arena, unsigned rounds,
                         size_t *n_allowed)
{
	struct decide_ctx ctx = {.arena = arena, .now_us = 1};
	uint64_t start = cpu_ns();
	*n_allowed = 0;
	for (unsigned r = 0; r < rounds; r++) {
		for (size_t i = 0; i < N_REQUESTS; i++) {
			struct decision d;
			policy_decide_as(policy, &ctx, &questions[i].request, &who, &d);
			*n_allowed += d.verdict.effect == VERDICT_ALLOW;
			arena_reset(arena);
		}
	}
	*n_allowed /= rounds;
	return (double)(cpu_ns() - start) / rounds / N_REQUESTS;
}

/* The same order without an index: every rule of the service, DENY before ALLOW. */
static bool scan(const struct authz *set, const struct authz_view *view, uint64_t space)
{
	size_t n;
	const struct authz_entry *all = authz_index_all(set->index, space, &n);
	for (size_t i = 0; i < n; i++) {
		struct authz_miss miss = {0};
		struct sv route;
		if (authz_rule_holds(set->rules[all[i].rule].rule, view, &route, &miss))
			return set->rules[all[i].rule].group == AUTHZ_GROUP_ALLOW;
	}
	return false;
}

static double time_scan(const struct policy *policy, struct arena *arena, unsigned rounds,
                        size_t *n_allowed)
{
	const struct authz *set = policy_authz(policy);
	uint64_t start = cpu_ns();
	*n_allowed = 0;
	for (unsigned r = 0; r < rounds; r++) {
		for (size_t i = 0; i < N_REQUESTS; i++) {
			struct authz_target target;
			struct verdict verdict;
			if (authz_locate(set, &questions[i].request, arena, &target, &verdict)) {
				struct authz_view view = {.request = &questions[i].request,
				                          .who = &who,
				                          .path = target.path.normal,
				                          .host = target.host,
				                          .scratch = arena};
				*n_allowed += scan(set, &view, target.service->space);
			}
			arena_reset(arena);
		}
	}
	*n_allowed /= rounds;
	return (double)(cpu_ns() - start) / rounds / N_REQUESTS;
}

int main(int argc, char **argv)
{
	static const unsigned sizes[] = {10, 100, 1000, 10000};
	bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
	double first = 0;
	double last = 0;
	struct arena arena;
	if (arena_init(&arena, REQUEST_ARENA_BYTES) != 0)
		return 1;
	(void)printf("%10s %14s %14s %10s %10s\n", "policies", "index ns", "scan ns", "allowed",
	             "ratio");
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct policy *policy = make_policy(sizes[i]);
		size_t by_index, by_scan;
		for (size_t k = 0; k < N_REQUESTS; k++)
			ask(&questions[k], sizes[i]);
		(void)time_index(policy, &arena, 10, &by_index);
		last = time_index(policy, &arena, quick ? 200 : 2000, &by_index);
		first = first > 0 ? first : last;
		double scanned = time_scan(policy, &arena, quick ? 20 : 100, &by_scan);
		(void)printf("%10u %14.0f %14.0f %10zu %10.2f\n", sizes[i], last, scanned, by_index,
		             last / first);
		policy_unref(policy);
		if (by_index != by_scan) {
			(void)fprintf(stderr,
			              "the index decides otherwise than the scan: %zu, %zu\n",
			              by_index, by_scan);
			return 1;
		}
	}
	arena_fini(&arena);
	return 0;
}
