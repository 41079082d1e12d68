#include "audit/book.h"
#include "audit/csv.h"
#include "audit/json.h"
#include "core/hash.h"
#include "core/jsonload.h"
#include "core/limits.h"

static void cells_are_quoted_and_safe(void **state)
{
	(void)state;
	static const struct {
		struct sv in;
		const char *safe, *raw;
	} cases[] = {
		{SV(""), "", ""},
		{SV("plain"), "plain", "plain"},
		{SV("a,b"), "\"a,b\"", "\"a,b\""},
		{SV("a\"b"), "\"a\"\"b\"", "\"a\"\"b\""},
		{SV("a\r\nb"), "\"a\r\nb\"", "\"a\r\nb\""},
		{SV("a;b"), "\"a;b\"", "\"a;b\""},
		{SV("=1+1"), "\"'=1+1\"", "=1+1"},
		{SV("+1"), "\"'+1\"", "+1"},
		{SV("-1"), "\"'-1\"", "-1"},
		{SV("@x"), "\"'@x\"", "@x"},
		{SV("\t=x"), "\"'\t=x\"", "\"\t=x\""},
		{SV("\r=x"), "\"'\r=x\"", "\"\r=x\""},
		{SV("  =x"), "\"'  =x\"", "\"  =x\""},
		{SV("\xef\xbc\x9d"
	            "1"),
	         "\"'\xef\xbc\x9d"
	         "1\"",
	         "\"\xef\xbc\x9d"
	         "1\""},
		{SV("caf\xc3\xa9"), "\"caf\xc3\xa9\"", "\"caf\xc3\xa9\""},
		{SV("bad\xff"), "\"bad\xef\xbf\xbd\"", "\"bad\xef\xbf\xbd\""},
		{SV("\0x"), "\"'\xef\xbf\xbdx\"", "\"\xef\xbf\xbdx\""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char room[64];
		struct outbuf out = outbuf_over(room, sizeof(room));
		audit_csv_cell(&out, cases[i].in, false);
		assert_true(sv_eq(outbuf_sv(&out), sv_of(cases[i].safe)));
		out = outbuf_over(room, sizeof(room));
		audit_csv_cell(&out, cases[i].in, true);
		assert_true(sv_eq(outbuf_sv(&out), sv_of(cases[i].raw)));
	}
}

/* Whatever lies beside it: cells are looked at by words of eight. */
static void a_cell_is_quoted_for_one_byte_anywhere(void **state)
{
	(void)state;
	char text[24], room[96];
	for (size_t n = 1; n <= sizeof(text); n++) {
		for (size_t at = 0; at < n; at++) {
			for (unsigned byte = 0; byte < 256; byte++) {
				struct outbuf out = outbuf_over(room, sizeof(room));
				bool apart = byte < 0x20 || byte >= 0x7f ||
				             strchr("\"',;", (int)byte) != NULL;
				memset(text, 'x', sizeof(text));
				text[at] = (char)byte;
				audit_csv_cell(&out, (struct sv){text, n}, true);
				assert_false(out.failed);
				assert_int_equal(room[0] == '"', apart || (byte == ' ' && at == 0));
				assert_true(apart || room[0] == '"' ||
				            (out.n == n && memcmp(room, text, n) == 0));
			}
		}
	}
}

/* All bytes of an export, in pieces of `piece`; owned by the caller. */
static char *export_all(struct book *book, enum audit_format format, struct sv filter, size_t piece,
                        struct audit_export_stats *stats)
{
	struct audit_export_options options = {.query = {.filter = filter, .oldest_first = true},
	                                       .format = format};
	struct audit_query_error error;
	struct audit_export *export = NULL;
	size_t room = 64 << 20, n = 0;
	char *all = malloc(room);
	assert_int_equal(audit_export_open(book->store, &options, &error, &export), 0);
	for (;;) {
		ssize_t got = audit_export_fill(export, all + n, piece);
		assert_true(got >= 0 && (size_t)got <= piece && n + (size_t)got < room);
		if (got == 0)
			break;
		n += (size_t)got;
	}
	all[n] = '\0';
	audit_export_stats(export, stats);
	assert_int_equal(stats->n_bytes, n);
	uint8_t digest[SHA256_BYTES];
	assert_true(sha256_of((struct sv){all, n}, digest));
	assert_memory_equal(digest, stats->sha256, sizeof(digest));
	audit_export_close(export);
	return all;
}

static void csv_has_a_header_and_every_row(void **state)
{
	struct book *book = *state;
	struct audit_export_stats stats;
	book_add(book, 0, 3000);
	book_index(book);
	char *all = export_all(book, AUDIT_CSV, SVL(""), 4097, &stats);
	assert_int_equal(stats.n_rows, 3000);
	struct sv rest = sv_of(all), line;
	assert_true(sv_cut(&rest, '\n', &line));
	assert_true(sv_starts(line, SVL("id,seq,time,kind,user,")) && sv_ends(line, SVL("\r")));
	size_t n = 0;
	for (; rest.n && sv_cut(&rest, '\n', &line); n++) {
		size_t n_cells = 0;
		struct sv cell;
		for (struct sv cells = line; sv_cut(&cells, ',', &cell);)
			n_cells++;
		assert_true(n_cells >= 52); /* "why" holds commas of its own */
		assert_true(strstr(all, "access_token=***") != NULL);
	}
	assert_int_equal(n, 3000);
	assert_null(strstr(all, "very-secret"));
	free(all);
	all = export_all(book, AUDIT_CSV, SVL("user:user-1"), 65536, &stats);
	assert_int_equal(stats.n_rows, 31);
	free(all);
}

static void every_line_is_json_of_the_resource(void **state)
{
	struct book *book = *state;
	struct audit_export_stats stats;
	struct audit_act act = {
		.actor = SV("=cmd\xff\x01\"\\"), .action = SV("x"), .result = SV("denied")};
	struct outcome outcome = outcome_unknown();
	outcome.status = 503;
	outcome.path = SVL("/never/asked");
	book_add(book, 0, 50);
	assert_int_equal(audit_submit_admin(audit_journals_admin(book->journals), &act), 0);
	assert_int_equal(
		audit_submit_system(audit_journals_main(book->journals), SVL("start"), SVL("v1")),
		0);
	assert_int_equal(audit_submit_outcome(audit_journals_main(book->journals), &outcome), 0);
	book_sync(book);
	char *all = export_all(book, AUDIT_JSONL, SVL(""), 1000, &stats);
	assert_int_equal(stats.n_rows, 53);
	struct sv rest = sv_of(all), line;
	size_t n = 0, n_unaccounted = 0;
	while (rest.n && sv_cut(&rest, '\n', &line)) {
		json_t *object = json_load_strict(line, 0, NULL);
		assert_true(json_is_object(object));
		const char *const members[] = {"id",     "seq",    "time",    "kind",
		                               "user",   "groups", "verdict", "status",
		                               "reason", "why",    "shadow",  "outcome"};
		for (size_t i = 0; i < ARRAY_LEN(members); i++)
			assert_non_null(json_object_get(object, members[i]));
		assert_int_equal(json_string_sv(json_object_get(object, "id")).n, 26);
		if (sv_eq(json_string_sv(json_object_get(object, "kind")), SVL("request"))) {
			const json_t *why = json_array_get(json_object_get(object, "why"), 0);
			assert_true(sv_eq(json_string_sv(json_object_get(why, "result")),
			                  SVL("failed")));
			assert_true(sv_eq(json_string_sv(json_object_get(why, "expected")),
			                  SVL("GET")));
		}
		if (sv_eq(json_string_sv(json_object_get(object, "kind")), SVL("unaccounted"))) {
			const json_t *status =
				json_object_get(json_object_get(object, "outcome"), "status");
			assert_int_equal(json_integer_value(status), 503);
			n_unaccounted++;
		}
		json_decref(object);
		n++;
	}
	assert_int_equal(n, 53);
	assert_int_equal(n_unaccounted, 1);
	free(all);
}

static void largest_record_fits_every_form(void **state)
{
	(void)state;
	static char big[70000];
	static uint8_t room[AUDIT_RECORD_MAX], text[AUDIT_JSON_MAX];
	memset(big, 1, sizeof(big)); /* six bytes each in JSON */
	struct sv t = {big, sizeof(big)};
	struct audit_record in = {.kind = AUDIT_REQUEST,
	                          .user = t,
	                          .subject = t,
	                          .issuer = t,
	                          .client = t,
	                          .workload = t,
	                          .source_service = t,
	                          .service = t,
	                          .method = t,
	                          .host = t,
	                          .path = t,
	                          .query = t,
	                          .route = t,
	                          .reason = t,
	                          .policy = t,
	                          .shadow_policy = t,
	                          .request_id = t,
	                          .user_agent = t,
	                          .sni = t,
	                          .action = t,
	                          .target = t,
	                          .result = t,
	                          .before = t,
	                          .after = t,
	                          .detail = t,
	                          .roles = t,
	                          .channel = t,
	                          .termination = t,
	                          .backend = t,
	                          .server = t};
	struct outbuf bytes = outbuf_over(room, sizeof(room));
	audit_record_encode(&in, &bytes);
	struct audit_row row = {.seq = UINT64_MAX, .has_outcome = true};
	assert_int_equal(audit_record_decode(outbuf_sv(&bytes), &row.record), 0);
	row.outcome = row.record;
	for (int kind = AUDIT_REQUEST; kind < AUDIT_KIND_COUNT; kind++) {
		row.record.kind = (enum audit_kind)kind;
		struct outbuf out = outbuf_over(text, sizeof(text));
		audit_json_row(&row, true, &out);
		assert_false(out.failed);
		out = outbuf_over(text, sizeof(text));
		audit_csv_row(&row, false, &out);
		assert_false(out.failed);
	}
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, book_setup, book_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_are_quoted_and_safe),
		cmocka_unit_test(a_cell_is_quoted_for_one_byte_anywhere),
		cmocka_unit_test(largest_record_fits_every_form),
		ROW(csv_has_a_header_and_every_row),
		ROW(every_line_is_json_of_the_resource),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
