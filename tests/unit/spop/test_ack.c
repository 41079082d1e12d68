#include "peer.h"
#include "spop/ack.h"

enum { ACTIONS_MAX = 32 };

struct action {
	struct sv name;
	struct spop_value value;
};

struct ack {
	struct action actions[ACTIONS_MAX];
	size_t n;
	uint64_t stream_id, frame_id;
};

/* Reads an ACK as HAProxy does; each action must be set-var in transaction scope. */
static void read_ack(struct sv bytes, struct ack *ret)
{
	struct spop_frame frame = heard_frame(&bytes, SPOP_ACK);
	struct cursor c = cursor_over(frame.payload);
	assert_int_equal(bytes.n, 0);
	*ret = (struct ack){.stream_id = frame.stream_id, .frame_id = frame.frame_id};
	while (cursor_left(&c)) {
		assert_true(ret->n < ACTIONS_MAX);
		assert_int_equal(cursor_u8(&c), SPOP_ACTION_SET_VAR);
		assert_int_equal(cursor_u8(&c), 3);
		assert_int_equal(cursor_u8(&c), SPOP_SCOPE_TRANSACTION);
		struct action *a = &ret->actions[ret->n++];
		a->name = spop_text_read(&c);
		a->value = spop_value_read(&c);
	}
	assert_true(cursor_done(&c));
}

static const struct spop_value *find(const struct ack *ack, const char *name)
{
	for (size_t i = 0; i < ack->n; i++)
		if (sv_eq(ack->actions[i].name, sv_of(name)))
			return &ack->actions[i].value;
	return NULL;
}

static void assert_text(const struct ack *ack, const char *name, const char *wanted)
{
	const struct spop_value *value = find(ack, name);
	print_message("%s\n", name);
	assert_int_equal(value != NULL, wanted != NULL);
	if (!value)
		return;
	assert_int_equal(value->type, SPOP_DATA_STRING);
	assert_true(sv_eq(value->text, sv_of(wanted)));
}

static const struct sv groups[] = {SV("staff"), SV("ops")};
static const struct sv scopes[] = {SV("orders:read"), SV("orders:write")};

static const struct sv fields[] = {SV("x-user"), SV("alice"), SV("x-app-id"), SV("7")};

static struct decision full_decision(void)
{
	struct decision d = {
		.identity = {.method = AUTH_JWT,
	                     .user = SV("alice"),
	                     .issuer = SV("https://idp.example"),
	                     .client = SV("shop"),
	                     .workload = SV("spiffe://td/ns/a/sa/b"),
	                     .groups = groups,
	                     .n_groups = ARRAY_LEN(groups),
	                     .scopes = scopes,
	                     .n_scopes = ARRAY_LEN(scopes),
	                     .forward_token = true,
	                     .headers = fields,
	                     .n_headers = ARRAY_LEN(fields) / 2},
		.verdict = {.effect = VERDICT_ALLOW,
	                    .reason = REASON_POLICY_ALLOWED,
	                    .status = 200,
	                    .policy = SV("own-orders"),
	                    .service = SV("orders"),
	                    .challenge = SV("Bearer realm=\"x\""),
	                    .dpop_nonce = SV("next"),
	                    .retry_after_s = 7,
	                    .ratelimit = SV("\"a\";r=0;t=7"),
	                    .ratelimit_policy = SV("\"a\";q=5;w=60"),
	                    .learn = SV("code.offer\nof six lines")},
	};
	d.token = SVL("e30.e30.x");
	assert_true(event_id_parse(SVL("01ARZ3NDEKTSV4RRFFQ69G5FAV"), &d.event));
	return d;
}

/* With what goes with signing in as well. */
static struct decision fullest_decision(void)
{
	struct decision d = full_decision();
	d.verdict.location = SVL("https://idp.example/auth");
	d.verdict.cookies[0] = SVL("a=b; Path=/");
	d.verdict.cookies[1] = SVL("c=; Max-Age=0");
	d.verdict.frame_ancestors = SVL("https://idp.example");
	return d;
}

static uint8_t room[PEER_ROOM];

static void answer(const struct decision *d, size_t max_frame_size, struct ack *ret)
{
	struct outbuf b = outbuf_over(room, sizeof(room));
	spop_ack_encode(&b, 3, 1, d, max_frame_size);
	assert_false(b.failed);
	assert_true(b.n <= max_frame_size + SPOP_LENGTH_BYTES);
	read_ack(outbuf_sv(&b), ret);
}

