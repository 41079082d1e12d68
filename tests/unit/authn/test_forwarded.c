/* Client certificates in headers: what is read, and from whom. */
#include "authn/authority.h"
#include "authn/clientcert.h"
#include "authn/forwarded.h"
#include "authn/workloads.h"
#include "core/encode.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "core/strbuf.h"

#include <errno.h>
#include <openssl/pem.h>

enum { NOW = 1790000000 };
#define ID "spiffe://example.org/ns/shop/sa/cart"

struct world {
	X509 *leaf, *root;
	char *leaf64, *root64, *leaf_pem, *chain_pem; /* the latter url-encoded */
	struct arena arena;
};

static char *base64_of(X509 *cert)
{
	struct sv der = der_of(cert);
	char *text = malloc(BASE64_ENCODED_MAX(der.n));
	assert_non_null(text);
	(void)base64_encode(der, text);
	der_free(der);
	return text;
}

static char *encoded_pem(X509 *const *certs, size_t n)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct strbuf text = strbuf_with(1 << 16);
	char *at;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(PEM_write_bio_X509(bio, certs[i]), 1);
	long size = BIO_get_mem_data(bio, &at);
	for (long i = 0; i < size; i++) {
		if (strchr("\n+/= ", at[i]))
			strbuf_addf(&text, "%%%02X", (unsigned char)at[i]);
		else
			strbuf_char(&text, at[i]);
	}
	BIO_free(bio);
	char *all = strbuf_take(&text);
	assert_non_null(all);
	return all;
}

static void make_world(struct world *w)
{
	static const struct wanted root = {.common_name = "root",
	                                   .basic = "critical,CA:TRUE",
	                                   .usage = "critical,keyCertSign",
	                                   IN_FORCE};
	static const struct wanted leaf = {.names = "URI:" ID,
	                                   .basic = "critical,CA:FALSE",
	                                   .usage = "critical,digitalSignature",
	                                   IN_FORCE};
	*w = (struct world){.root = certify(&root, NULL, NOW)};
	w->leaf = certify(&leaf, w->root, NOW);
	X509 *const both[] = {w->leaf, w->root};
	w->leaf64 = base64_of(w->leaf);
	w->root64 = base64_of(w->root);
	w->leaf_pem = encoded_pem(both, 1);
	w->chain_pem = encoded_pem(both, 2);
	assert_int_equal(arena_init(&w->arena, REQUEST_ARENA_BYTES), 0);
}

static void end_world(struct world *w)
{
	arena_fini(&w->arena);
	X509_free(w->leaf);
	X509_free(w->root);
	free(w->leaf64);
	free(w->root64);
	free(w->leaf_pem);
	free(w->chain_pem);
}

/* $L $R: certificates in base64; $P $C: leaf and chain in url-encoded PEM */
static char *filled(const struct world *w, const char *pattern)
{
	struct strbuf text = strbuf_with(1 << 17);
	strbuf_add(&text, SVL(""));
	for (const char *at = pattern; *at; at++) {
		if (*at != '$') {
			strbuf_char(&text, *at);
			continue;
		}
		at++;
		strbuf_add(&text, sv_of(*at == 'L'   ? w->leaf64
		                        : *at == 'R' ? w->root64
		                        : *at == 'P' ? w->leaf_pem
		                                     : w->chain_pem));
	}
	char *all = strbuf_take(&text);
	assert_non_null(all);
	return all;
}

static bool is_leaf(const struct world *w, struct sv der)
{
	struct sv wanted = der_of(w->leaf);
	bool same = sv_eq(wanted, der);
	der_free(wanted);
	return same;
}

static void client_cert(void **state)
{
	static const struct {
		const char *value;
		bool good;
	} rows[] = {
		{":$L:", true},      {"  :$L: ", true},     {"$L", false},    {":$L", false},
		{"$L:", false},      {"::", false},         {":", false},     {"", false},
		{":$L:;a=1", false}, {":$L:, :$L:", false}, {":$L :", false}, {":$L=:", false},
		{":%:", false},      {"\"$L\"", false},
	};
	struct world w;
	(void)state;
	make_world(&w);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct certheader said = {0};
		char *value = filled(&w, rows[i].value);
		arena_reset(&w.arena);
		bool good = certheader_client_cert(sv_of(value), &w.arena, &said);
		if (good != rows[i].good)
			print_error("%s\n", rows[i].value);
		assert_int_equal(good, rows[i].good);
		if (good)
			assert_true(is_leaf(&w, said.leaf));
		free(value);
	}
	end_world(&w);
}

