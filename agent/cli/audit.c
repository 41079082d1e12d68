#include "audit/export.h"
#include "audit/store.h"
#include "cli/auditsub.h"
#include "cli/book.h"
#include "cli/cli.h"
#include "core/fileio.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, CHUNK_BYTES = 256 * 1024 };

#define EXIT_STATUS                                                                              \
	"Exit status: 0 the export is complete; 64 the command line or the "                     \
	"query "                                                                                 \
	"is not understood; 65 the book is damaged or of a later format; 66 "                    \
	"there is no book, or it cannot be opened; 74 reading or writing failed, the export is " \
	"not complete."

static void close_export(struct audit_export **export)
{
	audit_export_close(*export);
}

/* ---- export ---- */

struct export_arguments {
	const char *data, *format, *filter, *from, *to, *output;
	bool newest_first, raw;
};

enum {
	KEY_DATA = 'd',
	KEY_FORMAT = 'f',
	KEY_FILTER = 'q',
	KEY_OUTPUT = 'o',
	KEY_FROM = 256,
	KEY_TO,
	KEY_NEWEST,
	KEY_RAW
};

static error_t export_option(int key, char *value, struct argp_state *state)
{
	struct export_arguments *a = state->input;
	if (key == KEY_DATA)
		a->data = value;
	else if (key == KEY_FORMAT)
		a->format = value;
	else if (key == KEY_FILTER)
		a->filter = value;
	else if (key == KEY_OUTPUT)
		a->output = value;
	else if (key == KEY_FROM)
		a->from = value;
	else if (key == KEY_TO)
		a->to = value;
	else if (key == KEY_NEWEST)
		a->newest_first = true;
	else if (key == KEY_RAW)
		a->raw = true;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "unknown argument %s", value);
	else if (key == ARGP_KEY_END && !a->data)
		argp_error(state, "--data is missing");
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static const struct argp_option export_options[] = {
	{"data", KEY_DATA, "DIR", 0, "the agent's data directory", 0},
	{"format", KEY_FORMAT, "csv|jsonl", 0, "form of the output, csv when not given", 0},
	{"filter", KEY_FILTER, "QUERY", 0,
         "e.g. 'verdict:deny service:orders,billing -policy:x ip:10.0.0.0/8 path:/v1/*'", 0},
	{"from", KEY_FROM, "TIME", 0, "first time, inclusive: RFC 3339, a date, now-15m", 0},
	{"to", KEY_TO, "TIME", 0, "last time, exclusive", 0},
	{"output", KEY_OUTPUT, "FILE", 0, "write here instead of standard output", 0},
	{"newest-first", KEY_NEWEST, NULL, 0, "the latest event first", 0},
	{"raw", KEY_RAW, NULL, 0, "CSV for machines: no protection against formulas in cells", 0},
	{0},
};
static const struct argp export_argp = {
	.options = export_options,
	.parser = export_option,
	.doc = "Write the events of the book to standard output, the oldest first. Works while the "
	       "agent runs and while it does not.\v" EXIT_STATUS,
};

static int read_export(const struct export_arguments *a, struct audit_export_options *ret)
{
	struct sv format = sv_of(a->format ? a->format : "csv");
	*ret = (struct audit_export_options){
		.query = {.filter = sv_of(a->filter), .oldest_first = !a->newest_first},
		.format = AUDIT_JSONL,
		.raw_formulas = a->raw,
	};
	if (sv_eq(format, SVL("csv"))) {
		ret->format = AUDIT_CSV;
	} else if (!sv_eq(format, SVL("jsonl"))) {
		(void)fprintf(stderr, "haward audit export: --format is csv or jsonl\n");
		return -EINVAL;
	}
	int r = book_time("haward audit export", "from", a->from, &ret->query.from_us);
	return r == 0 ? book_time("haward audit export", "to", a->to, &ret->query.to_us) : r;
}

static int write_all(int fd, const char *at, size_t n)
{
	while (n > 0) {
		ssize_t wrote = write(fd, at, n);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return -errno;
		at += wrote;
		n -= (size_t)wrote;
	}
	return 0;
}

static int stream(struct audit_export *export, int fd)
{
	CLEANUP(freep) char *chunk = malloc(CHUNK_BYTES);
	if (!chunk)
		return -ENOMEM;
	for (;;) {
		ssize_t n = audit_export_fill(export, chunk, CHUNK_BYTES);
		if (n <= 0)
			return (int)n;
		int r = write_all(fd, chunk, (size_t)n);
		if (r != 0)
			return r;
	}
}

