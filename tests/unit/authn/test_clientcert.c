/* SPIFFE IDs, and certificates as a CA would sign them and as one never should. */
#include "authn/authority.h"
#include "authn/clientcert.h"
#include "authn/spiffe.h"
#include "authn/workloads.h"
#include "core/jsonload.h"
#include "core/limits.h"

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
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) /* a trust domain has an ID as well */
		assert_int_equal(spiffe_id_is_valid(sv_of(rows[i].id)),
		                 rows[i].good || strcmp(rows[i].id, "spiffe://example.org") == 0);
	assert_true(sv_eq(spiffe_domain_of(SVL("spiffe://td/a/b")), SVL("td")));
	assert_true(sv_eq(spiffe_domain_of(SVL("spiffe://td")), SVL("td")));
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

#define ID    "spiffe://example.org/ns/shop/sa/cart"
#define LEAF  "critical,CA:FALSE"
#define SIGNS "critical,digitalSignature"
enum { NOW = 1790000000 };

static const struct {
	const char *what;
	struct wanted cert;
	enum svid_outcome outcome;
	enum reason why;
} certs[] = {
	{"an X.509-SVID",
         {"URI:" ID, LEAF, SIGNS, "clientAuth,serverAuth", NULL, IN_FORCE},
         SVID_LEAF,
         0},
	{"without extended usage", {"URI:" ID, LEAF, SIGNS, NULL, NULL, IN_FORCE}, SVID_LEAF, 0},
	{"DNS names beside",
         {"DNS:cart.shop,URI:" ID, LEAF, SIGNS, NULL, NULL, IN_FORCE},
         SVID_LEAF,
         0},
	{"no name at all", {NULL, LEAF, SIGNS, NULL, NULL, IN_FORCE}, SVID_NONE, 0},
	{"encrypts as well",
         {"URI:" ID, LEAF, "critical,digitalSignature,keyEncipherment,keyAgreement", NULL, NULL,
          IN_FORCE},
         SVID_LEAF,
         0},
	{"another URI", {"URI:https://x/y", LEAF, SIGNS, NULL, NULL, IN_FORCE}, SVID_NONE, 0},
	{"two URIs",
         {"URI:" ID ",URI:https://x/y", LEAF, SIGNS, NULL, NULL, IN_FORCE},
         SVID_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"two IDs",
         {"URI:" ID ",URI:" ID "2", LEAF, SIGNS, NULL, NULL, IN_FORCE},
         SVID_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"names twice",
         {"URI:" ID, LEAF, SIGNS, NULL, "URI:" ID "2", IN_FORCE},
         SVID_REFUSED,
         REASON_CERTIFICATE_INVALID},
	{"a bad ID",
         {"URI:spiffe://example.org/a/../b", LEAF, SIGNS, NULL, NULL, IN_FORCE},
         SVID_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"scheme in capitals",
         {"URI:SPIFFE://example.org/a", LEAF, SIGNS, NULL, NULL, IN_FORCE},
         SVID_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"a trust domain alone",
         {"URI:spiffe://example.org", LEAF, SIGNS, NULL, NULL, IN_FORCE},
         SVID_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"a CA",
         {"URI:" ID, "critical,CA:TRUE", SIGNS, NULL, NULL, IN_FORCE},
         SVID_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"signs certificates",
         {"URI:" ID, LEAF, "critical,digitalSignature,keyCertSign", NULL, NULL, IN_FORCE},
         SVID_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"signs revocations",
         {"URI:" ID, LEAF, "critical,digitalSignature,cRLSign", NULL, NULL, IN_FORCE},
         SVID_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"does not sign",
         {"URI:" ID, LEAF, "critical,keyEncipherment", NULL, NULL, IN_FORCE},
         SVID_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"no key usage",
         {"URI:" ID, LEAF, NULL, NULL, NULL, IN_FORCE},
         SVID_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"key usage that may be passed over",
         {"URI:" ID, LEAF, "digitalSignature", NULL, NULL, IN_FORCE},
         SVID_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"for servers only",
         {"URI:" ID, LEAF, SIGNS, "serverAuth", NULL, IN_FORCE},
         SVID_REFUSED,
         REASON_SPIFFE_ID_INVALID},
	{"expired",
         {"URI:" ID, LEAF, SIGNS, NULL, NULL, .from_s = -HOUR, .to_s = -1},
         SVID_REFUSED,
         REASON_CERTIFICATE_EXPIRED},
	{"of tomorrow",
         {"URI:" ID, LEAF, SIGNS, NULL, NULL, .from_s = HOUR, .to_s = 2 * HOUR},
         SVID_REFUSED,
         REASON_CERTIFICATE_EXPIRED},
	{"without a name, expired",
         {NULL, LEAF, SIGNS, NULL, NULL, .from_s = -HOUR, .to_s = -1},
         SVID_REFUSED,
         REASON_CERTIFICATE_EXPIRED},
};

