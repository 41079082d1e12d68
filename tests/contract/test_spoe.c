/* The tables of schema/spoe.md and the program say the same: arguments with their types, variables in their order,
 * reasons with status and text, members of the log line. */
#include "audit/outcome.h"
#include "model/reason.h"
#include "model/verdict.h"
#include "spoe_page.h"
#include "spop/ack.h"
#include "spop/notify.h"
#include "support/cmocka_prelude.h"

#include <stdio.h>

static void same(struct sv told, const char *wanted, struct sv of)
{
	if (!sv_eq(told, sv_of(wanted)))
		fail_msg("%.*s: '%.*s' is told, the program has '%s'", SV_ARG(of), SV_ARG(told),
		         wanted);
}

static void same_arguments(const char *heading, enum spop_message message)
{
	struct page_rows rows = page_rows(heading);
	struct sv cells[PAGE_CELLS];
	size_t n, i = 0;
	const struct spop_attribute_name *names = spop_notify_attributes(message, &n);
	for (; page_row(&rows, cells); i++) {
		if (i == n)
			fail_msg("the program does not take %.*s", SV_ARG(cells[0]));
		same(page_code(cells[0]), names[i].name, cells[0]);
		same(cells[1], names[i].kind, cells[0]);
	}
	assert_int_equal(i, n);
}

static void arguments_are_told_as_they_are_read(void **state)
{
	(void)state;
	same_arguments("### haward-authorize and haward-connect", SPOP_MESSAGE_REQUEST);
	same_arguments("### haward-account", SPOP_MESSAGE_ACCOUNT);
	same_arguments("### haward-learn", SPOP_MESSAGE_LEARN);
}

static void variables_are_told_as_they_are_sent(void **state)
{
	(void)state;
	struct page_rows rows = page_rows("## Variables");
	struct sv cells[PAGE_CELLS];
	size_t n, i = 0;
	const struct spop_variable_name *names = spop_ack_variables(&n);
	for (; page_row(&rows, cells); i++) {
		if (i == n)
			fail_msg("the program does not set %.*s", SV_ARG(cells[0]));
		same(page_code(cells[0]), names[i].name, cells[0]);
		same(cells[1], names[i].scope, cells[0]);
		same(cells[2], names[i].type, cells[0]);
	}
	assert_int_equal(i, n);
}

static void verdicts_are_told(void **state)
{
	(void)state;
	struct page_rows rows = page_rows("## Variables");
	struct sv cells[PAGE_CELLS], list = {0}, word;
	enum verdict_effect effect;
	unsigned n = 0;
	while (page_row(&rows, cells))
		if (sv_eq(cells[0], SVL("`verdict`")))
			list = cells[3];
	for (; list.n && sv_cut(&list, ',', &word); n++)
		if (!verdict_effect_find(page_code(sv_trim(word)), &effect))
			fail_msg("%.*s is no verdict", SV_ARG(word));
	assert_int_equal(n, VERDICT_EFFECT_COUNT);
}

static unsigned status_of(enum reason reason)
{
	if (reason == REASON_POLICY_ALLOWED || reason == REASON_DEFAULT_ALLOWED)
		return 200;
	return (unsigned)verdict_deny(reason).status;
}

static void reasons_are_told_with_their_status(void **state)
{
	(void)state;
	struct page_rows rows = page_rows("## Reasons");
	struct sv cells[PAGE_CELLS];
	unsigned i = 0;
	for (; page_row(&rows, cells); i++) {
		unsigned long long status;
		assert_true(i < REASON_COUNT);
		same(page_code(cells[0]), reason_name((enum reason)i), cells[0]);
		assert_true(sv_to_u64(cells[1], &status));
		assert_int_equal(status, status_of((enum reason)i));
		same(cells[2], reason_text((enum reason)i), cells[0]);
	}
	assert_int_equal(i, REASON_COUNT);
}

/* A line with every member that is told, and nothing else, fills every field of an outcome. */
static void a_log_line_of_all_members_says_everything(void **state)
{
	(void)state;
	struct page_rows rows = page_rows("## Outcomes from HAProxy's log");
	struct sv cells[PAGE_CELLS], name;
	char line[4096] = "<134>1 - - haproxy - - - {\"x\":0";
	size_t at = strlen(line);
	while (page_row(&rows, cells)) {
		while (cells[0].n && sv_cut(&cells[0], ' ', &name)) {
			struct sv n = page_code(name);
			const char *value = sv_eq(n, SVL("event")) ? "01ARZ3NDEKTSV4RRFFQ69G5FAV"
			                    : sv_eq(n, SVL("src")) ? "192.0.2.1"
			                                           : "7";
			at += (size_t)snprintf(line + at, sizeof(line) - at, ",\"%.*s\":\"%s\"",
			                       SV_ARG(n), value);
		}
	}
	(void)snprintf(line + at, sizeof(line) - at, "}");
	struct audit_outcome_text room;
	struct outcome o;
	assert_int_equal(audit_outcome_parse(sv_of(line), &room, &o), 0);
	assert_true(event_id_is_set(&o.event));
	const int64_t numbers[] = {o.status,   o.bytes_out,  o.bytes_in,    o.duration_ms,
	                           o.queue_ms, o.connect_ms, o.response_ms, o.src_port};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		assert_int_equal(numbers[i], 7);
	const struct sv texts[] = {o.id,     o.termination, o.backend, o.server,
	                           o.method, o.host,        o.path};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_true(sv_eq(texts[i], SVL("7")));
	assert_int_equal(o.src.family, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_are_told_as_they_are_read),
		cmocka_unit_test(variables_are_told_as_they_are_sent),
		cmocka_unit_test(verdicts_are_told),
		cmocka_unit_test(reasons_are_told_with_their_status),
		cmocka_unit_test(a_log_line_of_all_members_says_everything),
	};
	return cmocka_run_group_tests_name("contract/spoe", tests, page_load, page_unload);
}