static void client_cert_chain(void **state)
{
	static const struct {
		const char *value;
		int n; /* certificates; -1: refused */
	} rows[] = {
		{":$R:", 1},   {":$R:, :$L:", 2}, {":$R:,:$L:,:$R:", 3}, {"", -1},
		{":$R:,", -1}, {",:$R:", -1},     {":$R: :$L:", -1},     {":$R:,,:$L:", -1},
	};
	struct world w;
	(void)state;
	make_world(&w);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct certheader said = {0};
		STACK_OF(X509) *chain = NULL;
		char *value = filled(&w, rows[i].value);
		arena_reset(&w.arena);
		bool good = certheader_client_cert_chain(sv_of(value), &w.arena, &said);
		assert_int_equal(good, rows[i].n >= 0);
		if (good) {
			assert_true(svid_parse_many(said.chain, &chain));
			assert_int_equal(sk_X509_num(chain), rows[i].n);
		}
		svid_chain_free(chain);
		free(value);
	}
	end_world(&w);
}

static void xfcc(void **state)
{
	static const struct {
		const char *value;
		bool good;
		bool has_leaf, has_chain;
		const char *uri;
	} rows[] = {
		{"URI=" ID, true, false, false, ID},
		{"By=spiffe://a/b;Hash=468ed33b;Subject=\"CN=a,O=\\\"x;y\\\"\";URI=" ID, true,
	         false, false, ID},
		{"hash=1;uri=\"" ID "\"", true, false, false, ID},
		{"Hash=1", true, false, false, NULL},
		{"URI=spiffe://first/a,URI=" ID, true, false, false, ID},
		{"URI=" ID ",Hash=1", true, false, false, NULL},
		{"Hash=1;Cert=\"$P\"", true, true, false, NULL},
		{"Cert=$P", true, true, false, NULL},
		{"Cert=\"$P\";Chain=\"$C\";URI=" ID, true, true, true, ID},
		{"Cert=\"$C\"", false, false, false, NULL},
		{"Cert=\"$P\";Cert=\"$P\"", false, false, false, NULL},
		{"Cert=\"\"", false, false, false, NULL},
		{"Cert=\"%\"", false, false, false, NULL},
		{"Cert=\"%4\"", false, false, false, NULL},
		{"Cert=\"%zz\"", false, false, false, NULL},
		{"Cert=\"nothing\"", false, false, false, NULL},
		{"Cert=\"$P%00\"", false, false, false, NULL},
		{"", false, false, false, NULL},
		{",", false, false, false, NULL},
		{"URI=" ID ",", false, false, false, NULL},
		{"URI=" ID ";", false, false, false, NULL},
		{"URI", false, false, false, NULL},
		{"=a", false, false, false, NULL},
		{"URI=", false, false, false, NULL},
		{"URI=\"" ID, false, false, false, NULL},
		{"URI=\"" ID "\\", false, false, false, NULL},
		{"URI=\"a\"b", false, false, false, NULL},
		{"URI=a\"b", false, false, false, NULL},
		{"By=\"a\", URI=" ID, true, false, false, ID},
	};
	struct world w;
	(void)state;
	make_world(&w);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct certheader said = {0};
		char *value = filled(&w, rows[i].value);
		arena_reset(&w.arena);
		bool good = certheader_xfcc(sv_of(value), &w.arena, &said);
		if (good != rows[i].good)
			print_error("%s\n", rows[i].value);
		assert_int_equal(good, rows[i].good);
		if (good) {
			assert_int_equal(is_leaf(&w, said.leaf), rows[i].has_leaf);
			assert_int_equal(said.chain.n > said.leaf.n, rows[i].has_chain);
			assert_true(sv_eq(said.uri, sv_of(rows[i].uri)));
		}
		free(value);
	}
	end_world(&w);
}

/* ---- requests ---- */

/* "name: value\n..." as req.hdrs_bin, in the arena */
static struct sv block_of(const struct world *w, struct arena *arena, const char *pattern)
{
	char *text = filled(w, pattern);
	struct sv rest = sv_of(text), line;
	uint8_t *room = arena_alloc(arena, rest.n + 64);
	size_t n = 0;
	assert_non_null(room);
	while (rest.n > 0 && sv_cut(&rest, '\n', &line)) {
		size_t colon = sv_find(line, ' ');
		const struct sv parts[] = {sv_first(line, colon - 1), sv_from(line, colon + 1)};
		for (size_t i = 0; i < 2; i++) {
			size_t size = parts[i].n;
			if (size < 240) {
				room[n++] = (uint8_t)size;
			} else {
				room[n++] = (uint8_t)(size | 240);
				size = (size - 240) >> 4;
				for (; size >= 128; size = (size - 128) >> 7)
					room[n++] = (uint8_t)(size | 128);
				room[n++] = (uint8_t)size;
			}
			memcpy(room + n, parts[i].at, parts[i].n);
			n += parts[i].n;
		}
	}
	room[n++] = 0;
	room[n++] = 0;
	free(text);
	return (struct sv){(char *)room, n};
}

