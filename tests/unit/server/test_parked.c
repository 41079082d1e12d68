/* Verdicts that take time: answers overtake each other, nobody waits for another, and every end is a denial that is
 * recorded. Under ThreadSanitizer as well. */
#include "core/clock.h"
#include "policy/asks.h"
#include "rig.h"

#include <jansson.h>
#include <stdatomic.h>

/* A performer that keeps what it is asked until the test says. */
struct fake {
	pthread_mutex_t lock;
	struct policy_ask *asked[64];
	unsigned n;
	int refuses;
};

static int fake_perform(void *user, struct policy_ask *ask)
{
	struct fake *f = user;
	(void)pthread_mutex_lock(&f->lock);
	int r = f->refuses;
	if (r == 0)
		f->asked[f->n++] = ask;
	(void)pthread_mutex_unlock(&f->lock);
	return r;
}

static struct fake fake;
static struct rig rig;
static struct policy_asks *asks;
static char secret_file[] = "/tmp/haward-parked-secret";

/* Whoever has a good token may everything under /; the target /nowhere/../x may nobody. */
static struct policy *asking_policy(uint64_t version)
{
	char text[1024];
	struct policy *policy = NULL;
	(void)snprintf(text, sizeof(text),
	               "{\"issuers\":[{\"issuer\":\"https://idp\",\"introspection\":{\"endpoint\":"
	               "\"https://idp/introspect\",\"clientId\":\"haward\",\"clientSecretFile\":"
	               "\"%s\"}}],\"services\":[{\"name\":\"all\",\"paths\":[\"/{**}\"]}],"
	               "\"policies\":[{\"name\":\"p\",\"action\":\"ALLOW\",\"rules\":[{\"from\":[{"
	               "\"source\":{\"requestPrincipals\":[\"https://idp/*\"]}}]}]}]}",
	               secret_file);
	struct diag d = diag_over("rig", sv_of(text));
	int r = policy_load(sv_of(text), NULL, version, &d, &policy);
	if (r)
		diag_print(&d, stderr);
	assert_int_equal(r, 0);
	diag_fini(&d);
	return policy;
}

static void begin(struct rig_options o)
{
	const struct policy_performer performers[AUTHN_ASK_KIND_COUNT] = {
		[AUTHN_ASK_INTROSPECT] = {fake_perform, &fake}};
	FILE *file = fopen(secret_file, "w");
	assert_non_null(file);
	assert_true(fputs("s3cret\n", file) > 0);
	assert_int_equal(fclose(file), 0);
	fake = (struct fake){.lock = PTHREAD_MUTEX_INITIALIZER};
	assert_int_equal(policy_asks_new(performers, &asks), 0);
	o.asks = asks;
	rig_start(&rig, &o);
	policy_slot_publish(rig.slot, asking_policy(2));
	server_wake(rig.server);
	usleep(50000);
}

static unsigned n_asked(void)
{
	(void)pthread_mutex_lock(&fake.lock);
	unsigned n = fake.n;
	(void)pthread_mutex_unlock(&fake.lock);
	return n;
}

static void await_asked(unsigned n)
{
	for (int i = 0; i < RIG_PATIENCE_MS && n_asked() < n; i++)
		usleep(1000);
	assert_int_equal(n_asked(), n);
}

static void tell(unsigned i, const char *user, enum reason why)
{
	struct authn_answer said = {
		.is_good = user != NULL,
		.why = why,
		.until_s = INT64_MAX,
		.claims = user ? json_pack("{s:s,s:s}", "iss", "https://idp", "sub", user) : NULL};
	(void)pthread_mutex_lock(&fake.lock);
	struct policy_ask *ask = TAKE(fake.asked[i]);
	(void)pthread_mutex_unlock(&fake.lock);
	if (ask)
		policy_ask_done(ask, &said);
	else
		json_decref(said.claims);
}

static int end(void **state)
{
	(void)state;
	rig_stop(&rig);
	for (unsigned i = 0; i < fake.n; i++)
		tell(i, NULL, REASON_INTROSPECTION_UNAVAILABLE);
	server_free(TAKE(rig.server));
	policy_asks_free(asks);
	rig_end(&rig);
	assert_int_equal(unlink(secret_file), 0);
	return 0;
}

static void ask_with(struct caller *c, uint64_t stream_id, const char *path, const char *token)
{
	uint8_t room[1024];
	char header[512];
	struct outbuf b = outbuf_over(room, sizeof(room));
	size_t at = spop_frame_open(&b, SPOP_NOTIFY, stream_id, 1);
	(void)snprintf(header, sizeof(header), "Bearer %s", token);
	spop_text_write(&b, SVL("haward-authorize"));
	outbuf_u8(&b, 4);
	put_text(&b, "method", "GET");
	put_text(&b, "host", "h");
	put_text(&b, "path", path);
	put_text(&b, "authorization", header);
	spop_frame_close(&b, at);
	assert_false(b.failed);
	caller_send(c, outbuf_sv(&b));
}

