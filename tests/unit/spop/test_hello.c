#include "peer.h"
#include "spop/hello.h"

enum { PAIRS = 6 };

/* Pairs by the bytes of their values. */
struct pair {
	const char *key;
	struct sv value;
};

struct hello_case {
	const char *what;
	struct pair pairs[PAIRS];
	enum spop_status status;
	struct spop_hello hello; /* when good */
};

#define VERSIONS                                    \
	{                                           \
		"supported-versions", SV("\x08\x03" \
		                         "2.0")     \
	}
#define FRAME_SIZE                                       \
	{                                                \
		"max-frame-size", SV("\x03\xfc\xf0\x06") \
	}
#define CAPABILITIES                                     \
	{                                                \
		"capabilities", SV("\x08\x0apipelining") \
	}
#define NO_CAPABILITY                          \
	{                                      \
		"capabilities", SV("\x08\x00") \
	}
#define OFFER 16380

static const struct hello_case cases[] = {
	{"as 3.1 says it",
         {VERSIONS, FRAME_SIZE, CAPABILITIES, {"engine-id", SV("\x08\x04uuid")}},
         SPOP_STATUS_NORMAL,
         {.max_frame_size = OFFER, .pipelining = true, .engine_id = SV("uuid")}},
	{"as 2.6 says it",
         {VERSIONS, FRAME_SIZE, {"capabilities", SV("\x08\x10pipelining,async")}},
         SPOP_STATUS_NORMAL,
         {.max_frame_size = OFFER, .pipelining = true}},
	{"a health check",
         {VERSIONS, FRAME_SIZE, NO_CAPABILITY, {"healthcheck", SV("\x11")}},
         SPOP_STATUS_NORMAL,
         {.max_frame_size = OFFER, .healthcheck = true}},
	{"no health check",
         {VERSIONS, FRAME_SIZE, NO_CAPABILITY, {"healthcheck", SV("\x01")}},
         SPOP_STATUS_NORMAL,
         {.max_frame_size = OFFER}},
	{"in another order",
         {CAPABILITIES, FRAME_SIZE, VERSIONS},
         SPOP_STATUS_NORMAL,
         {.max_frame_size = OFFER, .pipelining = true}},
	{"keys that are not ours",
         {{"max-frame-size-of-today", SV("\x03\x01")},
          VERSIONS,
          {"", SV("\x00")},
          FRAME_SIZE,
          {"capabilitiesX", SV("\x06\x7f\x00\x00\x01")},
          CAPABILITIES},
         SPOP_STATUS_NORMAL,
         {.max_frame_size = OFFER, .pipelining = true}},
	{"2.0 among versions",
         {{"supported-versions", SV("\x08\x0d"
                                    "1.0, 2.0 ,3.0")},
          FRAME_SIZE,
          NO_CAPABILITY},
         SPOP_STATUS_NORMAL,
         {.max_frame_size = OFFER}},
	{"half a capability",
         {VERSIONS,
          FRAME_SIZE,
          {"capabilities", SV("\x08\x0b"
                              "pipelining2")}},
         SPOP_STATUS_NORMAL,
         {.max_frame_size = OFFER}},
	{"the least frame",
         {VERSIONS, {"max-frame-size", SV("\x03\xf0\x01")}, NO_CAPABILITY},
         SPOP_STATUS_NORMAL,
         {.max_frame_size = SPOP_FRAME_SIZE_MIN}},
	{"the largest frame",
         {VERSIONS, {"max-frame-size", SV("\x03\xff\xf0\xfe\xfe\x7e")}, NO_CAPABILITY},
         SPOP_STATUS_NORMAL,
         {.max_frame_size = UINT32_MAX}},

	{"nothing at all", {{NULL, SV("")}}, SPOP_STATUS_NO_VERSION, {0}},
	{"no version", {FRAME_SIZE, CAPABILITIES}, SPOP_STATUS_NO_VERSION, {0}},
	{"a version that is a number",
         {{"supported-versions", SV("\x03\x02")}, FRAME_SIZE, CAPABILITIES},
         SPOP_STATUS_NO_VERSION,
         {0}},
	{"an old version",
         {{"supported-versions", SV("\x08\x03"
                                    "1.0")},
          FRAME_SIZE,
          CAPABILITIES},
         SPOP_STATUS_BAD_VERSION,
         {0}},
	{"versions of an empty text",
         {{"supported-versions", SV("\x08\x00")}, FRAME_SIZE, CAPABILITIES},
         SPOP_STATUS_BAD_VERSION,
         {0}},
	{"2.0 inside of words",
         {{"supported-versions", SV("\x08\x0a"
                                    "12.0,2.0.1")},
          FRAME_SIZE,
          CAPABILITIES},
         SPOP_STATUS_BAD_VERSION,
         {0}},
	{"no frame size", {VERSIONS, CAPABILITIES}, SPOP_STATUS_NO_FRAME_SIZE, {0}},
	{"a frame size that is a text",
         {VERSIONS,
          {"max-frame-size", SV("\x08\x05"
                                "16380")},
          CAPABILITIES},
         SPOP_STATUS_NO_FRAME_SIZE,
         {0}},
	{"a frame of nothing",
         {VERSIONS, {"max-frame-size", SV("\x03\x00")}, CAPABILITIES},
         SPOP_STATUS_BAD_FRAME_SIZE,
         {0}},
	{"a frame of 255",
         {VERSIONS, {"max-frame-size", SV("\x03\xff\x00")}, CAPABILITIES},
         SPOP_STATUS_BAD_FRAME_SIZE,
         {0}},
	{"a frame past 32 bits",
         {VERSIONS, {"max-frame-size", SV("\x03\xfc\xf0\x86\xff\x7e")}, CAPABILITIES},
         SPOP_STATUS_BAD_FRAME_SIZE,
         {0}},
	{"no capabilities", {VERSIONS, FRAME_SIZE}, SPOP_STATUS_NO_CAPABILITIES, {0}},
	{"capabilities that are null",
         {VERSIONS, FRAME_SIZE, {"capabilities", SV("\x00")}},
         SPOP_STATUS_NO_CAPABILITIES,
         {0}},
	{"a longer key for capabilities",
         {VERSIONS, FRAME_SIZE, {"capabilities2", SV("\x08\x00")}},
         SPOP_STATUS_NO_CAPABILITIES,
         {0}},
	{"a longer key for the frame size",
         {VERSIONS, {"max-frame-size-2", SV("\x03\xfc\xf0\x06")}, CAPABILITIES},
         SPOP_STATUS_NO_FRAME_SIZE,
         {0}},
	{"a shorter key for versions",
         {{"supported-version", SV("\x08\x03"
                                   "2.0")},
          FRAME_SIZE,
          CAPABILITIES},
         SPOP_STATUS_NO_VERSION,
         {0}},
	{"a type that is none",
         {VERSIONS, FRAME_SIZE, CAPABILITIES, {"x", SV("\x0a")}},
         SPOP_STATUS_INVALID,
         {0}},
	{"a key without a value",
         {VERSIONS, FRAME_SIZE, CAPABILITIES, {"x", SV("")}},
         SPOP_STATUS_INVALID,
         {0}},
};

