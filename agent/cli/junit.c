#include "cli/junit.h"

#include <errno.h>

/* Control characters cannot stand in XML 1.0, not even escaped. */
static void put_text(FILE *to, const char *text)
{
	for (const char *c = text ? text : ""; *c; c++) {
		if (*c == '&')
			(void)fputs("&amp;", to);
		else if (*c == '<')
			(void)fputs("&lt;", to);
		else if (*c == '>')
			(void)fputs("&gt;", to);
		else if (*c == '"')
			(void)fputs("&quot;", to);
		else if ((unsigned char)*c < 0x20)
			(void)fputc(' ', to);
		else
			(void)fputc(*c, to);
	}
}

static void put_failure(FILE *to, const json_t *result)
{
	size_t i;
	json_t *difference;
	(void)fputs("\n      <failure message=\"", to);
	json_array_foreach(json_object_get(result, "differences"), i, difference)
	{
		char *expected =
			json_dumps(json_object_get(difference, "expected"), JSON_ENCODE_ANY);
		char *got = json_dumps(json_object_get(difference, "got"), JSON_ENCODE_ANY);
		(void)fputs(i ? "; " : "", to);
		put_text(to, json_string_value(json_object_get(difference, "member")));
		(void)fputs(": expected ", to);
		put_text(to, expected);
		(void)fputs(", got ", to);
		put_text(to, got);
		free(expected);
		free(got);
	}
	(void)fputs("\">", to);
	char *decision = json_dumps(json_object_get(result, "decision"), JSON_INDENT(1));
	put_text(to, decision);
	free(decision);
	(void)fputs("</failure>\n    ", to);
}

int junit_write(FILE *to, const char *suite, const json_t *results)
{
	size_t i, n_failed = 0;
	json_t *result;
	json_array_foreach(results, i, result) n_failed +=
		!json_is_true(json_object_get(result, "passed"));
	(void)fprintf(
		to,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"");
	put_text(to, suite);
	(void)fprintf(to, "\" tests=\"%zu\" failures=\"%zu\" errors=\"0\">\n",
	              json_array_size(results), n_failed);
	json_array_foreach(results, i, result)
	{
		(void)fputs("    <testcase classname=\"", to);
		put_text(to, suite);
		(void)fputs("\" name=\"", to);
		put_text(to, json_string_value(json_object_get(result, "name")));
		(void)fputs("\">", to);
		if (!json_is_true(json_object_get(result, "passed")))
			put_failure(to, result);
		(void)fputs("</testcase>\n", to);
	}
	(void)fputs("  </testsuite>\n</testsuites>\n", to);
	return fflush(to) == 0 && !ferror(to) ? 0 : -EIO;
}