static void expect(struct caller *c, uint64_t stream_id, const char *reason)
{
	struct spop_frame ack;
	assert_true(caller_read(c, &ack));
	assert_int_equal(ack.stream_id, stream_id);
	struct sv told = answer_var(&ack, "reason").text;
	if (!sv_eq(told, sv_of(reason)))
		fail_msg("%.*s instead of %s", SV_ARG(told), reason);
	assert_int_equal(answer_allows(&ack), strcmp(reason, "policy_allowed") == 0);
	assert_true(answer_var(&ack, "event").text.n > 0);
}

static const struct rig_options one = {.n_workers = 1, .deadline_ms = 10000};

static void answers_overtake_each_other(void **state)
{
	static struct caller c;
	(void)state;
	begin(one);
	caller_open(&c, &rig);
	caller_greet(&c, false);
	ask_with(&c, 1, "/a", "anna");
	ask_with(&c, 2, "/a", "bert");
	ask_with(&c, 3, "/a", "carl");
	ask_with(&c, 4, "/a", "bert"); /* the same question: not asked again */
	caller_ask(&c, 5, "/a");
	expect(&c, 5, "authentication_required"); /* who needs no answer does not wait */
	await_asked(3);
	tell(1, "bert", REASON_INTERNAL);
	struct spop_frame ack;
	for (unsigned i = 0; i < 2; i++) {
		assert_true(caller_read(&c, &ack));
		assert_true((ack.stream_id == 2 || ack.stream_id == 4) && answer_allows(&ack));
		assert_true(sv_eq(answer_var(&ack, "user").text, SVL("bert")));
	}
	tell(2, NULL, REASON_TOKEN_INACTIVE);
	expect(&c, 3, "token_inactive");
	tell(0, NULL, REASON_INTROSPECTION_UNAVAILABLE);
	expect(&c, 1, "introspection_unavailable");
	/* known now, for better or worse */
	ask_with(&c, 6, "/b", "bert");
	expect(&c, 6, "policy_allowed");
	ask_with(&c, 7, "/b", "carl");
	expect(&c, 7, "token_inactive");
	assert_int_equal(n_asked(), 3);
	caller_close(&c);
	assert_int_equal(rig_n_records(&rig), 7);
}

static void the_deadline_is_an_answer(void **state)
{
	static struct caller c;
	const struct rig_options soon = {.n_workers = 1, .deadline_ms = 200};
	(void)state;
	begin(soon);
	caller_open(&c, &rig);
	caller_greet(&c, false);
	uint64_t began = clock_mono_ns();
	ask_with(&c, 1, "/a", "anna");
	expect(&c, 1, "authentication_timeout");
	uint64_t took_ms = (clock_mono_ns() - began) / 1000000;
	assert_true(took_ms >= 190 && took_ms < 2000);
	const struct worker_counters *w = server_worker(rig.server, 0);
	assert_int_equal(atomic_load(&w->n_timed_out), 1);
	/* the whole wait counts */
	assert_true(atomic_load(&w->took_ns_sum) >= 190 * (uint64_t)1000000);
	/* the answer is late, and is kept for the next */
	tell(0, "anna", REASON_INTERNAL);
	usleep(50000);
	ask_with(&c, 2, "/a", "anna");
	expect(&c, 2, "policy_allowed");
	caller_close(&c);
	assert_int_equal(rig_n_records(&rig), 2);
}

static void what_is_refused_anyway_is_not_asked(void **state)
{
	static struct caller c;
	(void)state;
	begin(one);
	caller_open(&c, &rig);
	caller_greet(&c, false);
	ask_with(&c, 1, "/a/../b", "anna");
	expect(&c, 1, "ambiguous_path");
	ask_with(&c, 2, "/a", "not a token");
	expect(&c, 2, "token_malformed");
	assert_int_equal(n_asked(), 0);
	caller_close(&c);
}

static void who_cannot_ask_refuses_at_once(void **state)
{
	static struct caller c;
	(void)state;
	begin(one);
	(void)pthread_mutex_lock(&fake.lock);
	fake.refuses = -EAGAIN;
	(void)pthread_mutex_unlock(&fake.lock);
	caller_open(&c, &rig);
	caller_greet(&c, false);
	ask_with(&c, 1, "/a", "anna");
	expect(&c, 1, "overloaded");
	caller_close(&c);
}

/* Whoever asked is gone when the answer comes; others go on, and the answer is kept for them. */
static void who_leaves_is_not_answered(void **state)
{
	static struct caller gone, other;
	(void)state;
	begin(one);
	caller_open(&gone, &rig);
	caller_greet(&gone, false);
	caller_open(&other, &rig);
	caller_greet(&other, false);
	ask_with(&gone, 1, "/a", "anna");
	await_asked(1);
	ask_with(&other, 2, "/a", "anna");
	caller_ask(&other, 3, "/a");
	expect(&other, 3, "authentication_required");
	caller_close(&gone);
	usleep(50000);
	tell(0, "anna", REASON_INTERNAL);
	expect(&other, 2, "policy_allowed");
	caller_close(&other);
	assert_int_equal(rig_n_records(&rig), 2);
}

