#include "peer.h"
#include "spop/disconnect.h"

static const enum spop_status statuses[] = {
	SPOP_STATUS_NORMAL,        SPOP_STATUS_IO,
	SPOP_STATUS_TIMEOUT,       SPOP_STATUS_TOO_BIG,
	SPOP_STATUS_INVALID,       SPOP_STATUS_NO_VERSION,
	SPOP_STATUS_NO_FRAME_SIZE, SPOP_STATUS_NO_CAPABILITIES,
	SPOP_STATUS_BAD_VERSION,   SPOP_STATUS_BAD_FRAME_SIZE,
	SPOP_STATUS_FRAGMENTED,    SPOP_STATUS_INTERLACED,
	SPOP_STATUS_NO_FRAME_ID,   SPOP_STATUS_RESOURCE,
	SPOP_STATUS_UNKNOWN,
};

static void every_status_is_told_with_its_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		uint8_t room[SPOP_FRAME_SIZE_MIN];
		struct outbuf b = outbuf_over(room, sizeof(room));
		spop_disconnect_encode(&b, statuses[i]);
		struct sv bytes = outbuf_sv(&b);
		struct spop_frame frame = heard_frame(&bytes, SPOP_AGENT_DISCONNECT);
		assert_true(frame.stream_id == 0 && frame.frame_id == 0 && bytes.n == 0);
		struct spop_disconnect bye;
		assert_true(spop_disconnect_decode(frame.payload, &bye));
		assert_int_equal(bye.status, statuses[i]);
		assert_true(sv_eq(bye.message, sv_of(spop_status_text(statuses[i]))));
		assert_true(bye.message.n > 0);
	}
}

static void texts_tell_the_statuses_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(spop_status_text(statuses[i]),
			                        spop_status_text(statuses[k]));
	assert_string_equal(spop_status_text((enum spop_status)98),
	                    spop_status_text(SPOP_STATUS_UNKNOWN));
}

struct bye_case {
	const char *what;
	struct sv payload;
	bool good;
	uint32_t status;
	const char *message;
};

#define STATUS_CODE "\x0bstatus-code"
#define MESSAGE     "\x07message"

static void goodbyes_of_haproxy_are_read(void **state)
{
	(void)state;
	static const struct bye_case cases[] = {
		{"as HAProxy says it", SV(STATUS_CODE "\x03\x02" MESSAGE "\x08\x02up"), true, 2,
	         "up"},
		{"the other way round", SV(MESSAGE "\x08\x02up" STATUS_CODE "\x03\x00"), true, 0,
	         "up"},
		{"without a message", SV(STATUS_CODE "\x03\x0d"), true, 13, ""},
		{"with more", SV("\x01x\x11" STATUS_CODE "\x03\x01\x00\x00"), true, 1, ""},
		{"a status that nobody knows", SV(STATUS_CODE "\x03\xef"), true, 239, ""},
		{"a status past 32 bits", SV(STATUS_CODE "\x03\xf0\xf1\xfe\xfe\x7e"), true, 99, ""},
		{"a status that is a text",
	         SV(STATUS_CODE "\x08\x01"
	                        "0"),
	         true, 99, ""},
		{"nothing", SV(""), true, 99, ""},
		{"a type that is none", SV(STATUS_CODE "\x0f\x01"), false, 0, NULL},
		{"a message past the end", SV(STATUS_CODE "\x03\x00" MESSAGE "\x08\x03up"), false,
	         0, NULL},
		{"a key past the end", SV("\xef"), false, 0, NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sv payload = exact(cases[i].payload);
		struct spop_disconnect bye = {.status = 77};
		print_message("%s\n", cases[i].what);
		assert_int_equal(spop_disconnect_decode(payload, &bye), cases[i].good);
		assert_int_equal(bye.status, cases[i].good ? cases[i].status : 77);
		assert_true(sv_eq(bye.message, sv_of(cases[i].message)));
		exact_free(payload);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_status_is_told_with_its_text),
		cmocka_unit_test(texts_tell_the_statuses_apart),
		cmocka_unit_test(goodbyes_of_haproxy_are_read),
	};
	return cmocka_run_group_tests_name("spop/disconnect", tests, NULL, NULL);
}
