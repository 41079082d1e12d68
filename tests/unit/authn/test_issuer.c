/* One issuer of a policy set: what it is when little is written, and how each mistake is named and placed. */
#include "authn/issuer.h"
#include "core/jsonload.h"
#include "minter.h"

#include <errno.h>
#include <ftw.h>
#include <unistd.h>

#define JWK                                                                                        \
	"{'kty':'OKP','crv':'Ed25519','kid':'1','x':'11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'" \
	"}"
#define KEYS "'jwks':{'keys':[" JWK "]}"
#define QUOTED_KEYS                                                           \
	"'{\\'keys\\':[{\\'kty\\':\\'OKP\\',\\'crv\\':\\'Ed25519\\',\\'x\\':" \
	"\\'11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\\'}]}'"
#define URL "'jwksUri':'https://idp.example/keys'"
#define ISS "'issuer':'https://idp.example'"

static const uint32_t hmac_algs =
	JWS_ALG_BIT(JWS_HS256) | JWS_ALG_BIT(JWS_HS384) | JWS_ALG_BIT(JWS_HS512);

/* An issuer, the directory beside which its files are, and what was said of it. */
struct desk {
	char dir[64];
	struct issuer issuer;
	struct diag diag;
	json_t *document;
	struct keyslot *fetched; /* what a URL gets; NULL: it is not allowed */
	char url[64];
};

static struct keyslot *keys_of_url(void *user, const struct key_source *source)
{
	struct desk *desk = user;
	(void)snprintf(desk->url, sizeof(desk->url), "%s", source->url);
	return desk->fetched ? keyslot_ref(desk->fetched) : NULL;
}

static void save(const struct desk *desk, const char *name, const char *text)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/%s", desk->dir, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
}

static int set_up(void **state)
{
	static struct desk desk;
	desk = (struct desk){.fetched = keyslot_new(NULL, NULL)};
	(void)snprintf(desk.dir, sizeof(desk.dir), "/tmp/haward-issuer-XXXXXX");
	assert_non_null(mkdtemp(desk.dir));
	save(&desk, "short", "0123456789abcdef0123456789abcde\n"); /* 31 bytes and a line end */
	save(&desk, "secret", "0123456789abcdef0123456789abcdef\n");
	save(&desk, "not-json", "top-secret-of-another-program");
	save(&desk, "no-keys", "{\"keys\":[]}");
	save(&desk, "keys",
	     "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
	     "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}");
	*state = &desk;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	struct desk *desk = *state;
	(void)nftw(desk->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	keyslot_unref(desk->fetched);
	return 0;
}

/* Reads "{members}", ' for "; forget() after it. */
static int read_issuer(struct desk *desk, const char *members)
{
	static char text[4096];
	const struct authn_env env = {.base_dir = desk->dir, .keys_of = keys_of_url, .user = desk};
	(void)snprintf(text, sizeof(text), "{%s}", members);
	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	desk->diag = diag_over("test", sv_of(text));
	desk->document = json_load_strict(sv_of(text), 0, &desk->diag);
	assert_non_null(desk->document);
	return issuer_read(desk->document, "/issuers/3", &env, &desk->diag, &desk->issuer);
}

static void forget(struct desk *desk)
{
	issuer_fini(&desk->issuer);
	diag_fini(&desk->diag);
	json_decref(desk->document);
}

static struct jwks *keys_of(const struct desk *desk)
{
	struct jwks *set = keyslot_get(desk->issuer.keys);
	jwks_unref(set); /* the slot's own reference is enough here */
	return set;
}

static void little_is_enough(void **state)
{
	struct desk *desk = *state;
	assert_int_equal(read_issuer(desk, ISS "," KEYS), 0);
	const struct issuer *issuer = &desk->issuer;
	assert_string_equal(issuer->name, "https://idp.example");
	assert_true(issuer->require_expiration && issuer->leeway_s == 0);
	assert_true(issuer->max_lifetime_s == 0 && issuer->audiences.n == 0);
	assert_false(issuer->algs & (hmac_algs | JWS_ALG_BIT(JWS_UNKNOWN)));
	for (unsigned alg = JWS_RS256; alg <= JWS_EDDSA; alg++)
		assert_true(issuer->algs & JWS_ALG_BIT(alg));
	assert_int_equal(keys_of(desk)->n, 1);
	assert_null(issuer->jwks); /* it was the document's */
	forget(desk);
}

static void each_source_gives_its_keys(void **state)
{
	struct desk *desk = *state;
	static const char *const sources[] = {KEYS, "'jwksFile':'keys'", "'jwks':" QUOTED_KEYS};
	char members[1024];
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		(void)snprintf(members, sizeof(members), ISS ",%s", sources[i]);
		assert_int_equal(read_issuer(desk, members), 0);
		assert_int_equal(keys_of(desk)->n, 1);
		assert_int_equal(keys_of(desk)->keys[0].algs, JWS_ALG_BIT(JWS_EDDSA));
		forget(desk);
	}
	(void)snprintf(members, sizeof(members), ISS ",'jwksFile':'%s/keys'", desk->dir);
	assert_int_equal(read_issuer(desk, members), 0);
	forget(desk);
	assert_int_equal(read_issuer(desk, ISS "," URL), 0);
	assert_ptr_equal(desk->issuer.keys, desk->fetched);
	assert_string_equal(desk->url, "https://idp.example/keys");
	forget(desk);
}

