/* An issuer's document is believed only where it is the issuer's own, and says where its keys are. */
#include "authn/discovery.h"
#include "support/cmocka_prelude.h"

#include <errno.h>

static void documents_are_where_the_standards_say(void **state)
{
	static const struct {
		const char *issuer, *openid, *oauth; /* NULL: there is none */
	} rows[] = {
		{"https://idp.example", "https://idp.example/.well-known/openid-configuration",
	         "https://idp.example/.well-known/oauth-authorization-server"},
		{"https://idp.example/", "https://idp.example/.well-known/openid-configuration",
	         "https://idp.example/.well-known/oauth-authorization-server"},
		{"https://idp.example:8443/realms/a",
	         "https://idp.example:8443/realms/a/.well-known/openid-configuration",
	         "https://idp.example:8443/.well-known/oauth-authorization-server/realms/a"},
		{"http://127.0.0.1/a/", "http://127.0.0.1/a/.well-known/openid-configuration",
	         "http://127.0.0.1/.well-known/oauth-authorization-server/a"},
		{"https://idp.example/?a", NULL, NULL},
		{"https://idp.example/#a", NULL, NULL},
		{"https://idp example", NULL, NULL},
		{"https://", NULL, NULL},
		{"ftp://idp.example", NULL, NULL},
		{"spiffe://td", NULL, NULL},
		{"idp", NULL, NULL},
		{"", NULL, NULL},
	};
	char url[DISCOVERY_URL_MAX_BYTES];
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool found = discovery_url(rows[i].issuer, DISCOVERY_OPENID, url);
		assert_int_equal(found, rows[i].openid != NULL);
		if (!found)
			continue;
		assert_string_equal(url, rows[i].openid);
		assert_true(discovery_url(rows[i].issuer, DISCOVERY_OAUTH, url));
		assert_string_equal(url, rows[i].oauth);
	}
}

static void a_long_issuer_has_no_document(void **state)
{
	char issuer[DISCOVERY_URL_MAX_BYTES + 1], url[DISCOVERY_URL_MAX_BYTES];
	(void)state;
	memset(issuer, 'a', sizeof(issuer));
	memcpy(issuer, "https://", 8);
	issuer[DISCOVERY_URL_MAX_BYTES] = '\0';
	assert_false(discovery_url(issuer, DISCOVERY_OPENID, url));
	issuer[DISCOVERY_URL_MAX_BYTES - 20] = '\0'; /* the name behind it does not fit */
	assert_false(discovery_url(issuer, DISCOVERY_OPENID, url));
}

#define ISSUER "\"issuer\":\"https://idp.example\""
#define KEYS   "\"jwks_uri\":\"https://idp.example/keys\""

static void only_the_issuers_own_document_counts(void **state)
{
	static const struct {
		const char *text, *code; /* NULL: it is good */
	} rows[] = {
		{"{" ISSUER "," KEYS "}", NULL},
		{"{" ISSUER "," KEYS ",\"x\":[1],\"token_endpoint\":null}", NULL},
		{"{\"issuer\":\"https://idp.example/\"," KEYS "}", "other_issuer"},
		{"{\"issuer\":\"https://IDP.example\"," KEYS "}", "other_issuer"},
		{"{\"issuer\":[\"https://idp.example\"]," KEYS "}", "other_issuer"},
		{"{" KEYS "}", "other_issuer"},
		{"{" ISSUER "}", "missing_key"},
		{"{" ISSUER ",\"jwks_uri\":null}", "missing_key"},
		{"{" ISSUER ",\"jwks_uri\":7}", "not_a_url"},
		{"{" ISSUER ",\"jwks_uri\":\"file:///etc/passwd\"}", "not_a_url"},
		{"{" ISSUER ",\"jwks_uri\":\"https://a b\"}", "not_a_url"},
		{"{" ISSUER ",\"jwks_uri\":\"https://a\\r\\nx: y\"}", "not_a_url"},
		{"{" ISSUER "," KEYS ",\"token_endpoint\":\"x\"}", "not_a_url"},
		{"{" ISSUER "," ISSUER "," KEYS "}", "duplicate_member"},
		{"[]", "wrong_type"},
		{"<html>", "not_json"},
		{"", "not_json"},
		{"{" ISSUER "," KEYS "} x", "not_json"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct discovery document = {0};
		struct diag d = diag_over("test", sv_of(rows[i].text));
		int r = discovery_read(sv_of(rows[i].text), "https://idp.example", &d, &document);
		assert_int_equal(r, rows[i].code ? -EINVAL : 0);
		assert_int_equal(d.n, rows[i].code ? 1 : 0);
		if (rows[i].code)
			assert_string_equal(d.items[0].code, rows[i].code);
		else
			assert_string_equal(document.jwks_uri, "https://idp.example/keys");
		discovery_fini(&document);
		diag_fini(&d);
	}
}

static void endpoints_are_kept(void **state)
{
	static const char text[] =
		"{" ISSUER "," KEYS ",\"authorization_endpoint\":\"https://a/auth\","
		"\"token_endpoint\":\"https://a/token\","
		"\"introspection_endpoint\":\"https://a/introspect\","
		"\"end_session_endpoint\":\"https://a/end\"}";
	struct discovery document;
	(void)state;
	assert_int_equal(discovery_read(SVL(text), "https://idp.example", NULL, &document), 0);
	assert_string_equal(document.authorization_endpoint, "https://a/auth");
	assert_string_equal(document.token_endpoint, "https://a/token");
	assert_string_equal(document.introspection_endpoint, "https://a/introspect");
	assert_string_equal(document.end_session_endpoint, "https://a/end");
	discovery_fini(&document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_are_where_the_standards_say),
		cmocka_unit_test(a_long_issuer_has_no_document),
		cmocka_unit_test(only_the_issuers_own_document_counts),
		cmocka_unit_test(endpoints_are_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
