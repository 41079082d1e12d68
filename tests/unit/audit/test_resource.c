/* What the book gives out as JSON is what schema/audit.schema.json and the API document say, for every kind of
 * event and every verdict, with everything known and with nothing. */
#include "audit/csv.h"
#include "audit/json.h"
#include "audit/query.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "model/identity.h"
#include "model/verdict.h"
#include "support/schema.h"

struct schemas {
	json_t *audit, *openapi;
	const json_t *decision;
};

static int load(void **state)
{
	struct schemas *s = calloc(1, sizeof(*s));
	s->audit = schema_load("audit.schema.json");
	s->openapi = schema_load("openapi.json");
	s->decision = json_object_get(
		json_object_get(json_object_get(s->openapi, "components"), "schemas"), "Decision");
	assert_non_null(s->decision);
	*state = s;
	return 0;
}

static int unload(void **state)
{
	struct schemas *s = *state;
	json_decref(s->audit);
	json_decref(s->openapi);
	free(s);
	return 0;
}

static json_t *resource(const struct audit_row *row, bool masked)
{
	static uint8_t text[AUDIT_JSON_MAX];
	struct outbuf out = outbuf_over(text, sizeof(text));
	audit_json_row(row, masked, &out);
	assert_false(out.failed);
	json_t *object = json_load_strict(outbuf_sv(&out), 0, NULL);
	assert_non_null(object);
	return object;
}

static void check(const struct schemas *s, const struct audit_row *row)
{
	for (int masked = 0; masked < 2; masked++) {
		json_t *object = resource(row, masked);
		schema_must_accept(s->audit, s->audit, object);
		schema_must_accept(s->openapi, s->decision, object);
		json_decref(object);
	}
}

/* ---- rows ---- */

static struct audit_list list_of(struct outbuf *room, struct sv first, struct sv second)
{
	audit_list_add(room, first);
	audit_list_add(room, second);
	assert_false(room->failed);
	return (struct audit_list){outbuf_sv(room)};
}

static struct audit_list steps(struct outbuf *room)
{
	static const struct sv two_steps[] = {
		SV("own-orders"),
		SV("/policies/0/rules/0"),
		SV("to.operation.methods"),
		SV("DELETE"),
		SV("GET"),
		SV(""),
		SV(""),
		SV(""),
		SV(""),
		SV(""),
		SV(""),
		SV("1"),
	};
	for (size_t i = 0; i < ARRAY_LEN(two_steps); i++)
		audit_list_add(room, two_steps[i]);
	assert_false(room->failed);
	return (struct audit_list){outbuf_sv(room)};
}

static struct audit_row bare(enum audit_kind kind)
{
	struct audit_row row = {.seq = 1, .record = {.kind = kind, .at_us = 1795000000000000}};
	if (kind == AUDIT_GAP)
		row.record.gap_count = 1; /* never without */
	return row;
}

/* Every member of a record, whatever its kind would have. */
static struct audit_row full(enum audit_kind kind)
{
	static uint8_t groups_room[64], scopes_room[64], why_room[256];
	struct outbuf groups = outbuf_over(groups_room, sizeof(groups_room));
	struct outbuf scopes = outbuf_over(scopes_room, sizeof(scopes_room));
	struct outbuf why = outbuf_over(why_room, sizeof(why_room));
	struct audit_row row = bare(kind);
	row.record = (struct audit_record){
		.kind = kind,
		.id = {.bytes = {1, 2, 3}},
		.at_us = 1795000000000000,
		.cut = true,
		.has_verdict = true,
		.has_shadow = true,
		.auth_method = AUTH_JWT,
		.status = 403,
		.policy_version = UINT64_MAX,
		.took_ns = 1234,
		.src_port = 1,
		.dst_port = 65535,
		.src = {.family = 4, .bytes = {10, 0, 0, 1}},
		.dst = {.family = 6, .bytes = {0x20, 1}},
		.user = SV("alice"),
		.subject = SV("248289761001"),
		.issuer = SV("https://idp.example"),
		.client = SV("shop"),
		.workload = SV("spiffe://example/ns/a/sa/b"),
		.source_service = SV("b"),
		.groups = list_of(&groups, SVL("staff"), SVL("")),
		.scopes = list_of(&scopes, SVL("read"), SVL("write")),
		.service = SV("orders"),
		.method = SV("GET"),
		.host = SV("shop.example"),
		.path = SV("/orders/7"),
		.query = SV("a=***"),
		.route = SV("/orders/{id}"),
		.reason = SV("no_policy_matched"),
		.policy = SV("own-orders"),
		.shadow_policy = SV("next-orders"),
		.why = steps(&why),
		.request_id = SV("r-1"),
		.user_agent = SV("curl/8"),
		.sni = SV("other.example"),
		.trace_id = SV("0123456789abcdef"),
		.action = SV("policy.publish"),
		.target = SV("policy-set"),
		.result = SV("ok"),
		.before = SV("11"),
		.after = SV("12"),
		.detail = SV("words"),
		.roles = SV("admin"),
		.channel = SV("api"),
		.gap_count = 3,
		.gap_first_us = 1795000000000000,
		.gap_last_us = 1795000000000001,
	};
	row.has_outcome = true;
	row.outcome = (struct audit_record){.kind = AUDIT_OUTCOME,
	                                    .at_us = 1795000000000002,
	                                    .out_status = 201,
	                                    .bytes_out = 1,
	                                    .bytes_in = 2,
	                                    .duration_ms = 3,
	                                    .queue_ms = 4,
	                                    .connect_ms = 5,
	                                    .response_ms = 6,
	                                    .termination = SV("----"),
	                                    .backend = SV("shop"),
	                                    .server = SV("s1")};
	return row;
}