/* The editor's line end is no part of the secret; a secret goes with HS and with nothing else. */
static void a_secret_is_for_hmac_alone(void **state)
{
	struct desk *desk = *state;
	assert_int_equal(read_issuer(desk, ISS ",'secretFile':'secret'"), 0);
	assert_int_equal(desk->issuer.algs, hmac_algs);
	const struct jwk *key = &keys_of(desk)->keys[0];
	assert_int_equal(key->algs,
	                 JWS_ALG_BIT(JWS_HS256)); /* 32 bytes are too few for the others */
	assert_int_equal(key->n_secret, 32);
	assert_memory_equal(key->secret, "0123456789abcdef0123456789abcdef", 32);
	forget(desk);
	assert_int_equal(read_issuer(desk, ISS ",'secretFile':'secret','algorithms':['HS256']"), 0);
	assert_int_equal(desk->issuer.algs, JWS_ALG_BIT(JWS_HS256));
	forget(desk);
}

/* A bad key is no reason to refuse the others; nobody fetches: only the document is judged. */
static void what_is_let_pass(void **state)
{
	struct desk *desk = *state;
	assert_int_equal(read_issuer(desk, ISS ",'jwks':{'keys':[" JWK ",{'kty':'oct','k':'AA'}]}"),
	                 0);
	assert_int_equal(keys_of(desk)->n, 1);
	forget(desk);
	json_t *document = json_pack("{s:s,s:s}", "issuer", "i", "jwksUri", "https://x/");
	assert_int_equal(issuer_read(document, "", NULL, NULL, &desk->issuer), 0);
	assert_int_equal(keyslot_generation(desk->issuer.keys), 0);
	issuer_fini(&desk->issuer);
	json_decref(document);
}

