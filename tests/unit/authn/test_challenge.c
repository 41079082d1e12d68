/* What a refused client is told. */
#include "authn/challenge.h"
#include "core/limits.h"
#include "support/cmocka_prelude.h"

static struct authn *authn;

static struct sv challenge_for(enum reason reason, struct sv stepup, struct arena *arena)
{
	const struct request req = {.cert_verify = -1};
	struct verdict verdict = verdict_deny(reason);
	verdict.stepup.challenge = stepup;
	return authn_challenge(authn, &req, &verdict, arena);
}

static void it_says_what_is_wrong_and_no_more(void **state)
{
	static const struct {
		enum reason reason;
		const char *text;
	} rows[] = {
		{REASON_AUTHENTICATION_REQUIRED, "Bearer realm=\"haward\""},
		{REASON_UNSUPPORTED_CREDENTIAL, "Bearer realm=\"haward\""},
		{REASON_CERTIFICATE_INVALID, "Bearer realm=\"haward\""},
		{REASON_SIGNATURE_INVALID, "Bearer realm=\"haward\", error=\"invalid_token\""},
		{REASON_TOKEN_BINDING_MISSING, "Bearer realm=\"haward\", error=\"invalid_token\""},
		{REASON_API_KEY_REVOKED, "Bearer realm=\"haward\", error=\"invalid_token\", "
	                                 "error_description=\"the API key was revoked\""},
		{REASON_TOKEN_EXPIRED, "Bearer realm=\"haward\", error=\"invalid_token\", "
	                               "error_description=\"the token has expired\""},
		{REASON_MULTIPLE_CREDENTIALS, "Bearer realm=\"haward\", error=\"invalid_request\", "
	                                      "error_description=\"more than one credential\""},
	};
	struct arena arena;
	(void)state;
	assert_int_equal(arena_init(&arena, REQUEST_ARENA_BYTES), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_true(
			sv_eq(challenge_for(rows[i].reason, SVL(""), &arena), sv_of(rows[i].text)));
	for (int r = 0; r < REASON_COUNT; r++) {
		bool by_dpop = r >= REASON_DPOP_REQUIRED && r <= REASON_DPOP_NONCE;
		struct sv text = challenge_for((enum reason)r, SVL(""), &arena);
		assert_true(sv_starts(text, by_dpop ? SVL("DPoP realm=\"haward\", error=")
		                                    : SVL("Bearer realm=\"haward\"")));
	}
	arena_fini(&arena);
}

static void a_step_up_says_what_to_ask_for(void **state)
{
	struct arena arena;
	(void)state;
	assert_int_equal(arena_init(&arena, REQUEST_ARENA_BYTES), 0);
	struct sv text = challenge_for(REASON_STEP_UP_REQUIRED,
	                               SVL(", acr_values=\"gold\", max_age=\"300\""), &arena);
	assert_true(sv_eq(text, SVL("Bearer realm=\"haward\", "
	                            "error=\"insufficient_user_authentication\", "
	                            "error_description=\"a stronger or more recent sign-in is "
	                            "asked for\", acr_values=\"gold\", max_age=\"300\"")));
	arena_fini(&arena);
}

static int set_up(void **state)
{
	static const struct authn_document nothing;
	(void)state;
	return authn_compile(&nothing, NULL, NULL, &authn);
}

static int tear_down(void **state)
{
	(void)state;
	authn_free(authn);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_what_is_wrong_and_no_more),
		cmocka_unit_test(a_step_up_says_what_to_ask_for),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
