#include "audit/outcome.h"
#include "core/limits.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void stream_is_cut_into_messages(void **state)
{
	(void)state;
	static const struct {
		struct sv in;
		enum syslog_cut cut;
		struct sv message;
		size_t consumed;
	} cases[] = {
		{SV(""), SYSLOG_MORE, SV(""), 0},
		{SV("5"), SYSLOG_MORE, SV(""), 0},
		{SV("5 ab"), SYSLOG_MORE, SV(""), 0},
		{SV("5 abcde"), SYSLOG_MESSAGE, SV("abcde"), 7},
		{SV("5 ab\nde6 next"), SYSLOG_MESSAGE, SV("ab\nde"), 7},
		{SV("<14>x\n<15>"), SYSLOG_MESSAGE, SV("<14>x"), 6},
		{SV("<14>x\r\n"), SYSLOG_MESSAGE, SV("<14>x"), 7},
		{SV("<14>x"), SYSLOG_MORE, SV(""), 0},
		{SV("\n<14>"), SYSLOG_MESSAGE, SV(""), 1},
		{SV("0 x"), SYSLOG_BAD, SV(""), 0},
		{SV("05 x"), SYSLOG_BAD, SV(""), 0},
		{SV("5x"), SYSLOG_BAD, SV(""), 0},
		{SV("16385 x"), SYSLOG_BAD, SV(""), 0},
		{SV("999999"), SYSLOG_BAD, SV(""), 0},
		{SV("GET / HTTP/1.1"), SYSLOG_BAD, SV(""), 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sv message = {0};
		size_t consumed = 0;
		assert_int_equal(syslog_split(cases[i].in, &message, &consumed), cases[i].cut);
		assert_true(sv_eq(message, cases[i].message));
		assert_int_equal(consumed, cases[i].consumed);
	}
}

static void endless_line_is_refused(void **state)
{
	(void)state;
	struct sv message;
	size_t consumed;
	char *line = malloc(SYSLOG_MESSAGE_MAX + 2);
	memset(line, 'x', SYSLOG_MESSAGE_MAX + 2);
	line[0] = '<';
	assert_int_equal(syslog_split((struct sv){line, SYSLOG_MESSAGE_MAX}, &message, &consumed),
	                 SYSLOG_MORE);
	assert_int_equal(
		syslog_split((struct sv){line, SYSLOG_MESSAGE_MAX + 2}, &message, &consumed),
		SYSLOG_BAD);
	free(line);
}

#define HEAD  "<134>1 2026-11-23T15:00:00.000000+00:00 edge haproxy 12 - - "
#define EVENT "01KB3Q7Z0V9M6H4D5T8W2X1Y3Z"

static void line_becomes_an_outcome(void **state)
{
	(void)state;
	struct audit_outcome_text text;
	struct outcome o;
	struct sv line = SV(
		HEAD
		"{\"event\":\"" EVENT "\",\"id\":\"u1\",\"status\":200,"
		"\"bytes_out\":\"512\",\"bytes_in\":80,\"ta\":\"+12\",\"tt\":13,\"tr\":0,"
		"\"tw\":0,\"tc\":-1,\"tresp\":\"-1\",\"termination\":\"----\","
		"\"backend\":\"be\",\"server\":\"<NOSRV>\",\"src\":\"::ffff:10.0.0.1\","
		"\"src_port\":443,\"method\":\"GET\",\"host\":\"h\",\"path\":\"/x\",\"more\":{}}");
	assert_int_equal(audit_outcome_parse(line, &text, &o), 0);
	char id[EVENT_ID_TEXT_BYTES + 1];
	assert_true(sv_eq(event_id_text(&o.event, id), SVL(EVENT)));
	assert_int_equal(o.status, 200);
	assert_int_equal(o.bytes_out, 512);
	assert_int_equal(o.duration_ms, 12);
	assert_int_equal(o.queue_ms, 0);
	assert_int_equal(o.connect_ms, -1);
	assert_int_equal(o.response_ms, -1);
	assert_true(sv_eq(o.termination, SVL("----")));
	assert_int_equal(o.server.n, 0);
	assert_int_equal(o.src.family, 4);
	assert_int_equal(o.src_port, 443);
	assert_true(sv_eq(o.path, SVL("/x")));
}

static void line_without_an_event_is_unaccounted(void **state)
{
	(void)state;
	static const struct sv lines[] = {
		SV(HEAD "{\"event\":\"\",\"status\":503}"),
		SV(HEAD "{\"event\":\"-\",\"status\":503}"),
		SV(HEAD "{\"event\":null,\"status\":503}"),
		SV(HEAD "\xef\xbb\xbf{\"status\":503}"),
		SV("<134>1 - - - - - [a b=\"]\\\"\"][c] {\"status\":503}"),
	};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct audit_outcome_text text;
		struct outcome o;
		assert_int_equal(audit_outcome_parse(lines[i], &text, &o), 0);
		assert_false(event_id_is_set(&o.event));
		assert_int_equal(o.status, 503);
	}
}

static void other_lines_are_refused(void **state)
{
	(void)state;
	static const struct {
		struct sv line;
		int error;
	} cases[] = {
		{SV(""), -EBADMSG},
		{SV("{\"status\":1}"), -EBADMSG},
		{SV("<134>Nov 23 15:00:00 edge haproxy[1]: {}"), -EBADMSG},
		{SV("<134>1 - - - -"), -EBADMSG},
		{SV("<134>1 - - - - - [a"), -EBADMSG},
		{SV(HEAD "Proxy started"), -ENOMSG},
		{SV(HEAD), -ENOMSG},
		{SV(HEAD "{\"event\":\"nonsense\"}"), -EBADMSG},
		{SV(HEAD "{\"event\":7}"), -EBADMSG},
		{SV(HEAD "{\"status\":1,\"status\":2}"), -EBADMSG},
		{SV(HEAD "{\"status\":1}x"), -EBADMSG},
		{SV(HEAD "{\"status\":1"), -EBADMSG},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct audit_outcome_text text;
		struct outcome o;
		assert_int_equal(audit_outcome_parse(cases[i].line, &text, &o), cases[i].error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stream_is_cut_into_messages),
		cmocka_unit_test(endless_line_is_refused),
		cmocka_unit_test(line_becomes_an_outcome),
		cmocka_unit_test(line_without_an_event_is_unaccounted),
		cmocka_unit_test(other_lines_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
