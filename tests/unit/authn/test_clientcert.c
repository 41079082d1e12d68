/* SPIFFE IDs, and certificates as a CA would sign them and as one never should. */
#include "authn/clientcert.h"
#include "authn/spiffe.h"
#include "core/limits.h"
#include "support/cmocka_prelude.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

static void spiffe_ids(void **state)
{
	static const struct {
		const char *id;
		bool good;
	} rows[] = {
		{"spiffe://example.org/ns/a/sa/b", true},
		{"spiffe://example.org/a", true},
		{"spiffe://a-b_c.1/X.Y-z_0", true},
		{"spiffe://example.org", false},
		{"spiffe://example.org/", false},
		{"spiffe://example.org/a/", false},
		{"spiffe://example.org//a", false},
		{"spiffe://example.org/a//b", false},
		{"spiffe://example.org/./a", false},
		{"spiffe://example.org/a/..", false},
		{"spiffe://example.org/a%2fb", false},
		{"spiffe://example.org/a?b", false},
		{"spiffe://example.org/a#b", false},
		{"spiffe://example.org/a b", false},
		{"spiffe://example.org:443/a", false},
		{"spiffe://user@example.org/a", false},
		{"spiffe://Example.org/a", false},
		{"spiffe:///a", false},
		{"spiffe:/example.org/a", false},
		{"SPIFFE://example.org/a", false},
		{"Spiffe://example.org/a", false},
		{"https://example.org/a", false},
		{"spiffe://", false},
		{"", false},
		{"spiffe://ex\xc3\xa4mple.org/a", false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(spiffe_id_check(sv_of(rows[i].id)), rows[i].good);
	assert_false(spiffe_id_check((struct sv){"spiffe://example.org/a\0", 23}));
	assert_true(spiffe_claims_to_be(SVL("SpIfFe:x")));
	assert_false(spiffe_claims_to_be(SVL("https://spiffe:")));
}

static void spiffe_ids_are_bounded(void **state)
{
	char id[SPIFFE_ID_MAX_BYTES + 2] = "spiffe://e/";
	size_t n = strlen(id);
	(void)state;
	memset(id + n, 'a', sizeof(id) - n);
	assert_true(spiffe_id_check((struct sv){id, SPIFFE_ID_MAX_BYTES}));
	assert_false(spiffe_id_check((struct sv){id, SPIFFE_ID_MAX_BYTES + 1}));
	char domain[9 + SPIFFE_DOMAIN_MAX_BYTES + 3] = "spiffe://";
	memset(domain + 9, 'd', SPIFFE_DOMAIN_MAX_BYTES + 1);
	memcpy(domain + 9 + SPIFFE_DOMAIN_MAX_BYTES, "/a", 2);
	assert_true(spiffe_id_check((struct sv){domain, 9 + SPIFFE_DOMAIN_MAX_BYTES + 2}));
	domain[9 + SPIFFE_DOMAIN_MAX_BYTES] = 'd';
	memcpy(domain + 9 + SPIFFE_DOMAIN_MAX_BYTES + 1, "/a", 2);
	assert_false(spiffe_id_check((struct sv){domain, 9 + SPIFFE_DOMAIN_MAX_BYTES + 3}));
}

/* What a certificate says of itself; NULL leaves an extension out. */
struct wanted {
	const char *names, *basic, *usage, *extended;
	const char *names_again;
	long from_s, to_s; /* relative to now */
};

static void extend(X509 *cert, int nid, const char *value)
{
	if (!value)
		return;
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

/* DER, owned. */
static uint8_t *certificate(const struct wanted *w, int64_t now_s, size_t *ret_n)
{
	static EVP_PKEY *key;
	uint8_t *der = NULL;
	X509 *cert = X509_new();
	if (!key)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	assert_true(cert && key);
	assert_int_equal(X509_set_version(cert, 2), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)now_s + w->from_s));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)now_s + w->to_s));
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	extend(cert, NID_subject_alt_name, w->names);
	extend(cert, NID_subject_alt_name, w->names_again);
	extend(cert, NID_basic_constraints, w->basic);
	extend(cert, NID_key_usage, w->usage);
	extend(cert, NID_ext_key_usage, w->extended);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	int n = i2d_X509(cert, &der);
	assert_true(n > 0);
	X509_free(cert);
	*ret_n = (size_t)n;
	return der;
}

