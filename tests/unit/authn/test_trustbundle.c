/* Bundles of trust domains: what is read, and who chains to them. */
#include "authn/authority.h"
#include "authn/trustslot.h"
#include "core/encode.h"
#include "core/strbuf.h"

#include <errno.h>
#include <openssl/pem.h>
#include <pthread.h>

enum { NOW = 1790000000 };
#define LEAF   "critical,CA:FALSE"
#define CA     "critical,CA:TRUE"
#define SIGNS  "critical,digitalSignature"
#define ISSUES .usage = "critical,keyCertSign,cRLSign", IN_FORCE
#define SVID   .basic = LEAF, .usage = SIGNS, IN_FORCE

static const struct wanted root_a = {.common_name = "a", .basic = CA, ISSUES};
static const struct wanted root_b = {.common_name = "b", .basic = CA, ISSUES};
static const struct wanted cart = {.names = "URI:spiffe://a.example/cart", SVID};

/* PEM, to be freed */
static char *pem_of(X509 *cert, const char *more)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *at;
	assert_int_equal(PEM_write_bio_X509(bio, cert), 1);
	assert_true(BIO_puts(bio, more) >= 0);
	long n = BIO_get_mem_data(bio, &at);
	char *text = sv_dup((struct sv){at, (size_t)n});
	BIO_free(bio);
	return text;
}

static char *base64_of(X509 *cert)
{
	struct sv der = der_of(cert);
	char *text = malloc(BASE64_ENCODED_MAX(der.n));
	assert_non_null(text);
	(void)base64_encode(der, text);
	der_free(der);
	return text;
}

/* number of anchors, or the error */
static int parse(const char *text, const char *code)
{
	struct diag d = diag_over(NULL, sv_of(text));
	struct trustbundle *bundle = NULL;
	int r = trustbundle_parse(sv_of(text), &d, &bundle);
	if (code)
		assert_true(d.n > 0 && strcmp(d.items[0].code, code) == 0);
	else
		assert_int_equal(d.n, 0);
	if (r == 0)
		r = sk_X509_num(bundle->anchors);
	trustbundle_unref(bundle);
	diag_fini(&d);
	return r;
}