static void certificates(void **state)
{
	struct arena arena;
	(void)state;
	assert_int_equal(arena_init(&arena, REQUEST_ARENA_BYTES), 0);
	for (size_t i = 0; i < ARRAY_LEN(certs); i++) {
		X509 *cert = certify(&certs[i].cert, NULL, NOW);
		struct sv id = {0};
		enum reason why = 0;
		enum svid_outcome outcome = svid_leaf_check(cert, NOW, &arena, &id, &why);
		if (outcome != certs[i].outcome || why != certs[i].why)
			print_error("%s: %d %s\n", certs[i].what, (int)outcome, reason_name(why));
		assert_int_equal(outcome, certs[i].outcome);
		assert_int_equal(why, certs[i].why);
		if (outcome == SVID_LEAF)
			assert_true(sv_eq(id, SVL(ID)));
		X509_free(cert);
	}
	arena_fini(&arena);
}

/* Cut off anywhere, or with a byte too many: none. With a bit changed: refused or none, never another name. */
static void damaged_certificates(void **state)
{
	struct arena arena;
	X509 *good = certify(&certs[0].cert, NULL, NOW);
	struct sv der = der_of(good);
	char *copy = malloc(der.n + 1);
	(void)state;
	assert_non_null(copy);
	assert_int_equal(arena_init(&arena, REQUEST_ARENA_BYTES), 0);
	memcpy(copy, der.at, der.n);
	copy[der.n] = 0;
	assert_null(svid_parse((struct sv){copy, der.n + 1}));
	for (size_t cut = 0; cut < der.n; cut++)
		assert_null(svid_parse((struct sv){copy, cut}));
	/* the signature is checked elsewhere: no crash is asked for */
	for (size_t i = 0; i < der.n; i++) {
		enum reason why;
		struct sv id;
		arena_reset(&arena);
		copy[i] ^= 0x41;
		X509 *cert = svid_parse((struct sv){copy, der.n});
		if (cert && svid_leaf_check(cert, NOW, &arena, &id, &why) == SVID_LEAF)
			assert_true(spiffe_id_check(id));
		X509_free(cert);
		copy[i] ^= 0x41;
	}
	arena_fini(&arena);
	free(copy);
	der_free(der);
	X509_free(good);
}

/* ---- a request's certificate ---- */

#define IS_CA .basic = "critical,CA:TRUE", .usage = "critical,keyCertSign,cRLSign", IN_FORCE
static const struct wanted root = {.common_name = "root", IS_CA};
static const struct wanted other_root = {.common_name = "other", IS_CA};
static const struct wanted between = {.common_name = "between", IS_CA};
static const struct wanted cart = {"URI:" ID, LEAF, SIGNS, NULL, NULL, IN_FORCE};
static const struct wanted stranger = {
	"URI:spiffe://elsewhere.example/a", LEAF, SIGNS, NULL, NULL, IN_FORCE};
static const struct wanted short_lived = {"URI:" ID,       LEAF,      SIGNS, NULL, NULL,
                                          .from_s = -HOUR, .to_s = 60};
static const struct wanted plain = {"DNS:Billing.old.example", LEAF, SIGNS, NULL, NULL, IN_FORCE};