#define ID       "spiffe://example.org/ns/shop/sa/cart"
#define LEAF     "critical,CA:FALSE"
#define SIGNS    "critical,digitalSignature"
#define HOUR     3600
#define IN_FORCE .from_s = -HOUR, .to_s = HOUR
enum { NOW = 1790000000 };

static const struct {
	const char *what;
	struct wanted cert;
	enum clientcert_outcome outcome;
	enum reason why;
} certs[] = {
	{"an X.509-SVID",
         {"URI:" ID, LEAF, SIGNS, "clientAuth,serverAuth", NULL, IN_FORCE},
         CLIENTCERT_WORKLOAD,
         0},
	{"without extended usage",
         {"URI:" ID, LEAF, SIGNS, NULL, NULL, IN_FORCE},
         CLIENTCERT_WORKLOAD,
         0},
	{"DNS names beside",
         {"DNS:cart.shop,URI:" ID, LEAF, SIGNS, NULL, NULL, IN_FORCE},
         CLIENTCERT_WORKLOAD,
         0},
	{"no name at all", {NULL, LEAF, SIGNS, NULL, NULL, IN_FORCE}, CLIENTCERT_NONE, 0},
	{"another URI", {"URI:https://x/y", LEAF, SIGNS, NULL, NULL, IN_FORCE}, CLIENTCERT_NONE, 0},
	{"two URIs",
         {"URI:" ID ",URI:https://x/y", LEAF, SIGNS, NULL, NULL, IN_FORCE},
         CLIENTCERT_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"two IDs",
         {"URI:" ID ",URI:" ID "2", LEAF, SIGNS, NULL, NULL, IN_FORCE},
         CLIENTCERT_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"names twice",
         {"URI:" ID, LEAF, SIGNS, NULL, "URI:" ID "2", IN_FORCE},
         CLIENTCERT_REFUSED,
         REASON_CERTIFICATE_INVALID},
	{"a bad ID",
         {"URI:spiffe://example.org/a/../b", LEAF, SIGNS, NULL, NULL, IN_FORCE},
         CLIENTCERT_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"scheme in capitals",
         {"URI:SPIFFE://example.org/a", LEAF, SIGNS, NULL, NULL, IN_FORCE},
         CLIENTCERT_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"a trust domain alone",
         {"URI:spiffe://example.org", LEAF, SIGNS, NULL, NULL, IN_FORCE},
         CLIENTCERT_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"a CA",
         {"URI:" ID, "critical,CA:TRUE", SIGNS, NULL, NULL, IN_FORCE},
         CLIENTCERT_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"signs certificates",
         {"URI:" ID, LEAF, "critical,digitalSignature,keyCertSign", NULL, NULL, IN_FORCE},
         CLIENTCERT_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"signs revocations",
         {"URI:" ID, LEAF, "critical,digitalSignature,cRLSign", NULL, NULL, IN_FORCE},
         CLIENTCERT_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"does not sign",
         {"URI:" ID, LEAF, "critical,keyEncipherment", NULL, NULL, IN_FORCE},
         CLIENTCERT_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"no key usage",
         {"URI:" ID, LEAF, NULL, NULL, NULL, IN_FORCE},
         CLIENTCERT_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"for servers only",
         {"URI:" ID, LEAF, SIGNS, "serverAuth", NULL, IN_FORCE},
         CLIENTCERT_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"expired",
         {"URI:" ID, LEAF, SIGNS, NULL, NULL, -HOUR, -1},
         CLIENTCERT_REFUSED,
         REASON_CERTIFICATE_EXPIRED},
	{"of tomorrow",
         {"URI:" ID, LEAF, SIGNS, NULL, NULL, HOUR, 2 * HOUR},
         CLIENTCERT_REFUSED,
         REASON_CERTIFICATE_EXPIRED},
	{"without a name, expired",
         {NULL, LEAF, SIGNS, NULL, NULL, -HOUR, -1},
         CLIENTCERT_REFUSED,
         REASON_CERTIFICATE_EXPIRED},
};

