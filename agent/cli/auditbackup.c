#include "audit/backup.h"
#include "audit/chain.h"
#include "audit/store.h"
#include "cli/auditsub.h"
#include "cli/book.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { KEY_DATA = 'd', KEY_OUTPUT = 'o' };

struct arguments {
	const char *data, *output;
};

static error_t take_option(int key, char *value, struct argp_state *state)
{
	struct arguments *a = state->input;
	if (key == KEY_DATA)
		a->data = value;
	else if (key == KEY_OUTPUT)
		a->output = value;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "unknown argument %s", value);
	else if (key == ARGP_KEY_END && (!a->data || !a->output))
		argp_error(state, "%s is missing", a->data ? "--output" : "--data");
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static const struct argp_option options[] = {
	{"data", KEY_DATA, "DIR", 0, "the agent's data directory", 0},
	{"output", KEY_OUTPUT, "DIR", 0, "the data directory of the copy; it must not be there", 0},
	{0},
};
static const struct argp argp = {
	.options = options,
	.parser = take_option,
	.doc = "Copy the book as it is now, also while the agent writes it, and verify the chain "
	       "of the copy.\v"
	       "Exit status: 0 the copy is complete and its chain holds; 64 the command line is "
	       "not understood; 65 the "
	       "chain of the copy is broken; 66 there is no book, or it cannot be opened; 74 "
	       "reading or writing "
	       "failed: there is no copy.",
};

static int tell(const char *command, const char *path, int r)
{
	(void)fprintf(stderr, "%s: %s: %s\n", command, path,
	              r == -EEXIST
	                      ? "it, or what an earlier try left beside it as .part, is there: "
	                        "name another directory"
	                      : strerrordesc_np(-r));
	return EX_IOERR;
}

static int copy(const char *command, const struct arguments *a)
{
	CLEANUP(book_close) struct audit_store *store = NULL;
	int status = book_open("haward audit", a->data, &store);
	if (status != EX_OK)
		return status;
	int r = audit_backup(store, a->output);
	return r == 0 ? EX_OK : tell(command, a->output, r);
}

static int verify_copy(const char *command, const struct arguments *a)
{
	CLEANUP(book_close) struct audit_store *store = NULL;
	struct audit_chain_report report;
	int status = book_open("haward audit", a->output, &store);
	if (status != EX_OK)
		return status;
	int r = audit_chain_verify(store, &report);
	if (r != 0)
		return tell(command, a->output, r);
	book_print_chain(&report);
	if (fflush(stdout) != 0)
		return EX_IOERR;
	return report.holds ? EX_OK : EX_DATAERR;
}

int cli_audit_backup(int argc, char **argv)
{
	struct arguments a = {0};
	if (argp_parse(&argp, argc, argv, 0, NULL, &a) != 0)
		return EX_USAGE;
	int status = copy(argv[0], &a);
	return status == EX_OK ? verify_copy(argv[0], &a) : status;
}