static struct forwarded *trusting(char *client_cert, char *xfcc)
{
	const struct forwarded_options options = {
		.networks = {{.at = &client_cert, .n = client_cert ? 1 : 0},
	                     {.at = &xfcc, .n = xfcc ? 1 : 0}}};
	struct forwarded *forwarded = NULL;
	assert_int_equal(forwarded_new(&options, "", NULL, &forwarded), 0);
	return forwarded;
}

#define PEM_DOMAIN                                                             \
	"{\"trustDomains\":[{\"name\":\"example.org\",\"bundle\":{\"keys\":[{" \
	"\"kty\":\"EC\",\"use\":\"x509-svid\",\"x5c\":[\"$R\"]}]}}]}"

static const struct {
	const char *src, *headers;
	const char *policy;  /* of trust domains; NULL: none */
	const char *answer;  /* "": the workload ID; "none", or the reason */
	bool proxy_has_cert; /* and is spiffe://example.org/proxy by it */
} requests[] = {
	{"10.0.0.1", "client-cert: :$L:", NULL, "", false},
	{"10.0.0.1", "client-cert: :$L:", NULL, "", true},
	{"10.0.0.1", "Client-Cert: :$L:\nhost: a", PEM_DOMAIN, "", false},
	{"10.0.0.1", "client-cert: :$L:\nclient-cert-chain: :$R:\nclient-cert-chain: :$R:",
         PEM_DOMAIN, "", false},
	{"192.0.2.1", "client-cert: :$L:", NULL, "none", false},
	{"10.9.0.1", "client-cert: :$L:", NULL, "none", false}, /* trusted for another format */
	{"10.0.0.1", "x-forwarded-client-cert: URI=" ID, NULL, "none", false},
	{"10.9.0.1", "x-forwarded-client-cert: URI=" ID, NULL, "", false},
	{"10.9.0.1", "x-forwarded-client-cert: URI=" ID, PEM_DOMAIN, "certificate_untrusted",
         false},
	{"10.9.0.1", "x-forwarded-client-cert: URI=spiffe://other/a", PEM_DOMAIN,
         "trust_domain_unknown", false},
	{"10.9.0.1", "x-forwarded-client-cert: Cert=\"$P\";URI=" ID, PEM_DOMAIN, "", false},
	{"10.9.0.1", "x-forwarded-client-cert: Cert=\"$P\";Chain=\"$C\"", PEM_DOMAIN, "", false},
	{"10.9.0.1", "x-forwarded-client-cert: URI=https://a/b", NULL, "none", false},
	{"10.9.0.1", "x-forwarded-client-cert: URI=spiffe://A/b", NULL, "spiffe_id_invalid", false},
	{"10.9.0.1", "x-forwarded-client-cert: URI=" ID ";URI=" ID, NULL, "spiffe_id_invalid",
         false},
	{"10.9.0.1", "x-forwarded-client-cert: nonsense", NULL, "forwarded_certificate", false},
	{"10.9.0.1", "x-forwarded-client-cert: URI=" ID "\nx-forwarded-client-cert: URI=" ID, NULL,
         "forwarded_certificate", false},
	{"10.0.0.1", "client-cert: :$L:\nclient-cert: :$L:", NULL, "forwarded_certificate", false},
	{"10.0.0.1", "client-cert: x", NULL, "forwarded_certificate", true},
	{"10.0.0.1", "client-cert-chain: :$R:", NULL, "forwarded_certificate", false},
	{"10.0.0.1", "client-cert: :AAAA:", NULL, "certificate_invalid", false},
	{"10.0.0.1", "host: a", NULL, "none", false},
	{"10.5.0.1", "client-cert: :$L:", NULL, "", false}, /* trusted for both formats */
	{"10.5.0.1", "client-cert: :$L:\nx-forwarded-client-cert: URI=" ID, NULL,
         "forwarded_certificate", false},
};

