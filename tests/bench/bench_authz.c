/* What one decision of the policy engine costs as the policy set grows, 10,000 policies over 1,000 services, against a
 * plain look at every rule; what one costs whose policies have conditions, and one by roles; how long it takes to
 * publish. Prints nanoseconds a decision and the ratio of 10,000 policies to 10. Arguments: --quick
 */
#include "authz/set.h"
#include "core/limits.h"
#include "core/strbuf.h"
#include "model/decision.h"
#include "model/request.h"
#include "policy/decide.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "policy/slot.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { POLICIES_A_SERVICE = 10, N_REQUESTS = 512 };

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
static void add_policy(struct strbuf *out, unsigned i, unsigned n_services)
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
		i ? "," : "", i, i % 10 == 9 ? "DENY" : "ALLOW", i % n_services,
		i % 3 ? "requestPrincipals" : "principals",
		i % 3 ? "https://idp.example/*" : "td/ns/shop/*", methods[i % 4], path);
}

/* Each service has as many of each action: neighbours go to different ones. */
static unsigned services_of(unsigned n_policies)
{
	return MAX_OF(n_policies / POLICIES_A_SERVICE, 1U);
}

static void add_services(struct strbuf *out, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		strbuf_addf(out, "%s{\"name\":\"s%u\",\"hosts\":[\"s%u.example\"]}", i ? "," : "",
		            i, i);
}

static struct policy *load(const struct strbuf *text)
{
	struct policy *policy = NULL;
	struct diag d = diag_over("bench", strbuf_sv(text));
	if (policy_load(strbuf_sv(text), NULL, 1, &d, &policy) != 0) {
		diag_print(&d, stderr);
		exit(1);
	}
	diag_fini(&d);
	return policy;
}

static struct strbuf plain_text(unsigned n)
{
	struct strbuf text = strbuf_with(64 << 20);
	strbuf_add(&text, SVL("{\"services\":["));
	add_services(&text, services_of(n));
	strbuf_add(&text, SVL("],\"policies\":["));
	for (unsigned i = 0; i < n; i++)
		add_policy(&text, i, services_of(n));
	strbuf_add(&text, SVL("]}"));
	return text;
}

static struct policy *make_policy(unsigned n)
{
	struct strbuf text = plain_text(n);
	struct policy *policy = load(&text);
	strbuf_fini(&text);
	return policy;
}

/* Path templates, and a condition of what the path captures. */
static struct policy *make_conditions(unsigned n)
{
	struct strbuf text = strbuf_with(64 << 20);
	strbuf_add(&text, SVL("{\"services\":["));
	add_services(&text, services_of(n));
	strbuf_add(&text, SVL("],\"policies\":["));
	for (unsigned i = 0; i < n; i++)
		strbuf_addf(&text,
		            "%s{\"name\":\"p%u\",\"action\":\"ALLOW\",\"services\":[\"s%u\"],"
		            "\"rules\":[{\"to\":[{\"operation\":{\"methods\":[\"GET\"],\"paths\":"
		            "[\"/v1/c%u/{id}/of/{user}\"]}}],"
		            "\"condition\":\"path.user == user || 'admin' in groups\"}]}",
		            i ? "," : "", i, i % services_of(n), i);
	strbuf_add(&text, SVL("]}"));
	struct policy *policy = load(&text);
	strbuf_fini(&text);
	return policy;
}

/* Every role permits the same operation to a group of its own. */
static struct policy *make_roles(unsigned n)
{
	struct strbuf text = strbuf_with(64 << 20);
	strbuf_add(&text, SVL("{\"services\":["));
	add_services(&text, 1);
	strbuf_add(&text, SVL("],\"roles\":["));
	for (unsigned i = 0; i < n; i++)
		strbuf_addf(&text,
		            "%s{\"name\":\"r%u\",\"permissions\":[{\"services\":[\"s0\"],"
		            "\"operations\":[{\"methods\":[\"GET\"],\"paths\":[\"/v1/{c}/{id}/of/"
		            "{user}\"]}]}],"
		            "\"bindings\":[{\"groups\":[\"g%u\"]}]}",
		            i ? "," : "", i, i);
	strbuf_add(&text, SVL("]}"));
	struct policy *policy = load(&text);
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
	(void)snprintf(a->host, sizeof(a->host), "s%u.example", i % services_of(n_policies));
	a->request = (struct request){.method = sv_of(methods[i % 4]),
	                              .path = sv_of(a->path),
	                              .host = sv_of(a->host),
	                              .cert_verify = -1};
}