struct world {
	X509 *root, *other_root, *between;
	struct authn *authn;
	struct tokencache *cache;
	struct arena arena;
	struct trustslot *slot; /* of example.org; borrowed */
	unsigned n_asked;
};

static void asked(void *user)
{
	((struct world *)user)->n_asked++;
}

static struct trustslot *slot_of_url(void *user, const char *url)
{
	struct world *w = user;
	assert_string_equal(url, "https://spire.example/bundle");
	w->slot = trustslot_new(asked, w);
	assert_non_null(w->slot);
	return w->slot;
}

static void publish(struct world *w, X509 *anchor)
{
	struct trustbundle *bundle = trustbundle_of(anchor);
	assert_non_null(bundle);
	assert_true(trustslot_publish(w->slot, bundle));
}

static void make_world(struct world *w, const char *policy)
{
	struct authn_env env = {.bundle_of_url = slot_of_url, .user = w};
	struct workloads *workloads = NULL;
	*w = (struct world){0};
	w->root = certify(&root, NULL, NOW);
	w->other_root = certify(&other_root, NULL, NOW);
	w->between = certify(&between, w->root, NOW);
	json_t *document = json_load_strict(sv_of(policy), 0, NULL);
	assert_int_equal(workloads_compile(json_object_get(document, "trustDomains"),
	                                   json_object_get(document, "certificateIdentities"), &env,
	                                   NULL, &workloads),
	                 0);
	assert_int_equal(authn_compile(&(struct authn_document){0}, NULL, NULL, &w->authn), 0);
	authn_take_workloads(w->authn, workloads);
	w->cache = tokencache_new(64);
	assert_non_null(w->cache);
	assert_int_equal(arena_init(&w->arena, REQUEST_ARENA_BYTES), 0);
	json_decref(document);
}

static void end_world(struct world *w)
{
	authn_free(w->authn);
	tokencache_free(w->cache);
	arena_fini(&w->arena);
	X509_free(w->root);
	X509_free(w->other_root);
	X509_free(w->between);
}

/* "" for a workload, "none", or the name of the reason. */
static const char *ask(struct world *w, const struct request *req, int64_t now_s,
                       struct identity *who)
{
	enum reason why = REASON_INTERNAL;
	const struct authn_ctx ctx = {.cache = w->cache, .arena = &w->arena, .now_s = now_s};
	const struct authn_turn turn = {w->authn, &ctx, req, &why};
	*who = (struct identity){0};
	switch (clientcert_identify(&turn, who)) {
	case CLIENTCERT_WORKLOAD:
		return "";
	case CLIENTCERT_NONE:
		assert_int_equal(who->workload.n, 0);
		return "none";
	case CLIENTCERT_REFUSED:
		break;
	}
	assert_int_equal(who->workload.n, 0);
	return reason_name(why);
}

/* A certificate of this kind by this authority, with these beside it, as of NOW and as HAProxy verified it. */
static const char *present(struct world *w, const struct wanted *what, X509 *by, X509 *beside,
                           int64_t verify)
{
	X509 *cert = certify(what, by, NOW);
	struct sv leaf = der_of(cert), chain = beside ? der_of(beside) : (struct sv){0};
	const struct request req = {
		.cert_used = true, .cert_verify = verify, .cert = leaf, .cert_chain = chain};
	struct identity who;
	const char *answer = ask(w, &req, NOW, &who);
	const char *again = ask(w, &req, NOW, &who);
	assert_string_equal(answer, again);
	der_free(leaf);
	der_free(chain);
	X509_free(cert);
	return answer;
}

