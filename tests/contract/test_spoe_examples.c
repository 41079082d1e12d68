/* What HAProxy is configured to send, Haward knows: the spoe-agent files of haproxy-examples, of the bench and of
 * schema/spoe.md name its arguments and no others, and what haproxy.cfg reads is set by somebody. */
#include "core/fileio.h"
#include "spoe_page.h"
#include "spop/ack.h"
#include "spop/notify.h"
#include "support/cmocka_prelude.h"

#include <glob.h>

enum { ARGUMENTS_MAX = 64, MESSAGES = 4 };

static const char *const message_names[MESSAGES] = {"haward-authorize", "haward-connect",
                                                    "haward-account", "haward-learn"};
enum { AUTHORIZE, CONNECT, ACCOUNT, LEARN, NOT_OURS = -1 };
static const enum spop_message messages[MESSAGES] = {SPOP_MESSAGE_REQUEST, SPOP_MESSAGE_REQUEST,
                                                     SPOP_MESSAGE_ACCOUNT, SPOP_MESSAGE_LEARN};

/* What one file was found to say. */
struct found {
	const char *file;
	unsigned n_line, n_faults, n_messages;
	int message;                                /* the lines are of this one */
	struct sv fetches[MESSAGES][ARGUMENTS_MAX]; /* by the program's table; empty: not sent */
	bool has_prefix, has_error;
};

static void fault(struct found *f, const char *what, struct sv name)
{
	print_message("%s:%u: %.*s: %s\n", f->file, f->n_line, SV_ARG(name), what);
	f->n_faults++;
}

static bool next_word(struct sv *line, struct sv *ret)
{
	while (line->n && (line->at[0] == ' ' || line->at[0] == '\t'))
		*line = sv_from(*line, 1);
	size_t n = 0;
	while (n < line->n && line->at[n] != ' ' && line->at[n] != '\t')
		n++;
	*ret = sv_first(*line, n);
	*line = sv_from(*line, n);
	return n > 0;
}

static void take_message(struct found *f, struct sv name)
{
	f->message = NOT_OURS;
	for (int i = 0; i < MESSAGES; i++)
		if (sv_eq(name, sv_of(message_names[i])))
			f->message = i;
	if (f->message == NOT_OURS) {
		fault(f, "no message of ours", name);
		return;
	}
	f->n_messages++;
	memset(f->fetches[f->message], 0, sizeof(f->fetches[f->message]));
}

static bool may_stand_twice(struct sv name)
{
	return sv_eq(name, SVL("authorization")) || sv_eq(name, SVL("dpop")) ||
	       sv_eq(name, SVL("api_key")) || sv_eq(name, SVL("cookie"));
}

static void take_argument(struct found *f, struct sv word)
{
	size_t n, i, n_name = sv_find(word, '=');
	struct sv name = sv_first(word, n_name);
	if (f->message == NOT_OURS || n_name == word.n) {
		fault(f, "an argument without a message or a name", word);
		return;
	}
	const struct spop_attribute_name *known = spop_notify_attributes(messages[f->message], &n);
	for (i = 0; i < n && !sv_eq(name, sv_of(known[i].name)); i++)
		continue;
	if (i == n) {
		fault(f, "no argument that Haward knows", name);
		return;
	}
	struct sv *fetch = &f->fetches[f->message][i];
	if (fetch->n && !may_stand_twice(name))
		fault(f, "stands twice: every answer would be bad_request", name);
	if (fetch->n == 0)
		*fetch = sv_from(word, n_name + 1);
}

static void take_option(struct found *f, struct sv line)
{
	struct sv name, value;
	if (!next_word(&line, &name) || !next_word(&line, &value))
		return;
	f->has_prefix |= sv_eq(name, SVL("var-prefix")) && sv_eq(value, SVL("haward"));
	f->has_error |= sv_eq(name, SVL("set-on-error")) && sv_eq(value, SVL("error"));
}

static void take_line(struct found *f, struct sv line)
{
	struct sv word;
	line = sv_first(line, sv_find(line, '#'));
	if (!next_word(&line, &word))
		return;
	if (sv_eq(word, SVL("spoe-message"))) {
		(void)next_word(&line, &word);
		take_message(f, word);
	} else if (sv_eq(word, SVL("args"))) {
		while (next_word(&line, &word))
			take_argument(f, word);
	} else if (sv_eq(word, SVL("option"))) {
		take_option(f, line);
	} else if (sv_starts(word, SVL("spoe-")) || word.at[0] == '[') {
		f->message = NOT_OURS;
	}
}

static void check_spoe(const char *file, struct sv text, struct found *f)
{
	struct sv line;
	*f = (struct found){.file = file, .message = NOT_OURS};
	while (text.n && sv_cut(&text, '\n', &line)) {
		f->n_line++;
		take_line(f, line);
	}
	if (f->n_messages == 0)
		fault(f, "asks nothing", SVL("spoe-message"));
	if (!f->has_prefix || !f->has_error)
		fault(f, "needs var-prefix haward and set-on-error error", SVL("spoe-agent"));
}

/* ---- what haproxy.cfg reads ---- */

static bool is_set_by_us(struct sv name)
{
	size_t n;
	const struct spop_variable_name *names = spop_ack_variables(&n);
	for (size_t i = 0; i < n; i++)
		if (sv_eq(name, sv_of(names[i].name)))
			return true;
	return false;
}

static bool is_of_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.';
}