static void an_allowed_request_is_told_in_full(void **state)
{
	(void)state;
	struct decision d = fullest_decision();
	struct ack ack;
	answer(&d, 16380, &ack);
	assert_true(ack.stream_id == 3 && ack.frame_id == 1);
	assert_true(sv_eq(ack.actions[0].name, SVL("allow")));
	assert_int_equal(ack.actions[0].value.type, SPOP_DATA_BOOL);
	assert_true(ack.actions[0].value.truth);
	assert_int_equal(find(&ack, "status")->number, 200);
	assert_int_equal(find(&ack, "retry_after")->number, 7);
	static const char *const texts[][2] = {
		{"verdict", "allow"},
		{"reason", "policy_allowed"},
		{"event", "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
		{"token", "e30.e30.x"},
		{"user", "alice"},
		{"issuer", "https://idp.example"},
		{"client", "shop"},
		{"workload", "spiffe://td/ns/a/sa/b"},
		{"service", "orders"},
		{"policy", "own-orders"},
		{"challenge", "Bearer realm=\"x\""},
		{"dpop_nonce", "next"},
		{"location", "https://idp.example/auth"},
		{"set_cookie", "a=b; Path=/"},
		{"set_cookie_2", "c=; Max-Age=0"},
		{"frame_ancestors", "https://idp.example"},
		{"scopes", "orders:read orders:write"},
		{"ratelimit", "\"a\";r=0;t=7"},
		{"ratelimit_policy", "\"a\";q=5;w=60"},
		{"learn", "code.offer\nof six lines"},
		{"groups", "staff,ops"},
		{"header_x_user", "alice"},
		{"header_x_app_id", "7"},
		{"recorded", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_text(&ack, texts[i][0], texts[i][1]);
	assert_true(find(&ack, "forward_token")->truth);
	static const struct sv block = SV("\x06x-user\x05"
	                                  "alice\x08x-app-id\x01"
	                                  "7\0\0");
	assert_int_equal(find(&ack, "headers")->type, SPOP_DATA_BINARY);
	assert_true(sv_eq(find(&ack, "headers")->text, block));
}

/* Who is refused has no fields for a service. */
static void a_refused_request_has_no_fields(void **state)
{
	(void)state;
	struct decision d = full_decision();
	struct ack ack;
	d.verdict.effect = VERDICT_DENY;
	answer(&d, 16380, &ack);
	assert_null(find(&ack, "headers"));
	assert_null(find(&ack, "header_x_user"));
}

/* A field that does not fit is left out whole; those behind it may fit. */
static void fields_that_do_not_fit_are_left_out(void **state)
{
	(void)state;
	static char longest[20000];
	memset(longest, 'x', sizeof(longest));
	const struct sv big[] = {SV("x-big"), {longest, sizeof(longest)}, SV("x-small"), SV("1")};
	struct decision d = full_decision();
	struct ack ack;
	d.identity.headers = big;
	answer(&d, 16380, &ack);
	assert_null(find(&ack, "headers"));
	assert_null(find(&ack, "header_x_big"));
	assert_text(&ack, "header_x_small", "1");
}

/* What spop_ack_variables() tells is what is sent: names, order and types. */
static void the_contract_is_what_is_sent(void **state)
{
	(void)state;
	struct decision d = fullest_decision();
	struct ack ack;
	size_t n;
	const struct spop_variable_name *told = spop_ack_variables(&n);
	answer(&d, 16380, &ack);
	assert_int_equal(n, ack.n + 1 - d.identity.n_headers); /* header_... */
	assert_string_equal(told[n - 1].name, "recorded");
	for (size_t i = 0; i < n - 1; i++) {
		enum spop_data_type type = ack.actions[i].value.type;
		assert_true(sv_eq(ack.actions[i].name, sv_of(told[i].name)));
		assert_string_equal(told[i].scope, "txn"); /* as read_ack() holds */
		assert_string_equal(told[i].type, type == SPOP_DATA_BOOL     ? "bool"
		                                  : type == SPOP_DATA_STRING ? "string"
		                                  : type == SPOP_DATA_INT32  ? "integer"
		                                  : type == SPOP_DATA_BINARY ? "bytes"
		                                                             : "?");
		/* txn.haward.NAME has to stay below 64 bytes */
		assert_true(strlen("txn.haward.") + ack.actions[i].name.n < 64);
	}
}

static void only_allow_grants(void **state)
{
	(void)state;
	for (unsigned effect = 0; effect < VERDICT_EFFECT_COUNT; effect++) {
		struct decision d = full_decision();
		struct ack ack;
		d.verdict.effect = (enum verdict_effect)effect;
		answer(&d, 16380, &ack);
		assert_int_equal(find(&ack, "allow")->truth, effect == VERDICT_ALLOW);
		assert_text(&ack, "verdict", verdict_effect_name((enum verdict_effect)effect));
	}
}

static void a_decision_that_nobody_made_is_a_denial(void **state)
{
	(void)state;
	struct decision d = {0};
	struct ack ack;
	answer(&d, 16380, &ack);
	assert_int_equal(ack.n, 4); /* no event, and nobody */
	assert_false(find(&ack, "allow")->truth);
	assert_text(&ack, "verdict", "deny");
	assert_text(&ack, "reason", "internal");
	assert_int_equal(find(&ack, "status")->number, 503);
}

/* The least frame HAProxy agrees to holds the first five of every reason, with the longest ids. */
static void the_first_five_always_fit(void **state)
{
	(void)state;
	static char longest[20000];
	memset(longest, 'x', sizeof(longest));
	struct sv big = {longest, sizeof(longest)};
	for (unsigned reason = 0; reason < REASON_COUNT; reason++) {
		struct decision d = full_decision();
		struct ack ack;
		d.identity.forward_token = false;
		d.verdict.effect = VERDICT_AUTHENTICATE; /* the longest word */
		d.token = (struct sv){0};                /* which who is refused does not get */
		d.verdict.reason = (enum reason)reason;
		d.identity.user = d.identity.issuer = d.identity.client = big;
		d.identity.workload = d.verdict.service = d.verdict.policy = big;
		d.verdict.challenge = d.verdict.dpop_nonce = big;
		d.verdict.ratelimit = d.verdict.ratelimit_policy = d.verdict.learn = big;
		d.verdict.retry_after_s = 0; /* a number would fit */
		d.identity.groups = d.identity.scopes = &big;
		d.identity.n_groups = d.identity.n_scopes = 1;
		struct outbuf b = outbuf_over(room, sizeof(room));
		spop_ack_encode(&b, UINT64_MAX, UINT64_MAX, &d, SPOP_FRAME_SIZE_MIN);
		assert_false(b.failed);
		assert_true(b.n <= SPOP_FRAME_SIZE_MIN + SPOP_LENGTH_BYTES);
		read_ack(outbuf_sv(&b), &ack);
		assert_int_equal(ack.n, 5);
		assert_true(ack.stream_id == UINT64_MAX && ack.frame_id == UINT64_MAX);
	}
}

/* What is too long is left out by itself: shorter ones behind it are still told, and nothing is cut. */
static void what_does_not_fit_is_left_out_whole(void **state)
{
	(void)state;
	struct decision d = full_decision();
	struct ack all, ack;
	answer(&d, 16380, &all);
	size_t n_last = 0;
	for (size_t max = SPOP_FRAME_SIZE_MIN; max < 600; max++) {
		answer(&d, max, &ack);
		assert_true(ack.n >= 6 && ack.n <= all.n);
		n_last = ack.n;
		for (size_t i = 0, k = 0; i < ack.n; i++, k++) {
			while (k < all.n && !sv_eq(all.actions[k].name, ack.actions[i].name))
				k++;
			assert_true(k < all.n);
			assert_int_equal(ack.actions[i].value.type, all.actions[k].value.type);
		}
	}
	assert_int_equal(n_last, all.n);
	char user[300];
	memset(user, 'u', sizeof(user));
	d.identity.user = (struct sv){user, sizeof(user)};
	answer(&d, 300, &ack);
	assert_null(find(&ack, "user"));
	assert_text(&ack, "issuer", "https://idp.example");
}

/* A service that asks for a token is not reached without one. */
static void a_token_that_does_not_fit_is_no_answer(void **state)
{
	(void)state;
	struct decision d = full_decision();
	struct outbuf b = outbuf_over(room, sizeof(room));
	char token[300];
	memset(token, 't', sizeof(token));
	d.token = (struct sv){token, sizeof(token)};
	spop_ack_encode(&b, 3, 1, &d, 300);
	assert_true(b.failed);
	assert_int_equal(b.n, 0);
	struct ack ack;
	answer(&d, 600, &ack);
	assert_int_equal(find(&ack, "token")->text.n, sizeof(token));
}

/* A list is joined so that a reader can take it apart again into the names that were granted. */
static void a_name_that_would_look_like_two_is_left_out(void **state)
{
	(void)state;
	static const struct {
		struct sv parts[3];
		size_t n;
		const char *groups, *scopes; /* NULL: not set */
	} cases[] = {
		{{SV("a"), SV("b"), SV("c")}, 3, "a,b,c", "a b c"},
		{{SV("a,admin"), SV("b")}, 2, "b", "a,admin b"},
		{{SV("a admin"), SV("b")}, 2, "a admin,b", "b"},
		{{SV("b"), SV("a\r\nx-admin: 1")}, 2, "b", "b"},
		{{SV("b"), SV("a\0"), SV("c\x7f")}, 3, "b", "b"},
		{{SV(""), SV("b"), SV("")}, 3, "b", "b"},
		{{SV("a, admin")}, 1, NULL, NULL},
		{{SV("")}, 1, NULL, NULL},
		{{SV("caf\xc3\xa9")}, 1, "caf\xc3\xa9", "caf\xc3\xa9"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct decision d = full_decision();
		struct ack ack;
		d.identity.groups = d.identity.scopes = cases[i].parts;
		d.identity.n_groups = d.identity.n_scopes = cases[i].n;
		answer(&d, 16380, &ack);
		print_message("%zu\n", i);
		assert_text(&ack, "groups", cases[i].groups);
		assert_text(&ack, "scopes", cases[i].scopes);
	}
}

static void many_answers_stand_one_behind_the_other(void **state)
{
	(void)state;
	struct decision d = full_decision();
	struct outbuf b = outbuf_over(room, sizeof(room));
	for (unsigned i = 0; i < 20; i++)
		spop_ack_encode(&b, i, 1, &d, 16380);
	struct sv rest = outbuf_sv(&b);
	for (unsigned i = 0; i < 20; i++) {
		size_t before = rest.n;
		struct sv one = rest;
		assert_int_equal(heard_frame(&rest, SPOP_ACK).stream_id, i);
		struct ack ack;
		read_ack(sv_first(one, before - rest.n), &ack);
		assert_int_equal(ack.n, 24);
	}
	assert_int_equal(rest.n, 0);
}

static void a_buffer_without_room_is_failed_and_unchanged(void **state)
{
	(void)state;
	struct decision d = full_decision();
	struct outbuf b = outbuf_over(room, sizeof(room));
	spop_ack_encode(&b, 3, 1, &d, SPOP_FRAME_SIZE_MIN);
	size_t n = b.n, n_failed = 0;
	for (size_t max = 0; max < n; max++) {
		b = outbuf_over(room, max);
		spop_ack_encode(&b, 3, 1, &d, SPOP_FRAME_SIZE_MIN);
		assert_int_equal(b.failed, b.n == 0);
		n_failed += b.failed;
		if (!b.failed) {
			struct ack ack;
			read_ack(outbuf_sv(&b), &ack);
			assert_true(ack.n >= 5);
		}
		b = outbuf_over(room, max);
		b.failed = true;
		spop_ack_encode(&b, 3, 1, &d, SPOP_FRAME_SIZE_MIN);
		assert_true(b.failed && b.n == 0);
	}
	assert_true(n_failed > 100);
}

static void a_report_is_answered_with_recorded_alone(void **state)
{
	(void)state;
	for (unsigned recorded = 0; recorded < 2; recorded++) {
		struct outbuf b = outbuf_over(room, sizeof(room));
		struct ack ack;
		spop_ack_recorded(&b, 7, 2, recorded);
		read_ack(outbuf_sv(&b), &ack);
		assert_true(ack.n == 1 && ack.stream_id == 7 && ack.frame_id == 2);
		assert_int_equal(find(&ack, "recorded")->type, SPOP_DATA_BOOL);
		assert_int_equal(find(&ack, "recorded")->truth, recorded);
		size_t n = b.n;
		b = outbuf_over(room, n - 1);
		spop_ack_recorded(&b, 7, 2, recorded);
		assert_true(b.failed && b.n == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_allowed_request_is_told_in_full),
		cmocka_unit_test(a_refused_request_has_no_fields),
		cmocka_unit_test(fields_that_do_not_fit_are_left_out),
		cmocka_unit_test(the_contract_is_what_is_sent),
		cmocka_unit_test(only_allow_grants),
		cmocka_unit_test(a_decision_that_nobody_made_is_a_denial),
		cmocka_unit_test(the_first_five_always_fit),
		cmocka_unit_test(what_does_not_fit_is_left_out_whole),
		cmocka_unit_test(a_token_that_does_not_fit_is_no_answer),
		cmocka_unit_test(a_name_that_would_look_like_two_is_left_out),
		cmocka_unit_test(many_answers_stand_one_behind_the_other),
		cmocka_unit_test(a_buffer_without_room_is_failed_and_unchanged),
		cmocka_unit_test(a_report_is_answered_with_recorded_alone),
	};
	return cmocka_run_group_tests_name("spop/ack", tests, NULL, NULL);
}