/* Without trust domains only what HAProxy verified in this session is believed. */
static void what_haproxy_says_of_it(void **state)
{
	struct world w;
	(void)state;
	make_world(&w, "{}");
	X509 *made = certify(&cart, NULL, NOW);
	struct sv cert = der_of(made);
	const struct {
		struct request req;
		const char *answer;
	} rows[] = {
		{{.cert_used = true, .cert_verify = 0, .cert = cert}, ""},
		{{.cert_used = false, .cert_verify = 0, .cert = cert}, "none"},
		{{.cert_used = true, .cert_verify = 20, .cert = cert}, "certificate_invalid"},
		{{.cert_used = true, .cert_verify = -1, .cert = cert}, "certificate_invalid"},
		{{.cert_used = true, .cert_verify = 0}, "certificate_invalid"},
		{{.cert_verify = -1}, "none"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct identity who;
		assert_string_equal(ask(&w, &rows[i].req, NOW, &who), rows[i].answer);
		if (*rows[i].answer)
			continue;
		assert_true(sv_eq(who.workload, SVL(ID)));
		assert_true(sv_eq(who.trust_domain, SVL("example.org")));
		assert_true(sv_eq(who.namespace, SVL("shop")));
		assert_true(sv_eq(who.service_account, SVL("cart")));
	}
	der_free(cert);
	X509_free(made);
	end_world(&w);
}

#define BY_URL                                                   \
	"{\"trustDomains\":[{\"name\":\"example.org\","          \
	"\"bundleUrl\":\"https://spire.example/bundle\"}],"      \
	"\"certificateIdentities\":[{\"dns\":\"*.old.example\"," \
	"\"workload\":\"spiffe://old.example/host/*\"}]}"

/* What HAProxy does not trust may be ours to trust, but what it holds against a certificate beside that stays. */
static void a_bundle_vouches_for_its_domain_alone(void **state)
{
	struct world w;
	(void)state;
	make_world(&w, BY_URL);
	const struct {
		const struct wanted *cert;
		X509 *by, *beside;
		int64_t verify;
		const char *answer;
	} rows[] = {
		{&cart, w.root, NULL, 0, ""},
		{&cart, w.root, NULL, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, ""},
		{&cart, w.root, NULL, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, ""},
		{&cart, w.root, NULL, X509_V_ERR_CERT_REVOKED, "certificate_invalid"},
		{&cart, w.root, NULL, X509_V_ERR_CERT_HAS_EXPIRED, "certificate_invalid"},
		{&cart, w.root, NULL, X509_V_ERR_CERT_SIGNATURE_FAILURE, "certificate_invalid"},
		{&cart, w.root, NULL, -1, "certificate_invalid"},
		{&cart, w.other_root, NULL, 0, "certificate_untrusted"},
		{&cart, NULL, NULL, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
	         "certificate_untrusted"},
		{&cart, w.between, NULL, 0, "certificate_untrusted"},
		{&cart, w.between, w.between, 0, ""},
		{&cart, w.other_root, w.root, 0, "certificate_untrusted"},
		{&stranger, w.root, NULL, 0, "trust_domain_unknown"},
		{&plain, w.other_root, NULL, 0, ""},
		{&plain, w.other_root, NULL, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
	         "certificate_invalid"},
	};
	assert_string_equal(present(&w, &cart, w.root, NULL, 0), "trust_bundle_unavailable");
	assert_int_equal(w.n_asked, 1);
	publish(&w, w.root);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *answer =
			present(&w, rows[i].cert, rows[i].by, rows[i].beside, rows[i].verify);
		if (strcmp(answer, rows[i].answer) != 0)
			print_error("row %zu: %s\n", i, answer);
		assert_string_equal(answer, rows[i].answer);
	}
	end_world(&w);
}

static void a_name_by_rule(void **state)
{
	struct world w;
	struct identity who;
	(void)state;
	make_world(&w, BY_URL);
	X509 *made = certify(&plain, w.other_root, NOW);
	const struct request req = {.cert_used = true, .cert = der_of(made)};
	for (int i = 0; i < 2; i++) {
		assert_string_equal(ask(&w, &req, NOW, &who), "");
		assert_true(sv_eq(who.workload, SVL("spiffe://old.example/host/billing")));
	}
	der_free(req.cert);
	X509_free(made);
	end_world(&w);
}