static void pem_bundles(void **state)
{
	(void)state;
	X509 *a = certify(&root_a, NULL, NOW), *leaf = certify(&cart, a, NOW);
	char *one = pem_of(a, ""), *two = pem_of(a, one), *not_ca = pem_of(leaf, "");
	char *mixed = pem_of(leaf, one);
	char *key = pem_of(a, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
	char *broken = pem_of(a, "-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----\n");
	char *open = pem_of(a, "-----BEGIN CERTIFICATE-----\nAAAA\n");
	char *no_der = pem_of(a, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	assert_int_equal(parse(one, NULL), 1);
	assert_int_equal(parse(two, NULL), 2);
	assert_int_equal(parse(mixed, "unusable_certificate"), 1);
	assert_int_equal(parse(no_der, "unusable_certificate"), 1);
	assert_int_equal(parse(not_ca, "unusable_certificate"), -ENOKEY);
	assert_int_equal(parse(key, "not_a_bundle"), -EINVAL);
	assert_int_equal(parse(broken, "not_a_bundle"), -EINVAL);
	assert_int_equal(parse(open, "not_a_bundle"), -EINVAL);
	assert_int_equal(parse("", "not_a_bundle"), -EINVAL);
	assert_int_equal(parse("no PEM", "not_a_bundle"), -EINVAL);
	char *const texts[] = {one, two, not_ca, mixed, key, broken, open, no_der};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	X509_free(a);
	X509_free(leaf);
}

static void spiffe_bundles(void **state)
{
	/* $A: an authority, $L: a leaf */
	static const struct {
		const char *text;
		const char *code;
		int n;
	} rows[] = {
		{"{\"keys\":[{\"kty\":\"EC\",\"use\":\"x509-svid\",\"x5c\":[\"$A\"]}]}", NULL, 1},
		{" \n{\"spiffe_sequence\":7,\"spiffe_refresh_hint\":60,\"keys\":[{\"kty\":\"RSA\","
	         "\"use\":\"x509-svid\",\"x5c\":[\"$A\",\"$L\"]}]}",
	         NULL, 1},
		{"{\"keys\":[]}", NULL, 0},
		{"{\"keys\":[{\"kty\":\"EC\",\"use\":\"jwt-svid\",\"kid\":\"a\"}]}", NULL, 0},
		{"{\"keys\":[{\"kty\":\"EC\",\"x5c\":[\"$A\"]}]}", NULL, 0},
		{"{\"keys\":[{\"kty\":\"EC\",\"use\":\"X509-SVID\",\"x5c\":[\"$A\"]}]}", NULL, 0},
		{"{\"keys\":[{\"use\":\"x509-svid\",\"x5c\":[\"$A\"]}]}", "unusable_certificate",
	         -ENOKEY},
		{"{\"keys\":[{\"kty\":\"x\",\"use\":\"x509-svid\",\"x5c\":[\"$A\"]}]}",
	         "unusable_certificate", -ENOKEY},
		{"{\"keys\":[{\"kty\":\"EC\",\"use\":\"x509-svid\"}]}", "unusable_certificate",
	         -ENOKEY},
		{"{\"keys\":[{\"kty\":\"EC\",\"use\":\"x509-svid\",\"x5c\":[]}]}",
	         "unusable_certificate", -ENOKEY},
		{"{\"keys\":[{\"kty\":\"EC\",\"use\":\"x509-svid\",\"x5c\":[7]}]}",
	         "unusable_certificate", -ENOKEY},
		{"{\"keys\":[{\"kty\":\"EC\",\"use\":\"x509-svid\",\"x5c\":[\"$L\"]}]}",
	         "unusable_certificate", -ENOKEY},
		{"{\"keys\":[{\"kty\":\"EC\",\"use\":\"x509-svid\",\"x5c\":[\"$L\"]},{\"kty\":"
	         "\"EC\",\"use\":\"x509-svid\",\"x5c\":[\"$A\"]}]}",
	         "unusable_certificate", 1},
		{"{\"keys\":[{\"kty\":\"EC\",\"use\":\"x509-svid\",\"x5c\":[\"AAAA\"]}]}",
	         "unusable_certificate", -ENOKEY},
		{"{\"keys\":{}}", "not_a_bundle", -EINVAL},
		{"{}", "not_a_bundle", -EINVAL},
		{"{\"keys\":[],\"keys\":[]}", "duplicate_member", -EINVAL},
		{"{\"keys\":[]", "not_json", -EINVAL},
		{"{\"keys\":[],\"spiffe_sequence\":-1}", "wrong_type", -EINVAL},
		{"{\"keys\":[],\"spiffe_sequence\":\"1\"}", "wrong_type", -EINVAL},
		{"{\"keys\":[],\"spiffe_refresh_hint\":1.5}", "wrong_type", -EINVAL},
	};
	(void)state;
	X509 *a = certify(&root_a, NULL, NOW), *leaf = certify(&cart, a, NOW);
	char *of_a = base64_of(a), *of_leaf = base64_of(leaf);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strbuf text = strbuf_with(1 << 16);
		for (const char *at = rows[i].text; *at; at++) {
			bool is_mark = *at == '$';
			at += is_mark;
			if (is_mark)
				strbuf_add(&text, sv_of(*at == 'A' ? of_a : of_leaf));
			else
				strbuf_char(&text, *at);
		}
		int n = parse(text.at, rows[i].code);
		if (n != rows[i].n)
			print_error("row %zu: %d\n", i, n);
		assert_int_equal(n, rows[i].n);
		strbuf_fini(&text);
	}
	free(of_a);
	free(of_leaf);
	X509_free(a);
	X509_free(leaf);
}

/* ---- who chains ---- */

static bool verify(X509 *anchor, X509 *leaf, X509 *beside, int64_t now_s, int64_t *ret_until_s)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	struct trustbundle *bundle = trustbundle_of(anchor);
	assert_true(chain && bundle);
	if (beside)
		assert_true(sk_X509_push(chain, beside) > 0);
	bool good = trustbundle_verify(bundle, leaf, chain, now_s, ret_until_s);
	sk_X509_free(chain);
	trustbundle_unref(bundle);
	return good;
}

