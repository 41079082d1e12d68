/* A policy set is refused with a reason, or loads, is looked through by lint, and then judges: twice the same, never
 * granting a path that may be read in two ways. */
#include "core/limits.h"
#include "model/decision.h"
#include "model/request.h"
#include "policy/decide.h"
#include "policy/explain.h"
#include "policy/lint.h"
#include "policy/load.h"
#include "policy/policy.h"

#include <stdint.h>
#include <stdlib.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const paths[] = {"/", "/orders/17", "/orders//17", "/a%2fb", "/a/b/c/d", "*"};

static void judge(const struct policy *policy, const char *path, struct arena *arena)
{
	struct decide_ctx ctx = {.arena = arena, .now_us = 1};
	static const struct sv groups[] = {SV("staff"), SV("it-ops")};
	const struct identity who = {.method = AUTH_JWT,
	                             .groups = groups,
	                             .n_groups = ARRAY_LEN(groups),
	                             .user = SV("alice"),
	                             .issuer = SV("https://idp"),
	                             .subject = SV("alice"),
	                             .principal = SV("https://idp/alice"),
	                             .workload = SV("spiffe://td/ns/a/sa/b"),
	                             .trust_domain = SV("td"),
	                             .namespace = SV("a"),
	                             .service_account = SV("b")};
	struct request request = {.method = SV("GET"),
	                          .host = SV("shop.example"),
	                          .path = sv_of(path),
	                          .cert_verify = -1};
	struct decision first, second;
	policy_decide_as(policy, &ctx, &request, &who, &first);
	policy_decide_as(policy, &ctx, &request, &who, &second);
	HOLDS(first.verdict.effect == second.verdict.effect);
	HOLDS(first.verdict.reason == second.verdict.reason);
	HOLDS((first.verdict.effect == VERDICT_ALLOW) == (first.verdict.status == 200));
	HOLDS(strcmp(path, "/a%2fb") != 0 || first.verdict.effect != VERDICT_ALLOW);
	json_t *shown = policy_explain(&first);
	HOLDS(shown);
	json_decref(shown);
	arena_reset(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sv text = {(const char *)data, size};
	struct diag d = diag_over("fuzz", text);
	struct policy *policy = NULL;
	struct arena arena;
	int r = policy_load(text, NULL, 1, &d, &policy);
	HOLDS((r == 0) == (policy != NULL));
	HOLDS((r == 0) == (d.n == 0));
	if (policy) {
		HOLDS(policy_lint(text, &d) == 0);
		HOLDS(arena_init(&arena, REQUEST_ARENA_BYTES) == 0);
		for (size_t i = 0; i < ARRAY_LEN(paths); i++)
			judge(policy, paths[i], &arena);
		arena_fini(&arena);
	}
	policy_unref(policy);
	diag_fini(&d);
	return 0;
}