static const char *ask(struct world *w, const struct forwarded *forwarded, size_t row,
                       struct tokencache *cache)
{
	static const struct wanted proxy = {.names = "URI:spiffe://example.org/proxy",
	                                    .basic = "critical,CA:FALSE",
	                                    .usage = "critical,digitalSignature",
	                                    IN_FORCE};
	enum reason why = REASON_INTERNAL;
	struct identity who = {0};
	struct authn *authn = NULL;
	struct workloads *workloads = NULL;
	char *policy = filled(w, requests[row].policy ? requests[row].policy : "{}");
	json_t *document = json_load_strict(sv_of(policy), 0, NULL);
	assert_int_equal(workloads_compile(json_object_get(document, "trustDomains"), NULL, NULL,
	                                   NULL, &workloads),
	                 0);
	assert_int_equal(authn_compile(&(struct authn_document){0}, NULL, NULL, &authn), 0);
	authn_take_workloads(authn, workloads);
	X509 *own = certify(&proxy, w->root, NOW);
	struct request req = {.headers = block_of(w, &w->arena, requests[row].headers),
	                      .cert_used = requests[row].proxy_has_cert};
	req.cert = der_of(own);
	assert_true(netaddr_parse(sv_of(requests[row].src), &req.src));
	const struct authn_ctx ctx = {
		.cache = cache, .arena = &w->arena, .now_s = NOW, .forwarded = forwarded};
	const struct authn_turn turn = {authn, &ctx, &req, &why};
	enum clientcert_outcome outcome = clientcert_identify(&turn, &who);
	if (outcome == CLIENTCERT_WORKLOAD)
		assert_true(sv_eq(who.workload, SVL(ID)));
	else
		assert_int_equal(who.workload.n, 0);
	der_free(req.cert);
	X509_free(own);
	authn_free(authn);
	json_decref(document);
	free(policy);
	return outcome == CLIENTCERT_WORKLOAD ? ""
	       : outcome == CLIENTCERT_NONE   ? "none"
	                                      : reason_name(why);
}

static void who_is_believed(void **state)
{
	struct world w;
	char first[] = "10.0.0.0/13", second[] = "10.4.0.0/14", third[] = "10.8.0.0/13";
	char *client_cert[] = {first}, *xfcc[] = {second, third};
	const struct forwarded_options options = {
		.networks = {{.at = client_cert, .n = 1}, {.at = xfcc, .n = 2}}};
	struct forwarded *forwarded = NULL;
	struct tokencache *cache = tokencache_new(16);
	(void)state;
	make_world(&w);
	assert_int_equal(forwarded_new(&options, "", NULL, &forwarded), 0);
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		arena_reset(&w.arena);
		const char *answer = ask(&w, forwarded, i, cache);
		if (strcmp(answer, requests[i].answer) != 0)
			print_error("row %zu: %s\n", i, answer);
		assert_string_equal(answer, requests[i].answer);
	}
	/* a block that is cut off may hide what matters */
	struct certheader said;
	struct request req = {.headers = block_of(&w, &w.arena, "host: a\nclient-cert: :$L:")};
	assert_true(netaddr_parse(SVL("10.0.0.1"), &req.src));
	assert_int_equal(forwarded_find(forwarded, &req, &w.arena, &said), FORWARDED_FOUND);
	req.headers.n--;
	assert_int_equal(forwarded_find(forwarded, &req, &w.arena, &said), FORWARDED_REFUSED);
	assert_int_equal(forwarded_find(NULL, &req, &w.arena, &said), FORWARDED_NOTHING);
	forwarded_free(forwarded);
	tokencache_free(cache);
	end_world(&w);
}

static void networks(void **state)
{
	char bad[] = "10.0.0.1/8", good[] = "2001:db8::/32";
	char *lists[] = {good, bad};
	const struct forwarded_options options = {.networks = {{0}, {.at = lists, .n = 2}}};
	struct diag d = diag_over(NULL, (struct sv){0});
	struct forwarded *forwarded = NULL;
	(void)state;
	assert_int_equal(forwarded_new(&options, "/authn/trusted_proxies", &d, &forwarded),
	                 -EINVAL);
	assert_null(forwarded);
	assert_int_equal(d.n, 1);
	assert_string_equal(d.items[0].pointer, "/authn/trusted_proxies/xfcc/1");
	diag_fini(&d);
	assert_null(trusting(NULL, NULL));
	struct forwarded *one = trusting(good, NULL);
	assert_non_null(one);
	forwarded_free(one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_cert), cmocka_unit_test(client_cert_chain),
		cmocka_unit_test(xfcc),        cmocka_unit_test(who_is_believed),
		cmocka_unit_test(networks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