/* What is remembered ends with the certificate and with the bundle; a stranger asks for a newer one. */
static void what_is_remembered_ends(void **state)
{
	struct world w;
	struct identity who;
	(void)state;
	make_world(&w, BY_URL);
	publish(&w, w.root);
	X509 *made = certify(&short_lived, w.root, NOW);
	const struct request req = {.cert_used = true, .cert = der_of(made)};
	assert_string_equal(ask(&w, &req, NOW, &who), "");
	assert_string_equal(ask(&w, &req, NOW + 59, &who), "");
	assert_string_equal(ask(&w, &req, NOW + 61, &who), "certificate_expired");
	assert_string_equal(ask(&w, &req, NOW, &who), "certificate_expired"); /* for a while */
	assert_string_equal(ask(&w, &req, NOW - 20, &who), "certificate_expired");
	publish(&w, w.other_root);
	assert_int_equal(w.n_asked, 0);
	publish(&w, w.root);
	assert_string_equal(present(&w, &cart, w.root, NULL, 0), "");
	publish(&w, w.other_root);
	assert_string_equal(present(&w, &cart, w.root, NULL, 0), "certificate_untrusted");
	assert_int_equal(w.n_asked, 1);
	publish(&w, w.root);
	assert_string_equal(present(&w, &cart, w.root, NULL, 0), "");
	der_free(req.cert);
	X509_free(made);
	end_world(&w);
}

/* A session that is resumed comes without its chain. */
static void a_resumed_session_keeps_its_name(void **state)
{
	struct world w;
	struct identity who;
	(void)state;
	make_world(&w, BY_URL);
	publish(&w, w.root);
	X509 *made = certify(&cart, w.between, NOW), *another = certify(&cart, w.between, NOW);
	const struct request full = {
		.cert_used = true, .cert = der_of(made), .cert_chain = der_of(w.between)};
	struct request resumed = full;
	struct request unseen = {.cert_used = true, .cert = der_of(another)};
	resumed.cert_chain = (struct sv){0};
	assert_string_equal(ask(&w, &full, NOW, &who), "");
	assert_string_equal(ask(&w, &resumed, NOW, &who), "");
	assert_true(sv_eq(who.workload, SVL(ID)));
	assert_string_equal(ask(&w, &unseen, NOW, &who), "certificate_untrusted");
	der_free(full.cert);
	der_free(full.cert_chain);
	der_free(unseen.cert);
	X509_free(made);
	X509_free(another);
	end_world(&w);
}

/* Bytes behind the chain, and more of it than is looked at. */
static void broken_chains(void **state)
{
	struct world w;
	struct identity who;
	(void)state;
	make_world(&w, BY_URL);
	publish(&w, w.root);
	X509 *made = certify(&cart, w.root, NOW);
	struct sv one = der_of(w.between);
	char *many = malloc((SVID_CHAIN_MAX + 1) * one.n);
	assert_non_null(many);
	for (size_t i = 0; i <= SVID_CHAIN_MAX; i++)
		memcpy(many + i * one.n, one.at, one.n);
	struct request req = {.cert_used = true, .cert = der_of(made)};
	req.cert_chain = (struct sv){many, SVID_CHAIN_MAX * one.n};
	assert_string_equal(ask(&w, &req, NOW, &who), "");
	req.cert_chain.n = (SVID_CHAIN_MAX + 1) * one.n;
	assert_string_equal(ask(&w, &req, NOW, &who), "certificate_invalid");
	req.cert_chain.n = one.n + 1;
	assert_string_equal(ask(&w, &req, NOW, &who), "certificate_invalid");
	req.cert_chain.n = one.n - 1;
	assert_string_equal(ask(&w, &req, NOW, &who), "certificate_invalid");
	free(many);
	der_free(one);
	der_free(req.cert);
	X509_free(made);
	end_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spiffe_ids),
		cmocka_unit_test(spiffe_ids_are_bounded),
		cmocka_unit_test(certificates),
		cmocka_unit_test(damaged_certificates),
		cmocka_unit_test(what_haproxy_says_of_it),
		cmocka_unit_test(a_bundle_vouches_for_its_domain_alone),
		cmocka_unit_test(a_name_by_rule),
		cmocka_unit_test(what_is_remembered_ends),
		cmocka_unit_test(a_resumed_session_keeps_its_name),
		cmocka_unit_test(broken_chains),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