/* A file appears whole or not at all: it is written beside its name and renamed. */
static int stream_to_file(struct audit_export *export, const char *path)
{
	char beside[PATH_BYTES];
	int n = snprintf(beside, sizeof(beside), "%s.part", path);
	if (n < 0 || (size_t)n >= sizeof(beside))
		return -ENAMETOOLONG;
	CLEANUP(closefd)
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	int r = stream(export, fd);
	if (r == 0 && fsync(fd) != 0)
		r = -errno;
	if (r == 0 && rename(beside, path) != 0)
		r = -errno;
	if (r != 0)
		(void)unlink(beside);
	return r;
}

static int is_output_special(const char *path)
{
	return access(path, F_OK) == 0 && strncmp(path, "/dev/", 5) == 0;
}

static int write_out(struct audit_export *export, const char *path)
{
	if (!path || strcmp(path, "-") == 0)
		return stream(export, STDOUT_FILENO);
	if (!is_output_special(path))
		return stream_to_file(export, path);
	CLEANUP(closefd) int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : stream(export, fd);
}

static int refuse_question(const struct audit_query_error *error)
{
	(void)fputs("haward audit export: ", stderr);
	if (error->column)
		(void)fprintf(stderr, "--filter, column %u: ", error->column);
	(void)fprintf(stderr, "%s\n", error->message);
	return EX_USAGE;
}

static int tell_incomplete(int r)
{
	(void)fprintf(stderr, "haward audit export: the export is not complete: %s\n",
	              r == -EBADMSG ? "the book is damaged; haward audit verify tells where"
	                            : strerrordesc_np(-r));
	return book_status(r);
}

static int run_export(const struct export_arguments *a)
{
	CLEANUP(book_close) struct audit_store *store = NULL;
	CLEANUP(close_export) struct audit_export *export = NULL;
	struct audit_export_options options;
	struct audit_query_error error = {0};
	if (read_export(a, &options) != 0)
		return EX_USAGE;
	int status = book_open("haward audit", a->data, &store);
	if (status != EX_OK)
		return status;
	int r = audit_export_open(store, &options, &error, &export);
	if (r == -EINVAL)
		return refuse_question(&error);
	if (r == 0)
		r = write_out(export, a->output);
	return r == 0 ? EX_OK : tell_incomplete(r);
}

/* ---- the command ---- */

static const struct {
	const char *name;
	char *shown; /* in usage messages */
	int (*run)(int argc, char **argv);
} commands[] = {
	{"backup", (char[]){"haward audit backup"}, cli_audit_backup},
	{"verify", (char[]){"haward audit verify"}, cli_audit_verify},
	{"checkpoint", (char[]){"haward audit checkpoint"}, cli_audit_checkpoint},
	{"prove", (char[]){"haward audit prove"}, cli_audit_prove},
	{"check-proof", (char[]){"haward audit check-proof"}, cli_audit_check_proof},
};

static void usage(FILE *to)
{
	(void)fputs("Usage: haward audit COMMAND [OPTION...]\n"
	            "Read the book of decisions, and what it proves.\n\n"
	            "  export       write its events as CSV or JSON Lines\n"
	            "  backup       copy it while the agent writes it\n"
	            "  verify       recompute its hash chain, and hold it to a checkpoint\n"
	            "  checkpoint   sign what it holds now\n"
	            "  prove        prove that an event is in it, or that it only grew\n"
	            "  check-proof  check such a proof without the book\n\n"
	            "haward audit COMMAND --help tells more.\n",
	            to);
}

static char export_name[] = "haward audit export";

int cli_audit(int argc, char **argv)
{
	struct sv command = sv_of(argc > 1 ? argv[1] : "");
	if (sv_eq(command, SVL("export"))) {
		struct export_arguments a = {0};
		argv[1] = export_name;
		error_t r = argp_parse(&export_argp, argc - 1, argv + 1, 0, NULL, &a);
		return r == 0 ? run_export(&a) : EX_USAGE;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (!sv_eq(command, sv_of(commands[i].name)))
			continue;
		argv[1] = commands[i].shown;
		return commands[i].run(argc - 1, argv + 1);
	}
	bool asked = sv_eq(command, SVL("--help")) || sv_eq(command, SVL("-?"));
	usage(asked ? stdout : stderr);
	return asked ? EX_OK : EX_USAGE;
}
