/* The index never loses a rule: what a plain look at every rule finds is among its candidates. */
#include "authz/set.h"
#include "core/strbuf.h"
#include "support/judging.h"

enum { N_SETS = 60, N_RULES = 60, N_REQUESTS = 60 };

static uint64_t seed;

static unsigned pick(unsigned n)
{
	seed = seed * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(seed >> 33) % n;
}

static const char *const path_patterns[] = {
	"/",         "/a",          "/a/b",      "/a/b/c",   "/a*",        "/a/*",
	"/a/b*",     "*b",          "*/c",       "*",        "/{x}",       "/a/{x}",
	"/{x}/b",    "/{x}/{y}",    "/a/{x}/c",  "/{**}",    "/a/{**}",    "/{x}/{**}",
	"/a/{**}/c", "/{x}/b/{**}", "/b/{x=**}", "/{*}/{*}", "/{*}/b/{*}", "/a/{x}/",
};
static const char *const paths[] = {
	"/",      "/a",  "/b",    "/a/b",  "/a/",    "/a/b/c", "/b/b",  "/a/c",     "/b/b/c",
	"/a/c/c", "/ab", "/a/bb", "/a/b/", "/b/c/a", "/c/b/a", "/a//c", "/a/b/c/c", "*",
};
static const char *const hosts[] = {"one.example", "two.example", "ONE.example", "other"};
static const char *const methods[] = {"GET", "PUT", "BREW", "HEAD"};
static const char *const users[] = {"i/u1", "i/u2", "i/u3", "i/u4", "i/u5",
                                    "i/u6", "i/u7", "i/u8", "i/u9"};

#define ONE_OF(list) (list)[pick(ARRAY_LEN(list))]

static void write_rule(struct strbuf *out)
{
	bool source = pick(2);
	bool operation = pick(8);
	strbuf_add(out, SVL("{"));
	if (source)
		strbuf_addf(out, "\"from\":[{\"source\":{\"%s\":[\"%s\",\"%s\"]}}]%s",
		            pick(5) ? "requestPrincipals" : "notRequestPrincipals", ONE_OF(users),
		            ONE_OF(users), operation ? "," : "");
	if (operation) {
		strbuf_addf(out, "\"to\":[{\"operation\":{\"notMethods\":[\"NONE\"]");
		if (pick(3))
			strbuf_addf(out, ",\"paths\":[\"%s\",\"%s\"]", ONE_OF(path_patterns),
			            ONE_OF(path_patterns));
		if (pick(2))
			strbuf_addf(out, ",\"hosts\":[\"%s\"]",
			            pick(3) ? ONE_OF(hosts) : "*.example");
		if (pick(2))
			strbuf_addf(out, ",\"methods\":[\"%s\"]", pick(4) ? ONE_OF(methods) : "G*");
		strbuf_add(out, SVL("}}]"));
	}
	strbuf_add(out, SVL("}"));
}

static struct authz *random_set(void)
{
	struct strbuf text = strbuf_with(1 << 20);
	strbuf_add(&text, SVL("{\"policies\":["));
	for (unsigned i = 0; i < N_RULES; i++) {
		strbuf_addf(&text, "%s{\"name\":\"p%u\",\"action\":\"%s\",\"rules\":[",
		            i ? "," : "", i, pick(2) ? "ALLOW" : "DENY");
		write_rule(&text);
		strbuf_add(&text, SVL("]}"));
	}
	strbuf_add(&text, SVL("]}"));
	struct authz *set = set_of(text.at);
	strbuf_fini(&text);
	return set;
}

static bool is_candidate(const struct authz_candidates *candidates, uint32_t id)
{
	for (size_t i = 0; i < candidates->n; i++)
		if (candidates->at[i] == id)
			return true;
	return false;
}

