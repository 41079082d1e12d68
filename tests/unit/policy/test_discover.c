/* Discovery over the real fetcher, with threads: policy sets come and go, keys are wished for, and somebody looks, while
 * documents and keys are under way. What it holds is that nobody touches what another frees; run it under TSan. */
#include "authn/authn.h"
#include "authn/keyslot.h"
#include "fetch/fetch.h"
#include "fetch/site.h"
#include "policy/keyfetch.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "support/cmocka_prelude.h"

#include <stdio.h>
#include <stdlib.h>

struct world {
	struct site site;
	struct fetch *fetch;
	struct policy_keys *keys;
	char set[256];
	atomic_bool stop;
	atomic_uint n_looks;
};

/* RFC 7517 A.1, the elliptic key */
static const char keys_body[] =
	"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
	"\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPA"
	"qv7D4\",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\",\"kid\":\"1\"}]}";

static struct world world;

static void send_body(int fd, const char *body)
{
	char answer[1024];
	int n = snprintf(answer, sizeof(answer),
	                 "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
	                 strlen(body), body);
	(void)send(fd, answer, (size_t)n, MSG_NOSIGNAL);
}

/* The keys' place moves with each document, so that watches begin and end all the time. */
static void serve(struct site *site, int fd)
{
	char request[2048] = {0}, document[256];
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	if (poll(&readable, 1, 1000) != 1 || recv(fd, request, sizeof(request) - 1, 0) <= 0)
		return;
	unsigned n = atomic_fetch_add(&site->n_requests, 1);
	(void)snprintf(
		document, sizeof(document),
		"{\"issuer\":\"http://127.0.0.1:%u\",\"jwks_uri\":\"http://127.0.0.1:%u/%u\"}",
		site->port, site->port, n);
	send_body(fd, strstr(request, "/.well-known/openid") ? document : keys_body);
}

static struct policy *load(void)
{
	const struct policy_env env = {.keys = world.keys};
	struct policy *policy = NULL;
	assert_int_equal(policy_load(sv_of(world.set), &env, 1, NULL, &policy), 0);
	return policy;
}

static void count(void *user, const struct policy_keys_status *status)
{
	(void)status;
	atomic_fetch_add((atomic_uint *)user, 1);
}

/* The admin side and a worker. */
static void *look_and_wish(void *user)
{
	(void)user;
	struct policy *mine = load();
	struct keyslot *slot = authn_issuer(policy_authn(mine), 0)->keys;
	while (!atomic_load(&world.stop)) {
		policy_keys_each(world.keys, count, &world.n_looks);
		keyslot_want(slot);
		(void)usleep(500);
	}
	policy_unref(mine);
	return NULL;
}

static void policy_sets_come_and_go_while_keys_are_under_way(void **state)
{
	static const char *const hosts[] = {"127.0.0.1"};
	const struct fetch_options options = {
		.allow_http_hosts = hosts, .n_allow_http_hosts = 1, .floor_s = 1};
	pthread_t other;
	(void)state;
	site_open(&world.site, NULL, serve);
	(void)snprintf(world.set, sizeof(world.set),
	               "{\"issuers\":[{\"issuer\":\"http://127.0.0.1:%u\"}]}", world.site.port);
	assert_int_equal(fetch_start(&options, &world.fetch), 0);
	const struct policy_keys_fetcher fetcher = policy_keys_over_fetch(world.fetch);
	assert_int_equal(policy_keys_new(&fetcher, &world.keys), 0);
	for (int round = 0; round < 3; round++) {
		atomic_store(&world.stop, false);
		assert_int_equal(pthread_create(&other, NULL, look_and_wish, NULL), 0);
		for (int i = 0; i < 200; i++) {
			struct policy *policy = load();
			(void)usleep(2000);
			policy_unref(policy);
		}
		atomic_store(&world.stop, true);
		assert_int_equal(pthread_join(other, NULL), 0); /* the last use ends the watches */
	}
	struct policy *policy = load();
	struct keyslot *slot = authn_issuer(policy_authn(policy), 0)->keys;
	for (int i = 0; i < 1000 && keyslot_generation(slot) == 0; i++)
		(void)usleep(10000);
	assert_true(keyslot_generation(slot) > 0);
	assert_true(atomic_load(&world.n_looks) > 0);
	policy_unref(policy);
	policy_keys_free(world.keys);
	fetch_stop(world.fetch);
	site_close(&world.site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policy_sets_come_and_go_while_keys_are_under_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
