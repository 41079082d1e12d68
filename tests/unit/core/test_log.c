/* The operator's log: lines that cannot be forged, and that a crowd cannot flood. */
#include "core/log.h"
#include "support/cmocka_prelude.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void text_from_outside_stays_one_value(void **state)
{
	static const struct {
		struct sv text;
		const char *quoted;
	} rows[] = {
		{SV(""), "\"\""},
		{SV("a b=c"), "\"a b=c\""},
		{SV("x\"\nlevel=notice event=ready"), "\"x\\\"\\x0alevel=notice event=ready\""},
		{SV("\\"), "\"\\\\\""},
		{SV("\x1b[2J\x7f\x80"), "\"\\x1b[2J\\x7f\\x80\""},
	};
	char room[LOG_QUOTED_BYTES];
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(log_quote(rows[i].text, room), rows[i].quoted);
	char long_text[600];
	memset(long_text, '\n', sizeof(long_text)); /* four bytes each */
	const char *quoted = log_quote((struct sv){long_text, sizeof(long_text)}, room);
	assert_true(strlen(quoted) < LOG_QUOTED_BYTES);
	assert_int_equal(quoted[strlen(quoted) - 1], '"');
}

static void one_line_a_second(void **state)
{
	const uint64_t second = 1000000000U;
	struct log_pace pace = {0};
	uint64_t n_left_out = 99;
	(void)state;
	assert_true(log_pace_due(&pace, 5, &n_left_out)); /* the first, whatever the clock says */
	assert_int_equal(n_left_out, 0);
	for (uint64_t i = 0; i < 1000; i++)
		assert_false(log_pace_due(&pace, 6 + i, &n_left_out));
	assert_false(log_pace_due(&pace, 4 + second, &n_left_out));
	assert_true(log_pace_due(&pace, 5 + second, &n_left_out));
	assert_int_equal(n_left_out, 1001);
	assert_false(log_pace_due(&pace, 6 + second, &n_left_out));
	assert_true(log_pace_due(&pace, 9 + 3 * second, &n_left_out));
	assert_int_equal(n_left_out, 1);
}

static char *content_of(const char *path, char *room, size_t n_room)
{
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	size_t n = fread(room, 1, n_room - 1, file);
	(void)fclose(file);
	room[n] = '\0';
	return room;
}

/* Standard error itself is moved to the file: what libraries say there is kept too. */
static void the_file_is_opened_again_after_rotation(void **state)
{
	char dir[] = "/tmp/haward-log-XXXXXX", path[64], rotated[64], text[4096];
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(rotated, sizeof(rotated), "%s/log.1", dir);
	int before = dup(STDERR_FILENO);
	log_reopen(); /* there is no file: nothing happens */
	log_to_file(path);
	log_event(LOG_WARNING, "first", "n=%d", 1);
	log_event(LOG_DEBUGGING, "too_much_detail", "n=%d", 1);
	assert_int_equal(rename(path, rotated), 0);
	log_event(LOG_ERROR, "second", "n=%d", 2);
	log_reopen();
	char wide[5000];
	memset(wide, 'x', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	log_event(LOG_NOTICE, "third", "wide=%s", wide);
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	(void)close(before);
	assert_string_equal(content_of(rotated, text, sizeof(text)),
	                    "<4>level=warning event=first n=1\n<3>level=error event=second n=2\n");
	(void)content_of(path, text, sizeof(text));
	assert_int_equal(strncmp(text, "<5>level=notice event=third wide=xxx", 36), 0);
	assert_int_equal(text[strlen(text) - 1], '\n'); /* cut, and a line all the same */
	assert_true(strlen(text) <= 2048);
	assert_int_equal(unlink(path) | unlink(rotated) | rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_from_outside_stays_one_value),
		cmocka_unit_test(one_line_a_second),
		cmocka_unit_test(the_file_is_opened_again_after_rotation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