/* Every variable of the prefix, in whatever scope: one that nobody sets never grants, but it may never deny. */
static void check_variables(const char *file, struct sv text, struct found *f)
{
	static const struct sv prefix = SV(".haward.");
	struct sv line;
	*f = (struct found){.file = file};
	while (text.n && sv_cut(&text, '\n', &line)) {
		f->n_line++;
		for (size_t at = 0; at + prefix.n < line.n; at++) {
			struct sv name = sv_from(line, at + prefix.n);
			size_t n = 0;
			if (!sv_starts(sv_from(line, at), prefix))
				continue;
			while (n < name.n && is_of_name(name.at[n]))
				n++;
			name.n = n;
			f->n_messages++;
			if (!sv_eq(name, SVL("error")) && !is_set_by_us(name))
				fault(f, "nobody sets this variable", name);
			if (!sv_ends(sv_first(line, at), SVL("txn")))
				fault(f, "is not read in scope txn", name);
		}
	}
	if (f->n_messages == 0)
		fault(f, "reads no variable", SVL("txn.haward"));
}

/* ---- the tests ---- */

typedef void check_fn(const char *file, struct sv text, struct found *f);

static unsigned check_files(const char *pattern, check_fn *check)
{
	char path[PAGE_PATH_BYTES];
	glob_t files;
	unsigned n_faults = 0;
	page_path(path, pattern);
	assert_int_equal(glob(path, 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		static struct found f;
		char *text;
		size_t n;
		assert_int_equal(file_read(files.gl_pathv[i], 1 << 20, &text, &n), 0);
		check(files.gl_pathv[i], (struct sv){text, n}, &f);
		n_faults += f.n_faults;
		free(text);
	}
	globfree(&files);
	return n_faults;
}

static void examples_send_what_haward_knows(void **state)
{
	(void)state;
	assert_int_equal(check_files("haproxy-examples/*/spoe*.cfg", check_spoe), 0);
	assert_int_equal(check_files("tests/bench/spoe*.cfg", check_spoe), 0);
}

static void examples_read_what_somebody_sets(void **state)
{
	(void)state;
	assert_int_equal(check_files("haproxy-examples/*/haproxy*.cfg", check_variables), 0);
}

static bool contains(struct sv text, struct sv part)
{
	for (size_t at = 0; at + part.n <= text.n; at++)
		if (sv_starts(sv_from(text, at), part))
			return true;
	return false;
}

/* The page's example sends all that is of use, each as its table says. */
static void sends_all(const struct found *f, int message, const char *heading)
{
	struct page_rows rows = page_rows(heading);
	struct sv cells[PAGE_CELLS];
	for (size_t i = 0; page_row(&rows, cells); i++) {
		struct sv fetch = f->fetches[message][i];
		bool is_of_use = cells[2].n > 0 && !sv_eq(cells[3], SVL("nothing yet")) &&
		                 !sv_starts(cells[3], SVL("in a group of its own"));
		if (is_of_use && fetch.n == 0)
			fail_msg("the example does not send %.*s", SV_ARG(cells[0]));
		if (fetch.n && !contains(cells[2], fetch))
			fail_msg("%.*s is not sent as the table says", SV_ARG(cells[0]));
	}
}

static void the_page_shows_a_whole_example(void **state)
{
	(void)state;
	static struct found f;
	check_spoe("schema/spoe.md", page_block("spoe.cfg"), &f);
	assert_int_equal(f.n_faults, 0);
	assert_int_equal(f.n_messages, MESSAGES);
	sends_all(&f, AUTHORIZE, "### haward-authorize and haward-connect");
	sends_all(&f, ACCOUNT, "### haward-account");
	sends_all(&f, LEARN, "### haward-learn");
	check_variables("schema/spoe.md", page_block("haproxy.cfg"), &f);
	assert_int_equal(f.n_faults, 0);
}

/* The checks above can fail. */
static void faults_are_found(void **state)
{
	(void)state;
#define AGENT "spoe-agent haward\n option var-prefix haward\n option set-on-error error\n"
	static const struct {
		check_fn *check;
		const char *text;
		unsigned n_faults;
	} cases[] = {
		{check_spoe, AGENT "spoe-message haward-authorize\n args id=unique-id path=path\n",
	         0},
		{check_spoe, AGENT "spoe-message haward-authorize\n args pth=path\n", 1},
		{check_spoe, AGENT "spoe-message haward-authorize\n args path\n", 1},
		{check_spoe, AGENT "spoe-message haward-authorise\n args path=path\n", 3},
		{check_spoe, AGENT "spoe-message haward-account\n args query=query\n", 1},
		{check_spoe, AGENT "spoe-message haward-authorize\n args src=src\n args src=src\n",
	         1},
		{check_spoe,
	         AGENT "spoe-message haward-connect\n args id=unique-id # id=unique-id\n", 0},
		{check_spoe, AGENT, 1},
		{check_spoe, "spoe-message haward-connect\n args id=unique-id\n", 1},
		{check_variables, "deny unless { var(txn.haward.allow) -m bool }\n", 0},
		{check_variables, "deny if { var(txn.haward.eror) -m found }\n", 1},
		{check_variables, "deny unless { var(sess.haward.allow) -m bool }\n", 1},
		{check_variables, "deny unless { var(txn.haward.allow.x) -m bool }\n", 1},
		{check_variables, "http-request deny\n", 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static struct found f;
		cases[i].check("(meant to be faulty)", sv_of(cases[i].text), &f);
		assert_int_equal(f.n_faults, cases[i].n_faults);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_send_what_haward_knows),
		cmocka_unit_test(examples_read_what_somebody_sets),
		cmocka_unit_test(the_page_shows_a_whole_example),
		cmocka_unit_test(faults_are_found),
	};
	return cmocka_run_group_tests_name("contract/spoe_examples", tests, page_load, page_unload);
}
