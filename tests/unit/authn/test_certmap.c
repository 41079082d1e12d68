/* Certificates without a SPIFFE ID, and the rules that name them all the same. */
#include "authn/authority.h"
#include "authn/certmap.h"
#include "core/jsonload.h"
#include "core/limits.h"

enum { NOW = 1790000000 };

static const char rules[] =
	"[{\"dns\":\"*.shop.example\",\"workload\":\"spiffe://old.example/dns/*\"},"
	"{\"dns\":\"exact.example\",\"workload\":\"spiffe://old.example/exact\"},"
	"{\"uri\":\"urn:app:*:v1\",\"workload\":\"spiffe://old.example/uri/*/one\"},"
	"{\"email\":\"*@shop.example\",\"workload\":\"spiffe://old.example/mail/*\"},"
	"{\"subject\":\"CN=*,O=Old\",\"workload\":\"spiffe://old.example/subject/*\"},"
	"{\"subject\":\"CN=any*\",\"workload\":\"spiffe://old.example/any\"}]";

static X509 *with_subject(const char *cn, const char *o, const char *names)
{
	const struct wanted wanted = {.names = names, IN_FORCE};
	X509 *cert = certify(&wanted, NULL, NOW);
	X509_NAME *name = X509_get_subject_name(cert);
	if (o)
		assert_int_equal(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
		                                            (const unsigned char *)o, -1, -1, 0),
		                 1);
	if (cn)
		assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		                                            (const unsigned char *)cn, -1, -1, 0),
		                 1);
	return cert;
}

static void the_first_rule_that_matches(void **state)
{
	static const struct {
		const char *cn, *o, *names;
		const char *workload; /* NULL: none; "": refused */
	} rows[] = {
		{NULL, NULL, "DNS:cart.shop.example", "spiffe://old.example/dns/cart"},
		{NULL, NULL, "DNS:CART.Shop.Example", "spiffe://old.example/dns/cart"},
		{NULL, NULL, "DNS:a.b.shop.example", NULL},
		{NULL, NULL, "DNS:.shop.example", NULL},
		{NULL, NULL, "DNS:shop.example", NULL},
		{NULL, NULL, "DNS:cart.shop.example.evil", NULL},
		{NULL, NULL, "DNS:a/b.shop.example", NULL},
		{NULL, NULL, "DNS:*.shop.example", ""},
		{NULL, NULL, "DNS:EXACT.example", "spiffe://old.example/exact"},
		{NULL, NULL, "DNS:other.example,DNS:exact.example", "spiffe://old.example/exact"},
		{NULL, NULL, "DNS:exact.example,DNS:z.shop.example", "spiffe://old.example/dns/z"},
		{NULL, NULL, "URI:cart.shop.example", NULL},
		{NULL, NULL, "URI:urn:app:pay:v1", "spiffe://old.example/uri/pay/one"},
		{NULL, NULL, "URI:urn:app:pay:x:v1", NULL},
		{NULL, NULL, "URI:urn:app:a/b:v1", NULL},
		{NULL, NULL, "URI:URN:app:pay:v1", NULL},
		{NULL, NULL, "URI:urn:app:..:v1", ""},
		{NULL, NULL, "email:ann@shop.example", "spiffe://old.example/mail/ann"},
		{NULL, NULL, "email:ann@other@shop.example", NULL},
		{"reports", "Old", NULL, "spiffe://old.example/subject/reports"},
		{"reports", "New", NULL, NULL},
		{"reports", NULL, NULL, NULL},
		{"a b", "Old", NULL, ""},
		{"x,O=Old", NULL, NULL, NULL}, /* a comma inside the name is written with \ */
		{"x,OU=y", "Old", NULL, NULL},
		{"anyone", NULL, NULL, "spiffe://old.example/any"},
		{"any", NULL, NULL, NULL},
		{NULL, NULL, NULL, NULL},
	};
	struct certmap map;
	struct arena arena;
	const struct trustdomains none = {0};
	(void)state;
	json_t *list = json_load_strict(sv_of(rules), 0, NULL);
	assert_int_equal(certmap_read(list, "", &none, NULL, &map), 0);
	assert_int_equal(arena_init(&arena, REQUEST_ARENA_BYTES), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		X509 *cert = with_subject(rows[i].cn, rows[i].o, rows[i].names);
		struct sv id = {0};
		enum reason why = REASON_INTERNAL;
		enum svid_outcome outcome = certmap_find(&map, cert, &arena, &id, &why);
		enum svid_outcome wanted = !rows[i].workload   ? SVID_NONE
		                           : *rows[i].workload ? SVID_LEAF
		                                               : SVID_REFUSED;
		if (outcome != wanted)
			print_error("row %zu: %d\n", i, (int)outcome);
		assert_int_equal(outcome, wanted);
		if (outcome == SVID_LEAF)
			assert_true(sv_eq(id, sv_of(rows[i].workload)));
		if (outcome == SVID_REFUSED)
			assert_int_equal(why, REASON_SPIFFE_ID_INVALID);
		X509_free(cert);
	}
	arena_fini(&arena);
	certmap_fini(&map);
	json_decref(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_rule_that_matches),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