/* What is told of the set before does not count under the one in force: it is asked again. */
static void a_publish_in_between_asks_again(void **state)
{
	static struct caller c;
	(void)state;
	begin(one);
	caller_open(&c, &rig);
	caller_greet(&c, false);
	ask_with(&c, 1, "/a", "anna");
	await_asked(1);
	policy_slot_publish(rig.slot, asking_policy(3));
	server_wake(rig.server);
	usleep(50000);
	tell(0, "anna", REASON_INTERNAL);
	await_asked(2);
	tell(1, "anna", REASON_INTERNAL);
	expect(&c, 1, "policy_allowed");
	caller_close(&c);
}

static void *stop_rig(void *arg)
{
	(void)arg;
	rig_stop(&rig);
	return NULL;
}

/* Stopping waits for what is parked, within its own time. */
static void the_end_waits_for_who_waits(void **state)
{
	static struct caller c;
	pthread_t stopper;
	(void)state;
	begin(one);
	caller_open(&c, &rig);
	caller_greet(&c, false);
	ask_with(&c, 1, "/a", "anna");
	await_asked(1);
	assert_int_equal(pthread_create(&stopper, NULL, stop_rig, NULL), 0);
	usleep(400000); /* longer than a connection that is quiet has */
	tell(0, "anna", REASON_INTERNAL);
	expect(&c, 1, "policy_allowed");
	(void)caller_goodbye(&c);
	assert_int_equal(pthread_join(stopper, NULL), 0);
	caller_close(&c);
	assert_int_equal(rig_n_records(&rig), 1);
}

/* ---- many at once ---- */

static void *answer_soon(void *arg)
{
	struct policy_ask *ask = arg;
	struct authn_answer said = {
		.is_good = true,
		.until_s = INT64_MAX,
		.claims = json_pack("{s:s,s:s}", "iss", "https://idp", "sub", "anna")};
	usleep((useconds_t)(ask->asked.key[0] * 20));
	policy_ask_done(ask, &said);
	return NULL;
}

static int perform_on_a_thread(void *user, struct policy_ask *ask)
{
	pthread_t thread;
	(void)user;
	int r = pthread_create(&thread, NULL, answer_soon, ask);
	return r ? -r : pthread_detach(thread);
}

enum { N_CALLERS = 3, N_QUESTIONS = 300 };

static void *ask_on(void *arg)
{
	struct caller *c = calloc(1, sizeof(*c));
	struct spop_frame ack;
	(void)arg;
	assert_non_null(c);
	caller_open(c, &rig);
	caller_greet(c, false);
	for (unsigned i = 0; i < N_QUESTIONS; i++) {
		char token[32];
		(void)snprintf(token, sizeof(token), "t%u", i % 100);
		ask_with(c, i + 1, "/a", token);
	}
	for (unsigned i = 0; i < N_QUESTIONS; i++)
		assert_true(caller_read(c, &ack) && answer_allows(&ack));
	caller_close(c);
	free(c);
	return NULL;
}

static void callers_workers_and_performers_at_once(void **state)
{
	const struct policy_performer performers[AUTHN_ASK_KIND_COUNT] = {
		[AUTHN_ASK_INTROSPECT] = {perform_on_a_thread, NULL}};
	const struct rig_options three = {.n_workers = 3, .deadline_ms = 20000};
	pthread_t callers[N_CALLERS];
	struct policy_asks *mine = NULL;
	(void)state;
	assert_int_equal(policy_asks_new(performers, &mine), 0);
	begin(three); /* with a fake that is not asked */
	rig_stop(&rig);
	server_free(TAKE(rig.server));
	rig.deps.asks = mine;
	struct diag d = diag_over("rig", SVL(""));
	assert_int_equal(server_new(&rig.deps, &d, &rig.server), 0);
	diag_fini(&d);
	assert_int_equal(pthread_create(&rig.thread, NULL, rig_run, &rig), 0);
	rig.runs = true;
	for (int i = 0; i < N_CALLERS; i++)
		assert_int_equal(pthread_create(&callers[i], NULL, ask_on, NULL), 0);
	for (int i = 0; i < N_CALLERS; i++)
		assert_int_equal(pthread_join(callers[i], NULL), 0);
	assert_int_equal(rig_n_records(&rig), N_CALLERS * N_QUESTIONS);
	rig_stop(&rig);
	policy_asks_free(mine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(answers_overtake_each_other, end),
		cmocka_unit_test_teardown(the_deadline_is_an_answer, end),
		cmocka_unit_test_teardown(what_is_refused_anyway_is_not_asked, end),
		cmocka_unit_test_teardown(who_cannot_ask_refuses_at_once, end),
		cmocka_unit_test_teardown(who_leaves_is_not_answered, end),
		cmocka_unit_test_teardown(a_publish_in_between_asks_again, end),
		cmocka_unit_test_teardown(the_end_waits_for_who_waits, end),
		cmocka_unit_test_teardown(callers_workers_and_performers_at_once, end),
	};
	return cmocka_run_group_tests_name("server/parked", tests, NULL, NULL);
}
