/* The token endpoint: what is sent there, and what its answers mean. */
#include "authn/grant.h"
#include "signing.h"

#include <stdio.h>
#include <unistd.h>

static int set_up(void **state)
{
	static struct signing signing;
	signing_make(&signing);
	*state = &signing;
	return 0;
}

static int tear_down(void **state)
{
	signing_fini(*state);
	return 0;
}

static void written_is(const struct grant_question *q, const char *form, const char *authorization)
{
	size_t max = grant_max_bytes(q);
	uint8_t *a = malloc(max), *b = malloc(max);
	assert_true(a && b);
	struct outbuf one = outbuf_over(a, max), two = outbuf_over(b, max);
	grant_write(q, &one, &two);
	assert_false(one.failed || two.failed);
	if (!sv_eq(outbuf_sv(&one), sv_of(form)))
		fail_msg("%.*s", SV_ARG(outbuf_sv(&one)));
	if (!sv_eq(outbuf_sv(&two), sv_of(authorization)))
		fail_msg("%.*s", SV_ARG(outbuf_sv(&two)));
	free(a);
	free(b);
}

static void a_client_proves_itself_as_its_login_says(void **state)
{
	struct signing *s = *state;
	char path[] = "/tmp/haward-secret-XXXXXX", list[1024];
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "s/ c\n", 5), 5);
	(void)close(fd);
	struct grant_question q = {
		.code = SV("c&d"), .redirect_uri = SV("https://a/b"), .verifier = SV("v")};
	q.login = logins_named(s->logins, SVL("web"));
	written_is(&q,
	           "grant_type=authorization_code&code=c%26d&redirect_uri=https%3A%2F%2Fa%2Fb&code_"
	           "verifier=v&client_id=client-1",
	           "");
	for (int post = 0; post < 2; post++) {
		struct logins *logins;
		struct diag d = diag_over("test", SVL(""));
		(void)snprintf(list, sizeof(list),
		               "[{" SIGNING_LOGIN
		               ",\"clientSecretFile\":\"%s\",\"clientAuth\":\"%s\"}]",
		               path, post ? "client_secret_post" : "client_secret_basic");
		assert_int_equal(signing_logins(s, list, &d, &logins), 0);
		q = (struct grant_question){.login = logins_named(logins, SVL("web")),
		                            .refresh_token = SV("r=")};
		if (post)
			written_is(&q,
			           "grant_type=refresh_token&refresh_token=r%3D&client_id=client-1&"
			           "client_secret=s%2F%20c",
			           "");
		else /* client-1:s%2F%20c */
			written_is(&q, "grant_type=refresh_token&refresh_token=r%3D",
			           "Basic Y2xpZW50LTE6cyUyRiUyMGM=");
		logins_free(logins);
		diag_fini(&d);
	}
	(void)unlink(path);
}

static void an_answer_gives_refuses_or_is_none(void **state)
{
	(void)state;
	static const struct {
		long status;
		struct sv body;
		enum grant_outcome outcome;
	} cases[] = {
		{200,
	         SV("{\"access_token\":\"a\",\"token_type\":\"bearer\",\"id_token\":\"i\","
	            "\"expires_in\":60}"),
	         GRANT_GIVEN},
		{200, SV("{\"access_token\":\"a\",\"token_type\":\"Bearer\"}"), GRANT_GIVEN},
		{200, SV("{\"access_token\":\"a\",\"token_type\":\"DPoP\"}"), GRANT_FAILED},
		{200, SV("{\"access_token\":\"a\"}"), GRANT_FAILED},
		{200, SV("{\"id_token\":\"a\",\"token_type\":\"Bearer\"}"), GRANT_FAILED},
		{200, SV("{\"access_token\":1,\"token_type\":\"Bearer\"}"), GRANT_FAILED},
		{200, SV("{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"refresh_token\":1}"),
	         GRANT_FAILED},
		{200,
	         SV("{\"access_token\":\"a\",\"access_token\":\"b\",\"token_type\":\"Bearer\"}"),
	         GRANT_FAILED},
		{200, SV("[]"), GRANT_FAILED},
		{200, SV(""), GRANT_FAILED},
		{200, SV("{\"error\":\"invalid_grant\"}"), GRANT_FAILED},
		{400, SV("{\"error\":\"invalid_grant\"}"), GRANT_REFUSED},
		{403, SV("{\"error\":\"access_denied\"}"), GRANT_REFUSED},
		{400, SV("{\"error\":\"invalid_client\"}"), GRANT_FAILED},
		{401, SV("{\"error\":\"invalid_client\"}"), GRANT_FAILED},
		{500, SV("{\"error\":\"invalid_grant\"}"), GRANT_FAILED},
		{400, SV("<html>"), GRANT_FAILED},
		{302, SV("{\"access_token\":\"a\",\"token_type\":\"bearer\"}"), GRANT_FAILED},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct grant grant = {0};
		enum grant_outcome outcome = grant_read(cases[i].status, cases[i].body, &grant);
		if (outcome != cases[i].outcome)
			fail_msg("%.*s", SV_ARG(cases[i].body));
		assert_true(!grant.document == (outcome != GRANT_GIVEN));
		json_decref(grant.document);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_proves_itself_as_its_login_says),
		cmocka_unit_test(an_answer_gives_refuses_or_is_none),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