/* Where, and by which code. */
static const struct {
	const char *members, *pointer, *code;
} mistakes[] = {
	{KEYS, "/issuers/3", "missing_key"},
	{"'issuer':''," KEYS, "/issuers/3/issuer", "wrong_length"},
	{"'issuer':7," KEYS, "/issuers/3/issuer", "wrong_type"},
	{"'issuer':'idp.example'", "/issuers/3", "key_source"},
	{ISS "," KEYS "," URL, "/issuers/3", "key_source"},
	{ISS "," KEYS ",'secretFile':'secret'", "/issuers/3", "key_source"},
	{ISS ",'jwks_uri':'https://x/'", "/issuers/3/jwks_uri", "unknown_key"},
	{ISS ",'jwksUri':'ftp://x/'", "/issuers/3/jwksUri", "not_a_url"},
	{ISS ",'jwksUri':'file:///etc/passwd'", "/issuers/3/jwksUri", "not_a_url"},
	{ISS ",'jwksUri':'HTTPS://x/'", "/issuers/3/jwksUri", "not_a_url"},
	{ISS ",'jwks':{}", "/issuers/3/jwks", "not_a_key_set"},
	{ISS ",'jwks':'{'", "/issuers/3/jwks", "not_json"},
	{ISS ",'jwks':7", "/issuers/3/jwks", "not_a_key_set"},
	{ISS ",'jwks':{'keys':[]}", "/issuers/3/jwks", "no_usable_key"},
	{ISS ",'jwks':{'keys':[{'kty':'oct','k':'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY'}]}",
         "/issuers/3/jwks", "unusable_key"},
	{ISS ",'jwksFile':'absent'", "/issuers/3/jwksFile", "unreadable_file"},
	{ISS ",'jwksFile':'.'", "/issuers/3/jwksFile", "unreadable_file"},
	{ISS ",'jwksFile':'not-json'", "/issuers/3/jwksFile", "not_json"},
	{ISS ",'jwksFile':'no-keys'", "/issuers/3/jwksFile", "no_usable_key"},
	{ISS ",'secretFile':'short'", "/issuers/3/secretFile", "weak_secret"},
	{ISS ",'secretFile':'absent'", "/issuers/3/secretFile", "unreadable_file"},
	{ISS "," KEYS ",'algorithms':['none']", "/issuers/3/algorithms/0", "unknown_algorithm"},
	{ISS "," KEYS ",'algorithms':['RS256','rs384']", "/issuers/3/algorithms/1",
         "unknown_algorithm"},
	{ISS "," KEYS ",'algorithms':['ES256K']", "/issuers/3/algorithms/0", "unknown_algorithm"},
	{ISS "," KEYS ",'algorithms':['RS256','HS256']", "/issuers/3/algorithms/1",
         "algorithm_without_key"},
	{ISS ",'secretFile':'secret','algorithms':['RS256']", "/issuers/3/algorithms/0",
         "algorithm_without_key"},
	{ISS "," KEYS ",'algorithms':'RS256'", "/issuers/3/algorithms", "wrong_type"},
	{ISS "," KEYS ",'audiences':['a',7]", "/issuers/3/audiences/1", "wrong_type"},
	{ISS "," KEYS ",'clockSkewSeconds':-1", "/issuers/3/clockSkewSeconds", "out_of_range"},
	{ISS "," KEYS ",'clockSkewSeconds':301", "/issuers/3/clockSkewSeconds", "out_of_range"},
	{ISS "," KEYS ",'clockSkewSeconds':1.5", "/issuers/3/clockSkewSeconds", "wrong_type"},
	{ISS "," KEYS ",'requireExpiration':'false'", "/issuers/3/requireExpiration", "wrong_type"},
	{ISS "," KEYS ",'claims':{'users':'x'}", "/issuers/3/claims/users", "unknown_key"},
	{ISS "," KEYS ",'claims':{'user':''}", "/issuers/3/claims/user", "wrong_length"},
};

static bool says(const struct diag *d, const char *pointer, const char *code)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->items[i].pointer, pointer) == 0 &&
		    strcmp(d->items[i].code, code) == 0)
			return true;
	return false;
}

static void mistakes_are_named_at_their_place(void **state)
{
	struct desk *desk = *state;
	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
		int r = read_issuer(desk, mistakes[i].members);
		if (r != -EINVAL || !says(&desk->diag, mistakes[i].pointer, mistakes[i].code)) {
			print_error("mistake %zu %s: %d\n", i, mistakes[i].members, r);
			diag_print(&desk->diag, stderr);
			fail();
		}
		for (size_t k = 0; k < desk->diag.n; k++) /* another program's file is not shown */
			assert_null(strstr(desk->diag.items[k].message, "top-secret"));
		forget(desk);
	}
}

static void a_url_that_is_not_allowed_is_said(void **state)
{
	struct desk *desk = *state;
	keyslot_unref(desk->fetched);
	desk->fetched = NULL;
	assert_int_equal(read_issuer(desk, ISS "," URL), -EINVAL);
	assert_true(says(&desk->diag, "/issuers/3/jwksUri", "url_not_allowed"));
	forget(desk);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(little_is_enough),
		TEST(each_source_gives_its_keys),
		TEST(a_secret_is_for_hmac_alone),
		TEST(what_is_let_pass),
		TEST(mistakes_are_named_at_their_place),
		TEST(a_url_that_is_not_allowed_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