static struct sv payload_of(struct peer *p, const struct pair pairs[static PAIRS])
{
	peer_init(p);
	for (size_t i = 0; i < PAIRS && pairs[i].key; i++)
		peer_value(p, pairs[i].key, pairs[i].value);
	return peer_bytes(p);
}

static void an_offer_is_taken_or_refused_by_its_status(void **state)
{
	(void)state;
	static struct peer p;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct spop_hello *wanted = &cases[i].hello;
		struct spop_hello hello = {.max_frame_size = 77};
		struct sv payload = exact(payload_of(&p, cases[i].pairs));
		print_message("%s\n", cases[i].what);
		assert_int_equal(spop_hello_decode(payload, &hello), cases[i].status);
		if (cases[i].status != SPOP_STATUS_NORMAL) {
			assert_int_equal(hello.max_frame_size, 77); /* written on success only */
		} else {
			assert_int_equal(hello.max_frame_size, wanted->max_frame_size);
			assert_int_equal(hello.pipelining, wanted->pipelining);
			assert_int_equal(hello.healthcheck, wanted->healthcheck);
			assert_true(sv_eq(hello.engine_id, wanted->engine_id));
		}
		exact_free(payload);
	}
}

/* An offer cut anywhere inside a pair is malformed; between pairs it lacks what came later. */
static void a_part_of_an_offer_is_never_good(void **state)
{
	(void)state;
	static struct peer p;
	static const struct pair pairs[PAIRS] = {VERSIONS, FRAME_SIZE, CAPABILITIES};
	struct sv whole = payload_of(&p, pairs);
	size_t n_invalid = 0;
	for (size_t n = 0; n < whole.n; n++) {
		struct spop_hello hello;
		struct sv payload = exact(sv_first(whole, n));
		enum spop_status status = spop_hello_decode(payload, &hello);
		assert_int_not_equal(status, SPOP_STATUS_NORMAL);
		n_invalid += status == SPOP_STATUS_INVALID;
		exact_free(payload);
	}
	assert_int_equal(n_invalid, whole.n - 3); /* the three cuts between pairs */
}

/* HAProxy finds our keys by their beginnings: each stands once, and none begins like another. */
static void our_hello_says_three_things(void **state)
{
	(void)state;
	uint8_t room[SPOP_FRAME_SIZE_MIN];
	struct outbuf b = outbuf_over(room, sizeof(room));
	spop_hello_encode(&b, OFFER);
	struct sv bytes = outbuf_sv(&b);
	struct spop_frame frame = heard_frame(&bytes, SPOP_AGENT_HELLO);
	assert_true(frame.stream_id == 0 && frame.frame_id == 0 && bytes.n == 0);
	static const struct pair said[] = {{"version", SV("2.0")},
	                                   {"max-frame-size", SV("")},
	                                   {"capabilities", SV("pipelining")}};
	struct cursor c = cursor_over(frame.payload);
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		assert_true(sv_eq(spop_text_read(&c), sv_of(said[i].key)));
		struct spop_value value = spop_value_read(&c);
		assert_true(sv_eq(value.text, said[i].value));
		assert_int_equal(value.number, i == 1 ? OFFER : 0);
		assert_int_equal(value.type, i == 1 ? SPOP_DATA_UINT32 : SPOP_DATA_STRING);
	}
	assert_true(cursor_done(&c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_offer_is_taken_or_refused_by_its_status),
		cmocka_unit_test(a_part_of_an_offer_is_never_good),
		cmocka_unit_test(our_hello_says_three_things),
	};
	return cmocka_run_group_tests_name("spop/hello", tests, NULL, NULL);
}
