/* Whatever a program asks by AuthZEN: it is refused with its place, or it is decided, and nothing that nobody was granted
 * is allowed. */
#include "core/arena.h"
#include "core/jsonload.h"
#include "policy/authzen.h"
#include "policy/load.h"
#include "policy/policy.h"

#include <stdlib.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char set[] =
	"{\"types\":{\"user\":{},\"order\":{\"owner\":{\"types\":[\"user\"]}}},"
	"\"services\":[{\"name\":\"orders\",\"paths\":[\"/orders/{**}\"]}],"
	"\"policies\":[{\"name\":\"read\",\"action\":\"ALLOW\",\"rules\":[{\"to\":[{\"operation\":{"
	"\"methods\":[\"GET\"],\"paths\":[\"/orders/{id}\"]}}]}]}]}";

static void ask(const struct policy *policy, const json_t *evaluation)
{
	struct arena arena;
	struct authzen_case one;
	const char *pointer = NULL;
	if (!authzen_well_formed(evaluation, &pointer)) {
		HOLDS(pointer);
		return;
	}
	HOLDS(arena_init(&arena, 256 * 1024) == 0);
	authzen_decide(policy, evaluation, NULL, 1800000000000000, &arena, &one);
	bool allowed = one.decision.verdict.effect == VERDICT_ALLOW;
	HOLDS(!allowed || sv_starts(one.asked.path, SVL("/orders/")));
	json_t *answer = authzen_answer(&one.decision);
	HOLDS(answer && json_is_true(json_object_get(answer, "decision")) == allowed);
	json_decref(answer);
	authzen_case_fini(&one);
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct policy *policy; /* as long as the process */
	if (!policy)
		HOLDS(policy_load(sv_of(set), NULL, 1, NULL, &policy) == 0);
	json_t *asked = json_load_strict((struct sv){(const char *)data, size}, 0, NULL);
	if (json_is_object(asked))
		ask(policy, asked);
	json_decref(asked);
	return 0;
}