static const struct sv groups[] = {SV("staff"), SV("g7")};
static const struct identity who = {.method = AUTH_JWT,
                                    .groups = groups,
                                    .n_groups = ARRAY_LEN(groups),
                                    .user = SV("alice"),
                                    .issuer = SV("https://idp.example"),
                                    .subject = SV("alice"),
                                    .principal = SV("https://idp.example/alice"),
                                    .workload = SV("spiffe://td/ns/shop/sa/cart"),
                                    .trust_domain = SV("td"),
                                    .namespace = SV("shop"),
                                    .service_account = SV("cart")};

static struct asked questions[N_REQUESTS];

static uint64_t pass(const struct policy *policy, struct arena *arena, unsigned rounds,
                     size_t *n_allowed)
{
	struct decide_ctx ctx = {.arena = arena, .now_us = 1};
	uint64_t start = cpu_ns();
	for (unsigned r = 0; r < rounds; r++) {
		for (size_t i = 0; i < N_REQUESTS; i++) {
			struct decision d;
			policy_decide_as(policy, &ctx, &questions[i].request, &who, &d);
			*n_allowed += d.verdict.effect == VERDICT_ALLOW;
			arena_reset(arena);
		}
	}
	return cpu_ns() - start;
}

/* The best of several passes: what else the machine does costs cache lines as well as time. */
static double time_index(const struct policy *policy, struct arena *arena, unsigned rounds,
                         size_t *n_allowed)
{
	enum { PASSES = 10 };
	uint64_t best = UINT64_MAX;
	*n_allowed = 0;
	for (unsigned i = 0; i < PASSES; i++)
		best = MIN_OF(best, pass(policy, arena, rounds / PASSES, n_allowed));
	*n_allowed /= rounds / PASSES * PASSES;
	return (double)best / (double)(rounds / PASSES) / N_REQUESTS;
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

/* ---- conditions, roles, publishing ---- */

static void ask_path(struct asked *a, unsigned i, unsigned n_services)
{
	(void)snprintf(a->path, sizeof(a->path), "/v1/c%u/17/of/alice", i);
	(void)snprintf(a->host, sizeof(a->host), "s%u.example", i % n_services);
	a->request = (struct request){.method = SV("GET"),
	                              .path = sv_of(a->path),
	                              .host = sv_of(a->host),
	                              .cert_verify = -1};
}

static void print_row(const char *name, double value, const char *unit)
{
	(void)printf("%-24s %10.0f %s\n", name, value, unit);
}

/* Every question is granted; else it is no measurement of that. */
static double time_granted(struct policy *policy, struct arena *arena, unsigned rounds)
{
	size_t n_allowed;
	(void)time_index(policy, arena, 10, &n_allowed);
	double ns = time_index(policy, arena, rounds, &n_allowed);
	if (n_allowed != N_REQUESTS) {
		(void)fprintf(stderr, "only %zu of %d are granted\n", n_allowed, N_REQUESTS);
		exit(1);
	}
	policy_unref(policy);
	return ns;
}

static void time_conditions(struct arena *arena, unsigned rounds)
{
	enum { N = 100 };
	for (size_t k = 0; k < N_REQUESTS; k++)
		ask_path(&questions[k], pick(N), services_of(N));
	print_row("condition_100", time_granted(make_conditions(N), arena, rounds), "ns");
}

static void time_roles(struct arena *arena, unsigned rounds)
{
	for (size_t k = 0; k < N_REQUESTS; k++)
		ask_path(&questions[k], pick(100), 1);
	print_row("roles_10", time_granted(make_roles(10), arena, rounds), "ns");
	print_row("roles_10000", time_granted(make_roles(10000), arena, rounds), "ns");
}

/* From the text to what workers judge by; they go on meanwhile. */
static void time_publish(void)
{
	enum { N = 10000 };
	struct strbuf text = plain_text(N);
	struct policy_slot *slot = policy_slot_new();
	if (!slot)
		exit(1);
	policy_slot_publish(slot, load(&text));
	uint64_t start = cpu_ns();
	policy_slot_publish(slot, load(&text));
	print_row("publish_10000", (double)(cpu_ns() - start) / 1e6, "ms");
	policy_slot_free(slot);
	strbuf_fini(&text);
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
	time_conditions(&arena, quick ? 200 : 2000);
	time_roles(&arena, quick ? 200 : 2000);
	time_publish();
	arena_fini(&arena);
	return 0;
}
