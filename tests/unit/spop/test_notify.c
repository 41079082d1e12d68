#include "peer.h"
#include "spop/notify.h"

static struct peer p;

/* Decodes what the peer has said as one payload, in a block of its size: views in *ret end with the next call. */
static void decode(struct spop_notify *ret)
{
	static struct sv payload;
	exact_free(payload);
	payload = exact(peer_bytes(&p));
	memset(ret, 0xa5, sizeof(*ret));
	spop_notify_decode(payload, ret);
}

static const char event_text[] = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

static void a_request_is_read_with_all_it_says(void **state)
{
	(void)state;
	struct spop_notify n;
	peer_init(&p);
	peer_message(&p, "haward-authorize", 25);
	peer_string(&p, "id", "unique");
	peer_string(&p, "service", "orders");
	peer_string(&p, "method", "PROPFIND");
	peer_string(&p, "path", "/orders/17");
	peer_string(&p, "query", "a=b");
	peer_string(&p, "host", "shop.example");
	peer_value(&p, "src", SVL("\x06\xc0\x00\x02\x01"));
	peer_number(&p, "src_port", 65535);
	peer_value(&p, "dst", SVL("\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"));
	peer_number(&p, "dst_port", 0);
	peer_string(&p, "authorization", "Bearer x");
	peer_value(&p, "authorization", SVL("\x00"));
	peer_string(&p, "dpop", "a.b.c");
	peer_string(&p, "dpop", "d.e.f");
	peer_string(&p, "api_key", "key");
	peer_string(&p, "cookie", "sid=1");
	peer_value(&p, "headers", SVL("\x09\x04h\0v\0"));
	peer_value(&p, "cert", SVL("\x09\x02\x30\x00"));
	peer_bool(&p, "cert_used", true);
	peer_number(&p, "cert_verify", 0);
	peer_string(&p, "sni", "shop.example");
	peer_bool(&p, "tls", true);
	peer_string(&p, "traceparent", "00-1-2-01");
	peer_string(&p, "user_agent", "curl");
	peer_value(&p, "body", SVL("\x09\x01\x00"));
	decode(&n);

	const struct request *r = &n.request;
	const struct sv texts[][2] = {
		{r->id, SV("unique")},       {r->service, SV("orders")},
		{r->method, SV("PROPFIND")}, {r->path, SV("/orders/17")},
		{r->query, SV("a=b")},       {r->host, SV("shop.example")},
		{r->api_key, SV("key")},     {r->authorization, SV("Bearer x")},
		{r->cookie, SV("sid=1")},    {r->headers, SV("h\0v\0")},
		{r->cert, SV("\x30\x00")},   {r->sni, SV("shop.example")},
		{r->user_agent, SV("curl")}, {r->traceparent, SV("00-1-2-01")},
		{r->body, SV("\x00")},       {r->dpop, SV("a.b.c")},
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_true(sv_eq(texts[i][0], texts[i][1]));
	char room[NETADDR_TEXT_BYTES];
	assert_true(sv_eq(netaddr_format(&r->src, room), SVL("192.0.2.1")));
	assert_true(sv_eq(netaddr_format(&r->dst, room), SVL("::1")));
	assert_true(r->src_port == 65535 && r->dst_port == 0);
	assert_int_equal(r->n_authorization, 1);
	assert_int_equal(r->n_dpop, 2);
	assert_true(r->cert_used && r->cert_verify == 0 && r->tls && !r->bad);
	assert_int_equal(r->kind, REQUEST_HTTP);
	assert_true(n.has_request && !n.has_outcome && n.n_messages == 1);
}

static void what_is_not_told_is_not_there(void **state)
{
	(void)state;
	static const char *const nulls[] = {"id",  "src",       "src_port",    "authorization",
	                                    "tls", "cert_used", "cert_verify", "cert"};
	for (unsigned with_nulls = 0; with_nulls < 2; with_nulls++) {
		struct spop_notify n;
		peer_init(&p);
		peer_message(&p, "haward-connect", with_nulls ? ARRAY_LEN(nulls) : 0);
		for (size_t i = 0; with_nulls && i < ARRAY_LEN(nulls); i++)
			peer_value(&p, nulls[i], SVL("\x00"));
		decode(&n);
		assert_true(n.has_request && !n.request.bad);
		assert_int_equal(n.request.kind, REQUEST_CONNECT);
		assert_int_equal(n.request.cert_verify, -1); /* 0 would be a good certificate */
		assert_int_equal(n.request.src.family, 0);
		assert_int_equal(n.request.n_authorization, 0);
		assert_true(n.request.id.n == 0 && n.request.cert.n == 0);
		assert_true(!n.request.tls && !n.request.cert_used);
	}
}

static void an_outcome_is_read_with_all_it_says(void **state)
{
	(void)state;
	static const char *const numbers[] = {"status",   "bytes_out",  "bytes_in",   "duration_ms",
	                                      "queue_ms", "connect_ms", "response_ms"};
	static const char *const names[] = {"id", "backend", "server", "method", "path", "host"};
	struct spop_notify n;
	peer_init(&p);
	peer_message(&p, "haward-account", 16);
	peer_string(&p, "event", event_text);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		peer_number(&p, numbers[i], 100 + (int)i);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		peer_string(&p, names[i], names[i]);
	peer_value(&p, "src", SVL("\x06\xc0\x00\x02\x01"));
	peer_number(&p, "src_port", 4242);
	decode(&n);

	const struct outcome *o = &n.outcome;
	const int64_t got[] = {o->status,   o->bytes_out,  o->bytes_in,   o->duration_ms,
	                       o->queue_ms, o->connect_ms, o->response_ms};
	const struct sv texts[] = {o->id, o->backend, o->server, o->method, o->path, o->host};
	char id[EVENT_ID_TEXT_BYTES + 1];
	assert_true(n.has_outcome && !n.has_request);
	for (size_t i = 0; i < ARRAY_LEN(got); i++)
		assert_int_equal(got[i], 100 + i);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_true(sv_eq(texts[i], sv_of(names[i])));
	assert_true(sv_eq(event_id_text(&o->event, id), sv_of(event_text)));
	assert_true(o->src.family == 4 && o->src_port == 4242);
}

static void an_outcome_without_a_decision_has_no_event(void **state)
{
	(void)state;
	struct spop_notify n;
	peer_init(&p);
	peer_message(&p, "haward-account", 2);
	peer_string(&p, "event", "");
	peer_number(&p, "status", 503);
	decode(&n);
	assert_true(n.has_outcome && !event_id_is_set(&n.outcome.event));
	assert_int_equal(n.outcome.status, 503);
	assert_int_equal(n.outcome.bytes_out, -1);
}

/* Every kind of value for one argument, by the letters of the kinds that it may be. */
struct kind_case {
	const char *name;
	const char *may; /* of n t i 6 s b: null, bool, integer, address, string, binary */
};

static const struct {
	char letter;
	struct sv value;
} offered[] = {
	{'n', SV("\x00")},
	{'t', SV("\x11")},
	{'t', SV("\x01")},
	{'i', SV("\x02\x01")},
	{'i', SV("\x03\x01")},
	{'i', SV("\x04\x01")},
	{'i', SV("\x05\x01")},
	{'6', SV("\x06\xc0\x00\x02\x01")},
	{'6', SV("\x07\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01")},
	{'s', SV("\x08\x01x")},
	{'b', SV("\x09\x01x")},
};

static void an_argument_of_the_wrong_kind_is_a_bad_request(void **state)
{
	(void)state;
	static const struct kind_case cases[] = {
		{"id", "nsb"},       {"service", "nsb"},    {"method", "nsb"},
		{"path", "nsb"},     {"query", "nsb"},      {"host", "nsb"},
		{"src", "n6"},       {"src_port", "ni"},    {"dst", "n6"},
		{"dst_port", "ni"},  {"api_key", "nsb"},    {"authorization", "nsb"},
		{"cookie", "nsb"},   {"headers", "nsb"},    {"cert", "nsb"},
		{"cert_used", "nt"}, {"cert_verify", "ni"}, {"sni", "nsb"},
		{"tls", "nt"},       {"user_agent", "nsb"}, {"traceparent", "nsb"},
		{"body", "nsb"},     {"dpop", "nsb"},       {"unknown", "nti6sb"},
		{"", "nti6sb"},      {"ID", "nti6sb"},      {"id2", "nti6sb"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t k = 0; k < ARRAY_LEN(offered); k++) {
			struct spop_notify n;
			peer_init(&p);
			peer_message(&p, "haward-authorize", 2);
			peer_value(&p, cases[i].name, offered[k].value);
			peer_string(&p, cases[i].name[0] == 'p' ? "host" : "path", "/");
			decode(&n);
			bool may = strchr(cases[i].may, offered[k].letter) != NULL;
			print_message("'%s' as %zu\n", cases[i].name, k);
			assert_true(n.has_request);
			assert_int_equal(n.request.bad, !may);
		}
	}
}

static void a_port_is_of_16_bits(void **state)
{
	(void)state;
	static const struct {
		int64_t port;
		bool good;
	} cases[] = {{0, true},          {65535, true},      {65536, false}, {-1, false},
	             {INT64_MIN, false}, {INT64_MAX, false}, {443, true}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct spop_notify n;
		peer_init(&p);
		peer_message(&p, "haward-authorize", 1);
		peer_number(&p, "dst_port", cases[i].port);
		decode(&n);
		assert_int_equal(n.request.bad, !cases[i].good);
		assert_int_equal(n.request.dst_port, cases[i].good ? cases[i].port : 0);
	}
}

static bool may_stand_twice(const char *name)
{
	return strcmp(name, "authorization") == 0 || strcmp(name, "api_key") == 0 ||
	       strcmp(name, "dpop") == 0 || strcmp(name, "cookie") == 0;
}

static void what_stands_twice_is_a_bad_request(void **state)
{
	(void)state;
	size_t n_names;
	const struct spop_attribute_name *names = spop_notify_attributes(false, &n_names);
	for (size_t i = 0; i < n_names; i++) {
		for (size_t k = 0; k < ARRAY_LEN(offered); k++) {
			struct spop_notify n, once;
			peer_init(&p);
			peer_message(&p, "haward-authorize", 1);
			peer_value(&p, names[i].name, offered[k].value);
			decode(&once);
			peer_init(&p);
			peer_message(&p, "haward-authorize", 3);
			peer_value(&p, names[i].name, offered[k].value);
			peer_string(&p, "other", "x");
			peer_value(&p, names[i].name, offered[k].value);
			decode(&n);
			bool harmless = offered[k].letter == 'n' ||
			                (!once.request.bad && may_stand_twice(names[i].name));
			print_message("%s as %zu\n", names[i].name, k);
			assert_int_equal(n.request.bad, !harmless);
		}
	}
}

static void a_second_credential_is_seen_and_the_first_kept(void **state)
{
	(void)state;
	struct spop_notify n;
	peer_init(&p);
	peer_message(&p, "haward-authorize", 8);
	peer_string(&p, "api_key", "one");
	peer_string(&p, "api_key", "two");
	peer_string(&p, "authorization", "Bearer one");
	peer_value(&p, "authorization", SVL("\x00"));
	peer_string(&p, "authorization", "Bearer two");
	peer_string(&p, "authorization", "");
	peer_string(&p, "cookie", "a=1");
	peer_string(&p, "cookie", "a=2");
	decode(&n);
	assert_int_equal(n.request.n_cookie, 2);
	assert_true(sv_eq(n.request.cookie, SVL("a=1")));
	assert_int_equal(n.request.n_authorization, 3);
	assert_true(sv_eq(n.request.authorization, SVL("Bearer one")));
	assert_int_equal(n.request.n_api_key, 2);
	assert_true(sv_eq(n.request.api_key, SVL("one")));
	assert_false(n.request.bad);
}

static void messages_of_others_are_passed_over(void **state)
{
	(void)state;
	struct spop_notify n;
	for (unsigned ours = 0; ours < 2; ours++) {
		peer_init(&p);
		peer_message(&p, "check-client-ip", 1);
		peer_value(&p, "", SVL("\x06\xc0\x00\x02\x01"));
		peer_message(&p, "haward-authorize-later", 2);
		peer_string(&p, "path", "/wrong");
		peer_number(&p, "path", -1);
		if (ours) {
			peer_message(&p, "haward-authorize", 1);
			peer_string(&p, "path", "/right");
		}
		decode(&n);
		assert_int_equal(n.n_messages, 2 + ours);
		assert_int_equal(n.has_request, ours);
		assert_false(n.has_outcome || n.request.bad);
		assert_true(sv_eq(n.request.path, ours ? SVL("/right") : SVL("")));
	}
}

/* HAProxy 3.1.0 and 3.2.0 send it when the condition of the message is false. */
static void a_notify_of_nothing_asks_nothing(void **state)
{
	(void)state;
	struct spop_notify n;
	peer_init(&p);
	decode(&n);
	assert_true(!n.has_request && !n.has_outcome && n.n_messages == 0);
}

static void messages(unsigned n, const char *name)
{
	peer_init(&p);
	for (unsigned i = 0; i < n; i++)
		peer_message(&p, name, 0);
}

static void messages_have_their_limit(void **state)
{
	(void)state;
	struct spop_notify n;
	messages(SPOP_MESSAGES_MAX, "of-others");
	decode(&n);
	assert_true(!n.has_request && n.n_messages == SPOP_MESSAGES_MAX);
	messages(SPOP_MESSAGES_MAX + 1, "of-others");
	decode(&n);
	assert_true(n.has_request && n.request.bad);
	assert_int_equal(n.request.cert_verify, -1);
}

static void all_255_arguments_are_read(void **state)
{
	(void)state;
	struct spop_notify n;
	peer_init(&p);
	peer_message(&p, "haward-authorize", 255);
	for (unsigned i = 0; i < 254; i++)
		peer_string(&p, "more", "x");
	peer_string(&p, "path", "/last");
	decode(&n);
	assert_true(n.has_request && !n.request.bad);
	assert_true(sv_eq(n.request.path, SVL("/last")));
}

static void two_questions_have_one_answer_and_it_is_no(void **state)
{
	(void)state;
	static const char *const names[] = {"haward-authorize", "haward-connect"};
	for (unsigned i = 0; i < 4; i++) {
		struct spop_notify n;
		peer_init(&p);
		peer_message(&p, names[i % 2], 0);
		peer_message(&p, "of-others", 0);
		peer_message(&p, names[i / 2], 0);
		decode(&n);
		assert_true(n.has_request && n.request.bad);
	}
}

struct account_case {
	const char *what;
	const char *events[2]; /* one message each */
	bool taken;
};

/* What was not taken must not be told as recorded, whatever stands beside it. */
static void an_outcome_is_taken_only_when_it_is_the_one(void **state)
{
	(void)state;
	static const struct account_case cases[] = {
		{"one", {event_text}, true},
		{"not an event", {"01ARZ3NDEKTSV4RRFFQ69G5FA!"}, false},
		{"an event too short", {"01ARZ3NDEKTSV4RRFFQ69G5FA"}, false},
		{"two", {event_text, event_text}, false},
		{"a bad one, then a good one", {"nonsense", event_text}, false},
		{"a good one, then a bad one", {event_text, "nonsense"}, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct spop_notify n;
		peer_init(&p);
		for (size_t k = 0; k < 2 && cases[i].events[k]; k++) {
			peer_message(&p, "haward-account", 1);
			peer_string(&p, "event", cases[i].events[k]);
		}
		decode(&n);
		print_message("%s\n", cases[i].what);
		assert_int_equal(n.has_outcome, cases[i].taken);
		assert_false(n.has_request);
	}
}

static void a_question_and_a_report_are_both_taken(void **state)
{
	(void)state;
	struct spop_notify n;
	peer_init(&p);
	peer_message(&p, "haward-account", 1);
	peer_number(&p, "status", 200);
	peer_message(&p, "haward-authorize", 1);
	peer_string(&p, "path", "/");
	decode(&n);
	assert_true(n.has_request && n.has_outcome && !n.request.bad);
	assert_int_equal(n.outcome.status, 200);
}

/* Cut anywhere, a question is refused as bad and never silently unasked: but for the cut before it. */
static void a_part_of_a_question_is_a_bad_one(void **state)
{
	(void)state;
	struct spop_notify n;
	peer_init(&p);
	peer_message(&p, "haward-account", 1);
	peer_string(&p, "event", event_text);
	size_t first = p.out.n;
	peer_message(&p, "haward-authorize", 3);
	peer_string(&p, "path", "/");
	peer_number(&p, "src_port", -1);
	peer_value(&p, "src", SVL("\x06\xc0\x00\x02\x01"));
	struct sv whole = peer_bytes(&p);
	for (size_t at = 1; at < whole.n; at++) {
		struct sv payload = exact(sv_first(whole, at));
		spop_notify_decode(payload, &n);
		if (at == first)
			assert_true(!n.has_request && n.has_outcome);
		else
			assert_true(n.has_request && n.request.bad && !n.has_outcome);
		exact_free(payload);
	}
}

static void arguments_past_their_count_are_a_message_of_others(void **state)
{
	(void)state;
	struct spop_notify n;
	peer_init(&p);
	peer_message(&p, "haward-authorize", 0);
	peer_string(&p, "path", "/"); /* read as a message "path" of 8 arguments */
	decode(&n);
	assert_true(n.has_request && n.request.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_read_with_all_it_says),
		cmocka_unit_test(what_is_not_told_is_not_there),
		cmocka_unit_test(an_outcome_is_read_with_all_it_says),
		cmocka_unit_test(an_outcome_without_a_decision_has_no_event),
		cmocka_unit_test(an_argument_of_the_wrong_kind_is_a_bad_request),
		cmocka_unit_test(a_port_is_of_16_bits),
		cmocka_unit_test(what_stands_twice_is_a_bad_request),
		cmocka_unit_test(a_second_credential_is_seen_and_the_first_kept),
		cmocka_unit_test(messages_of_others_are_passed_over),
		cmocka_unit_test(a_notify_of_nothing_asks_nothing),
		cmocka_unit_test(messages_have_their_limit),
		cmocka_unit_test(all_255_arguments_are_read),
		cmocka_unit_test(two_questions_have_one_answer_and_it_is_no),
		cmocka_unit_test(an_outcome_is_taken_only_when_it_is_the_one),
		cmocka_unit_test(a_question_and_a_report_are_both_taken),
		cmocka_unit_test(a_part_of_a_question_is_a_bad_one),
		cmocka_unit_test(arguments_past_their_count_are_a_message_of_others),
	};
	return cmocka_run_group_tests_name("spop/notify", tests, NULL, NULL);
}