/* ---- tests ---- */

static void every_kind_is_as_both_documents_say(void **state)
{
	for (int kind = AUDIT_REQUEST; kind < AUDIT_KIND_COUNT; kind++) {
		struct audit_row row = bare((enum audit_kind)kind);
		check(*state, &row);
		row.has_outcome = true; /* of which nothing is known */
		row.outcome = (struct audit_record){.kind = AUDIT_OUTCOME, .at_us = 1};
		check(*state, &row);
		row = full((enum audit_kind)kind);
		check(*state, &row);
	}
}

static void every_verdict_and_method_is_as_both_documents_say(void **state)
{
	for (int effect = 0; effect < VERDICT_EFFECT_COUNT; effect++) {
		struct audit_row row = full(AUDIT_REQUEST);
		row.record.effect = row.record.shadow_effect = (enum verdict_effect)effect;
		check(*state, &row);
	}
	for (int method = 0; method < AUTH_METHOD_COUNT; method++) {
		struct audit_row row = full(AUDIT_CONNECTION);
		row.record.auth_method = (enum auth_method)method;
		check(*state, &row);
	}
}

/* The values that a document offers are those there are: none is missing, none is made up. */
static void check_names(const json_t *list, const char *(*name_of)(int), int from, int n,
                        size_t others)
{
	assert_int_equal(json_array_size(list), (size_t)(n - from) + others);
	for (int i = from; i < n; i++) {
		size_t at;
		const json_t *value;
		bool there = false;
		json_array_foreach(list, at, value) there |=
			json_is_string(value) && strcmp(json_string_value(value), name_of(i)) == 0;
		if (!there)
			fail_msg("%s is not among the documented values", name_of(i));
	}
}

static const char *kind_name(int kind)
{
	return audit_kind_name((enum audit_kind)kind);
}

static const char *effect_name(int effect)
{
	return verdict_effect_name((enum verdict_effect)effect);
}

static const json_t *values_of(const json_t *schemas, const char *name)
{
	const json_t *list = json_object_get(json_object_get(schemas, name), "enum");
	assert_true(json_is_array(list));
	return list;
}

static void documents_offer_the_values_there_are(void **state)
{
	const struct schemas *s = *state;
	const json_t *of_api =
		json_object_get(json_object_get(s->openapi, "components"), "schemas");
	const json_t *of_audit = json_object_get(s->audit, "properties");
	check_names(values_of(of_api, "DecisionKind"), kind_name, AUDIT_REQUEST, AUDIT_KIND_COUNT,
	            0);
	check_names(values_of(of_audit, "kind"), kind_name, AUDIT_REQUEST, AUDIT_KIND_COUNT, 0);
	check_names(values_of(of_api, "Verdict"), effect_name, 0, VERDICT_EFFECT_COUNT, 0);
	check_names(values_of(of_audit, "verdict"), effect_name, 0, VERDICT_EFFECT_COUNT, 1);
}

/* Every property is there in some row: a document does not promise what never comes. */
static void documents_name_nothing_that_never_comes(void **state)
{
	const struct schemas *s = *state;
	const json_t *documents[] = {json_object_get(s->audit, "properties"),
	                             json_object_get(s->decision, "properties")};
	json_t *all = json_object();
	for (int kind = AUDIT_REQUEST; kind < AUDIT_KIND_COUNT; kind++) {
		struct audit_row row = full((enum audit_kind)kind);
		json_t *object = resource(&row, true);
		assert_int_equal(json_object_update(all, object), 0);
		json_decref(object);
	}
	for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
		const char *name;
		json_t *ignored;
		assert_int_equal(json_object_size(documents[i]), json_object_size(all));
		json_object_foreach((json_t *)(uintptr_t)documents[i], name,
		                    ignored) if (!json_object_get(all, name))
			fail_msg("no event has %s", name);
	}
	json_decref(all);
}

/* The judge itself: it finds a gap of each sort. */
static void a_gap_is_found(void **state)
{
	const struct schemas *s = *state;
	static const struct {
		const char *name, *value; /* NULL: the member is taken away */
	} faults[] = {
		{"kind", "\"something\""},
		{"verdict", "\"perhaps\""},
		{"verdict", "3"},
		{"verdict", NULL},
		{"seq", "7"},
		{"id", "\"short\""},
		{"unheard_of", "true"},
		{"outcome", "[]"},
		{"outcome", "{\"more\":1}"},
		{"groups", "[1]"},
		{"shadow", "{}"},
		{"policy_version", "\"x\""},
	};
	struct audit_row row = full(AUDIT_REQUEST);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		json_t *object = resource(&row, false);
		if (faults[i].value)
			assert_int_equal(json_object_set_new(object, faults[i].name,
			                                     json_loads(faults[i].value,
			                                                JSON_DECODE_ANY, NULL)),
			                 0);
		else
			assert_int_equal(json_object_del(object, faults[i].name), 0);
		schema_must_refuse(s->audit, s->audit, object);
		schema_must_refuse(s->openapi, s->decision, object);
		json_decref(object);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_as_both_documents_say),
		cmocka_unit_test(every_verdict_and_method_is_as_both_documents_say),
		cmocka_unit_test(documents_offer_the_values_there_are),
		cmocka_unit_test(documents_name_nothing_that_never_comes),
		cmocka_unit_test(a_gap_is_found),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