static size_t check_request(const struct authz *set, struct arena *scratch)
{
	const struct request request = {.method = sv_of(ONE_OF(methods))};
	const struct identity who = {.method = AUTH_JWT,
	                             .principal = sv_of(pick(4) ? ONE_OF(users) : "")};
	const struct authz_view view = {.request = &request,
	                                .who = &who,
	                                .path = sv_of(ONE_OF(paths)),
	                                .host = sv_of(ONE_OF(hosts)),
	                                .scratch = scratch};
	struct authz_candidates candidates = {0};
	size_t n_found = 0;
	authz_index_find(set->index, AUTHZ_SPACE_COMMON, &view, &candidates);
	assert_false(candidates.failed);
	for (uint32_t id = 0; id < set->n_rules; id++) {
		struct authz_miss miss = {0};
		struct sv route;
		if (!authz_rule_holds(set->rules[id].rule, &view, &route, &miss))
			continue;
		n_found++;
		if (!is_candidate(&candidates, id))
			print_message("%.*s lost for %.*s\n", SV_ARG(set->rules[id].rule->pointer),
			              SV_ARG(view.path));
		assert_true(is_candidate(&candidates, id));
	}
	return n_found;
}

static void no_rule_that_holds_is_lost(void **state)
{
	(void)state;
	size_t n_found = 0;
	struct arena scratch;
	assert_int_equal(arena_init(&scratch, REQUEST_ARENA_BYTES), 0);
	for (seed = 1; seed <= N_SETS; seed++) {
		uint64_t start = seed;
		struct authz *set = random_set();
		for (unsigned i = 0; i < N_REQUESTS; i++) {
			n_found += check_request(set, &scratch);
			arena_reset(&scratch);
		}
		authz_free(set);
		seed = start;
	}
	assert_true(n_found > N_SETS * N_REQUESTS);
	arena_fini(&scratch);
}

static void many_tenants_on_one_path_make_few_candidates(void **state)
{
	(void)state;
	enum { TENANTS = 2000 };
	struct strbuf text = strbuf_with(8 << 20);
	struct arena scratch;
	struct authz_candidates candidates = {0};
	strbuf_add(&text, SVL("{\"policies\":["));
	for (unsigned i = 0; i < TENANTS; i++)
		strbuf_addf(
			&text,
			"%s{\"name\":\"p%u\",\"action\":\"ALLOW\",\"rules\":[{\"from\":[{"
			"\"source\":{"
			"\"requestPrincipals\":[\"i/u%u\"]}}],\"to\":[{\"operation\":{\"paths\":["
			"\"/orders/{id}\"]}}]}]}",
			i ? "," : "", i, i);
	strbuf_add(&text, SVL("]}"));
	struct authz *set = set_of(text.at);
	assert_int_equal(arena_init(&scratch, REQUEST_ARENA_BYTES), 0);
	const struct request request = {.method = SV("GET")};
	const struct identity who = {.method = AUTH_JWT, .principal = SV("i/u1234")};
	const struct authz_view view = {.request = &request,
	                                .who = &who,
	                                .path = SV("/orders/7"),
	                                .host = SV("h"),
	                                .scratch = &scratch};
	authz_index_find(set->index, AUTHZ_SPACE_COMMON, &view, &candidates);
	assert_true(candidates.n >= 1 && candidates.n <= 4);
	assert_true(is_candidate(&candidates, 1234));
	arena_fini(&scratch);
	authz_free(set);

	char *line;
	set = set_of(text.at);
	line = judged(set,
	              "{'method':'GET','host':'h','path':'/orders/7','claims':{'iss':'i','sub':"
	              "'u77'}}");
	assert_string_equal(line, "allow p77");
	free(line);
	line = judged(set, "{'method':'GET','host':'h','path':'/orders/7'}");
	assert_string_equal(line, "authenticate authentication_required");
	free(line);
	authz_free(set);
	strbuf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_rule_that_holds_is_lost),
		cmocka_unit_test(many_tenants_on_one_path_make_few_candidates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