static void certificates(void **state)
{
	struct arena arena;
	(void)state;
	assert_int_equal(arena_init(&arena, REQUEST_ARENA_BYTES), 0);
	for (size_t i = 0; i < ARRAY_LEN(certs); i++) {
		size_t n;
		uint8_t *der = certificate(&certs[i].cert, NOW, &n);
		struct sv id = {0};
		enum reason why = 0;
		enum clientcert_outcome outcome =
			clientcert_spiffe_id((struct sv){(char *)der, n}, NOW, &arena, &id, &why);
		if (outcome != certs[i].outcome || why != certs[i].why)
			print_error("%s: %d %s\n", certs[i].what, (int)outcome, reason_name(why));
		assert_int_equal(outcome, certs[i].outcome);
		assert_int_equal(why, certs[i].why);
		if (outcome == CLIENTCERT_WORKLOAD)
			assert_true(sv_eq(id, SVL(ID)));
		OPENSSL_free(der);
	}
	arena_fini(&arena);
}

/* Cut off anywhere, with a byte too many, or with a bit changed: refused or none, never another name. */
static void damaged_certificates(void **state)
{
	struct arena arena;
	size_t n;
	(void)state;
	uint8_t *der = certificate(&certs[0].cert, NOW, &n);
	uint8_t *copy = malloc(n + 1);
	assert_non_null(copy);
	assert_int_equal(arena_init(&arena, REQUEST_ARENA_BYTES), 0);
	memcpy(copy, der, n);
	copy[n] = 0;
	enum reason why;
	struct sv id;
	assert_int_equal(
		clientcert_spiffe_id((struct sv){(char *)copy, n + 1}, NOW, &arena, &id, &why),
		CLIENTCERT_REFUSED);
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(clientcert_spiffe_id((struct sv){(char *)copy, cut}, NOW, &arena,
		                                      &id, &why),
		                 CLIENTCERT_REFUSED);
	for (size_t i = 0; i < n;
	     i++) { /* the signature is HAProxy's to check: no crash is asked for */
		arena_reset(&arena);
		copy[i] ^= 0x41;
		enum clientcert_outcome outcome =
			clientcert_spiffe_id((struct sv){(char *)copy, n}, NOW, &arena, &id, &why);
		if (outcome == CLIENTCERT_WORKLOAD)
			assert_true(spiffe_id_check(id));
		copy[i] ^= 0x41;
	}
	arena_fini(&arena);
	free(copy);
	OPENSSL_free(der);
}

/* Only what HAProxy verified in this session is believed. */
static void what_haproxy_says_of_it(void **state)
{
	struct arena arena;
	size_t n;
	(void)state;
	uint8_t *der = certificate(&certs[0].cert, NOW, &n);
	const struct sv cert = {(char *)der, n};
	const struct {
		struct request req;
		enum clientcert_outcome outcome;
	} rows[] = {
		{{.cert_used = true, .cert_verify = 0, .cert = cert}, CLIENTCERT_WORKLOAD},
		{{.cert_used = false, .cert_verify = 0, .cert = cert}, CLIENTCERT_NONE},
		{{.cert_used = true, .cert_verify = 20, .cert = cert}, CLIENTCERT_REFUSED},
		{{.cert_used = true, .cert_verify = -1, .cert = cert}, CLIENTCERT_REFUSED},
		{{.cert_used = true, .cert_verify = 0}, CLIENTCERT_REFUSED},
		{{.cert_verify = -1}, CLIENTCERT_NONE},
	};
	assert_int_equal(arena_init(&arena, REQUEST_ARENA_BYTES), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct identity who = {0};
		enum reason why = 0;
		assert_int_equal(clientcert_identify(&rows[i].req, NOW, &arena, &who, &why),
		                 rows[i].outcome);
		assert_int_equal(who.workload.n > 0, rows[i].outcome == CLIENTCERT_WORKLOAD);
		if (who.workload.n == 0)
			continue;
		assert_true(sv_eq(who.trust_domain, SVL("example.org")));
		assert_true(sv_eq(who.namespace, SVL("shop")));
		assert_true(sv_eq(who.service_account, SVL("cart")));
	}
	arena_fini(&arena);
	OPENSSL_free(der);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spiffe_ids),
		cmocka_unit_test(spiffe_ids_are_bounded),
		cmocka_unit_test(certificates),
		cmocka_unit_test(damaged_certificates),
		cmocka_unit_test(what_haproxy_says_of_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