/* One authority between the root and the leaf, or none. */
static void chains(void **state)
{
	static const struct {
		const char *what;
		struct wanted between; /* without a name: none */
		struct wanted leaf;
		bool is_of_b; /* the first of them is signed by b */
		bool good;
	} rows[] = {
		{"the root itself",
	         {0},
	         {.names = "URI:spiffe://a.example/cart", SVID},
	         false,
	         true},
		{"another root", {0}, {.names = "URI:spiffe://a.example/cart", SVID}, true, false},
		{"an authority between",
	         {.common_name = "m", .basic = CA, ISSUES},
	         {.names = "URI:spiffe://a.example/cart", SVID},
	         false,
	         true},
		{"an authority of another root",
	         {.common_name = "m", .basic = CA, ISSUES},
	         {.names = "URI:spiffe://a.example/cart", SVID},
	         true,
	         false},
		{"an authority with the domain's own name",
	         {.common_name = "m", .names = "URI:spiffe://a.example", .basic = CA, ISSUES},
	         {.names = "URI:spiffe://a.example/cart", SVID},
	         false,
	         true},
		{"an authority with a workload's name",
	         {.common_name = "m", .names = "URI:spiffe://a.example/ca", .basic = CA, ISSUES},
	         {.names = "URI:spiffe://a.example/cart", SVID},
	         false,
	         false},
		{"between, and no authority",
	         {.common_name = "m", .basic = LEAF, ISSUES},
	         {.names = "URI:spiffe://a.example/cart", SVID},
	         false,
	         false},
		{"between, without constraints",
	         {.common_name = "m", ISSUES},
	         {.names = "URI:spiffe://a.example/cart", SVID},
	         false,
	         false},
		{"an authority that may not sign certificates",
	         {.common_name = "m", .basic = CA, .usage = "critical,cRLSign", IN_FORCE},
	         {.names = "URI:spiffe://a.example/cart", SVID},
	         false,
	         false},
		{"an authority that does not say for what",
	         {.common_name = "m", .basic = CA, IN_FORCE},
	         {.names = "URI:spiffe://a.example/cart", SVID},
	         false,
	         false},
		{"an authority that has expired",
	         {.common_name = "m",
	          .basic = CA,
	          .usage = "critical,keyCertSign",
	          .from_s = -HOUR,
	          .to_s = -1},
	         {.names = "URI:spiffe://a.example/cart", SVID},
	         false,
	         false},
		{"an authority for servers",
	         {.common_name = "m", .basic = CA, .extended = "serverAuth", ISSUES},
	         {.names = "URI:spiffe://a.example/cart", SVID},
	         false,
	         false},
		{"within the names it may give",
	         {.common_name = "m",
	          .basic = CA,
	          .constraints = "critical,permitted;URI:a.example",
	          ISSUES},
	         {.names = "URI:spiffe://a.example/cart", SVID},
	         false,
	         true},
		{"outside the names it may give",
	         {.common_name = "m",
	          .basic = CA,
	          .constraints = "critical,permitted;URI:c.example",
	          ISSUES},
	         {.names = "URI:spiffe://a.example/cart", SVID},
	         false,
	         false},
		{"among the names it must not give",
	         {.common_name = "m",
	          .basic = CA,
	          .constraints = "critical,excluded;URI:a.example",
	          ISSUES},
	         {.names = "URI:spiffe://a.example/cart", SVID},
	         false,
	         false},
	};
	(void)state;
	X509 *a = certify(&root_a, NULL, NOW), *b = certify(&root_b, NULL, NOW);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool has_between = rows[i].between.common_name;
		int64_t until_s = 0;
		X509 *by = rows[i].is_of_b ? b : a;
		X509 *between = has_between ? certify(&rows[i].between, by, NOW) : NULL;
		X509 *leaf = certify(&rows[i].leaf, between ? between : by, NOW);
		bool good = verify(a, leaf, between, NOW, &until_s);
		if (good != rows[i].good)
			print_error("%s\n", rows[i].what);
		assert_int_equal(good, rows[i].good);
		if (good)
			assert_int_equal(until_s, NOW + HOUR);
		/* what is missing cannot be guessed */
		if (between)
			assert_false(verify(a, leaf, NULL, NOW, &until_s));
		X509_free(between);
		X509_free(leaf);
	}
	X509_free(a);
	X509_free(b);
}

/* One authority, signed by two roots: whoever has either believes it, with that signature beside. */
static void cross_signed(void **state)
{
	static const struct wanted middle = {.common_name = "m", .basic = CA, ISSUES};
	int64_t until_s;
	(void)state;
	X509 *a = certify(&root_a, NULL, NOW), *b = certify(&root_b, NULL, NOW);
	X509 *by_a = certify(&middle, a, NOW), *by_b = certify(&middle, b, NOW);
	X509 *leaf = certify(&cart, by_a, NOW);
	assert_true(verify(a, leaf, by_a, NOW, &until_s));
	assert_true(verify(b, leaf, by_b, NOW, &until_s));
	assert_false(verify(b, leaf, by_a, NOW, &until_s));
	/* an anchor need not be self-signed */
	assert_true(verify(by_b, leaf, NULL, NOW, &until_s));
	X509 *all[] = {a, b, by_a, by_b, leaf};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		X509_free(all[i]);
}

/* The first certificate of a chain that ends ends it all. */
static void a_chain_ends_with_its_first(void **state)
{
	static const struct wanted middle = {.common_name = "m",
	                                     .basic = CA,
	                                     .usage = "critical,keyCertSign",
	                                     .from_s = -HOUR,
	                                     .to_s = 60};
	int64_t until_s;
	(void)state;
	X509 *a = certify(&root_a, NULL, NOW), *between = certify(&middle, a, NOW);
	X509 *leaf = certify(&cart, between, NOW);
	assert_true(verify(a, leaf, between, NOW, &until_s));
	assert_int_equal(until_s, NOW + 60);
	assert_false(verify(a, leaf, between, NOW + 61, &until_s));
	X509_free(a);
	X509_free(between);
	X509_free(leaf);
}

/* The same certificate signed anew, as who reads it sees it. */
static bool verify_again(X509 *anchor, X509 *leaf, const EVP_MD *digest)
{
	int64_t until_s;
	assert_true(X509_sign(leaf, key_of("a"), digest) > 0);
	struct sv der = der_of(leaf);
	X509 *read = svid_parse(der);
	assert_non_null(read);
	bool good = verify(anchor, read, NULL, NOW, &until_s);
	X509_free(read);
	der_free(der);
	return good;
}

/* Short keys and SHA-1 are nobody's signature any more. */
static void weak_signatures(void **state)
{
	(void)state;
	EVP_PKEY *small = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
	X509 *a = certify(&root_a, NULL, NOW), *leaf = certify(&cart, a, NOW);
	assert_non_null(small);
	assert_true(verify_again(a, leaf, EVP_sha256()));
	assert_false(verify_again(a, leaf, EVP_sha1()));
	assert_int_equal(X509_set_pubkey(leaf, small), 1);
	assert_false(verify_again(a, leaf, EVP_sha256()));
	EVP_PKEY_free(small);
	X509_free(a);
	X509_free(leaf);
}

static void a_leaf_is_no_anchor(void **state)
{
	(void)state;
	X509 *leaf = certify(&cart, NULL, NOW);
	assert_null(trustbundle_of(leaf));
	X509_free(leaf);
}

static struct trustbundle *numbered(X509 *anchor, int64_t sequence)
{
	struct trustbundle *bundle = trustbundle_of(anchor);
	assert_non_null(bundle);
	bundle->has_sequence = sequence >= 0;
	bundle->sequence = sequence;
	return bundle;
}

/* A cache on the way may serve yesterday's bundle: it must not bring an authority back that was taken away. */
static void sequences_only_rise(void **state)
{
	(void)state;
	X509 *a = certify(&root_a, NULL, NOW);
	struct trustslot *slot = trustslot_new(NULL, NULL);
	assert_null(trustslot_get(slot));
	assert_true(trustslot_publish(slot, numbered(a, 5)));
	assert_false(trustslot_publish(slot, numbered(a, 4)));
	assert_int_equal(trustslot_generation(slot), 1);
	assert_true(trustslot_publish(slot, numbered(a, 5)));
	assert_true(trustslot_publish(slot, numbered(a, 6)));
	assert_true(trustslot_publish(slot, numbered(a, -1)));
	assert_int_equal(trustslot_generation(slot), 4);
	trustslot_unref(slot);
	X509_free(a);
}

/* Workers look while the side that fetches publishes. */
struct looker {
	pthread_t thread;
	struct trustslot *slot;
	X509 *leaf; /* its own, as each worker reads its own */
	unsigned n_good;
};

static void *look(void *user)
{
	struct looker *l = user;
	for (unsigned i = 0; i < 50; i++) {
		int64_t until_s;
		struct trustbundle *bundle = trustslot_get(l->slot);
		l->n_good += trustbundle_verify(bundle, l->leaf, NULL, NOW, &until_s);
		trustbundle_unref(bundle);
		trustslot_want(l->slot);
	}
	return NULL;
}

static void workers_look_while_others_publish(void **state)
{
	(void)state;
	X509 *a = certify(&root_a, NULL, NOW);
	struct trustslot *slot = trustslot_new(NULL, NULL);
	struct looker lookers[3] = {0};
	assert_true(trustslot_publish(slot, numbered(a, 0)));
	for (size_t i = 0; i < ARRAY_LEN(lookers); i++) {
		lookers[i].slot = slot;
		lookers[i].leaf = certify(&cart, a, NOW);
		assert_int_equal(pthread_create(&lookers[i].thread, NULL, look, &lookers[i]), 0);
	}
	for (int i = 1; i <= 100; i++)
		assert_true(trustslot_publish(slot, numbered(a, i)));
	for (size_t i = 0; i < ARRAY_LEN(lookers); i++) {
		assert_int_equal(pthread_join(lookers[i].thread, NULL), 0);
		assert_int_equal(lookers[i].n_good, 50);
		X509_free(lookers[i].leaf);
	}
	trustslot_unref(slot);
	X509_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pem_bundles),
		cmocka_unit_test(spiffe_bundles),
		cmocka_unit_test(chains),
		cmocka_unit_test(cross_signed),
		cmocka_unit_test(a_chain_ends_with_its_first),
		cmocka_unit_test(weak_signatures),
		cmocka_unit_test(a_leaf_is_no_anchor),
		cmocka_unit_test(sequences_only_rise),
		cmocka_unit_test(workers_look_while_others_publish),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
