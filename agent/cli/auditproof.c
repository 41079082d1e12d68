#include "audit/json.h"
#include "audit/proof.h"
#include "audit/query.h"
#include "audit/store.h"
#include "cli/auditsub.h"
#include "cli/book.h"
#include "core/clock.h"
#include "core/eventid.h"
#include "core/fileio.h"
#include "core/secret.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { FILE_MAX_BYTES = 64 * 1024 };

enum {
	KEY_DATA = 'd',
	KEY_KEY = 'k',
	KEY_OUTPUT = 'o',
	KEY_CHECKPOINT = 'c',
	KEY_PUBLIC = 'p',
	KEY_SINCE = 's',
};

struct arguments {
	const char *command; /* for messages */
	const char *data, *key, *output, *checkpoint, *since, *item;
	struct checkpoint_keys keys;
	bool takes_item;
};

/* ---- files ---- */

static void wipe_text(struct sv *text)
{
	if (text->at)
		secret_wipe((char *)(uintptr_t)text->at, text->n);
	free((char *)(uintptr_t)text->at);
}

/* The whole file; owned, told on standard error when it cannot be read. */
static int read_file(const char *command, const char *path, struct sv *ret)
{
	char *text = NULL;
	size_t n = 0;
	int r = file_read(path, FILE_MAX_BYTES, &text, &n);
	if (r != 0) {
		(void)fprintf(stderr, "%s: %s: %s\n", command, path, strerrordesc_np(-r));
		return EX_NOINPUT;
	}
	*ret = (struct sv){text, n};
	return EX_OK;
}

static int write_text(const struct arguments *a, const char *text)
{
	int r = 0;
	if (a->output && strcmp(a->output, "-") != 0)
		r = file_replace(a->output, sv_of(text), 0600);
	else if (fputs(text, stdout) < 0 || fflush(stdout) != 0)
		r = -EIO;
	if (r != 0)
		(void)fprintf(stderr, "%s: the output cannot be written: %s\n", a->command,
		              strerrordesc_np(-r));
	return r == 0 ? EX_OK : EX_IOERR;
}

static const char *why_not_opened(int r)
{
	switch (r) {
	case -ENOKEY:
		return "it is signed by none of the keys of --public-key";
	case -EKEYREJECTED:
		return "its signature is not good: it was changed";
	default:
		return "this is no checkpoint";
	}
}

static int read_checkpoint(const struct arguments *a, const char *path, struct sv *ret_text,
                           struct checkpoint *ret)
{
	int status = read_file(a->command, path, ret_text);
	if (status != EX_OK)
		return status;
	int r = checkpoint_open(*ret_text, &a->keys, ret);
	if (r == 0)
		return EX_OK;
	(void)fprintf(stderr, "%s: %s: %s\n", a->command, path, why_not_opened(r));
	return EX_DATAERR;
}

/* ---- the command line ---- */

static void add_public_key(struct arguments *a, const char *path, struct argp_state *state)
{
	CLEANUP(wipe_text) struct sv pem = {0};
	if (read_file(a->command, path, &pem) != EX_OK)
		exit(EX_NOINPUT);
	int r = checkpoint_keys_add(&a->keys, pem);
	if (r == -E2BIG)
		argp_error(state, "more than %d keys", CHECKPOINT_KEYS_MAX);
	else if (r != 0)
		argp_error(state, "%s: no Ed25519 key in PEM", path);
}

static error_t take_option(int key, char *value, struct argp_state *state)
{
	struct arguments *a = state->input;
	const char **room = key == KEY_DATA         ? &a->data
	                    : key == KEY_KEY        ? &a->key
	                    : key == KEY_OUTPUT     ? &a->output
	                    : key == KEY_CHECKPOINT ? &a->checkpoint
	                    : key == KEY_SINCE      ? &a->since
	                                            : NULL;
	if (room)
		*room = value;
	else if (key == KEY_PUBLIC)
		add_public_key(a, value, state);
	else if (key == ARGP_KEY_ARG && a->takes_item && !a->item)
		a->item = value;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "unknown argument %s", value);
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

#define EXIT_STATUS                                                                              \
	"Exit status: 0 it holds; 64 the command line is not understood; 65 the chain is "       \
	"broken, the book is not that of the checkpoint, a signature is not good, or the proof " \
	"proves nothing; 66 a file or the book cannot be opened; 74 reading or writing failed."

#define OPTION_DATA                                                         \
	{                                                                   \
		"data", KEY_DATA, "DIR", 0, "the agent's data directory", 0 \
	}
#define OPTION_OUTPUT                                                                          \
	{                                                                                      \
		"output", KEY_OUTPUT, "FILE", 0, "write to FILE instead of standard output", 0 \
	}
#define OPTION_PUBLIC                                                          \
	{                                                                      \
		"public-key", KEY_PUBLIC, "FILE", 0,                           \
			"believe this Ed25519 key, PEM; may be given again", 0 \
	}
#define OPTION_CHECKPOINT(text)                                  \
	{                                                        \
		"checkpoint", KEY_CHECKPOINT, "FILE", 0, text, 0 \
	}

static bool parse(const struct argp *argp, int argc, char **argv, struct arguments *a)
{
	a->command = argv[0];
	return argp_parse(argp, argc, argv, 0, NULL, a) == 0;
}

static bool is_given(const struct arguments *a, const void *value, const char *what)
{
	if (!value)
		(void)fprintf(stderr, "%s: %s is missing\n", a->command, what);
	return value != NULL;
}

static bool has_keys(const struct arguments *a)
{
	return is_given(a, a->keys.n ? a : NULL, "--public-key");
}

static int tell_error(const struct arguments *a, int r)
{
	(void)fprintf(stderr, "%s: %s\n", a->command, strerrordesc_np(-r));
	return book_status(r);
}

static int tell_broken(const struct arguments *a, const struct audit_chain_report *report)
{
	(void)fprintf(stderr, "%s: the chain is broken at %" PRIu64 ": %s\n", a->command,
	              report->broken_at, report->fault);
	return EX_DATAERR;
}

/* ---- verify ---- */

static const struct argp_option verify_options[] = {
	OPTION_DATA,
	OPTION_CHECKPOINT("the book has to begin with what this stands for"),
	OPTION_PUBLIC,
	{0},
};
static const struct argp verify_argp = {
	.options = verify_options,
	.parser = take_option,
	.doc = "Recompute the hash chain over the whole book, and hold it to a checkpoint that was "
	       "kept elsewhere.\v" EXIT_STATUS,
};

static void print_comparison(const struct checkpoint *checkpoint, const char *fault)
{
	char when[CLOCK_TEXT_BYTES];
	(void)printf("checkpoint %s\ncheckpoint_records %" PRIu64 "\ncheckpoint_time %.*s\n",
	             fault ? "broken" : "holds", checkpoint->size,
	             SV_ARG(clock_format(checkpoint->at_us, when)));
	if (fault)
		(void)printf("fault %s\n", fault);
}

static int verify(const struct arguments *a, const struct checkpoint *checkpoint)
{
	CLEANUP(book_close) struct audit_store *store = NULL;
	struct audit_chain_report report;
	const char *fault = NULL;
	int status = book_open("haward audit", a->data, &store);
	if (status != EX_OK)
		return status;
	int r = checkpoint ? audit_checkpoint_compare(store, checkpoint, &report, &fault)
	                   : audit_chain_verify(store, &report);
	if (r != 0)
		return tell_error(a, r);
	book_print_chain(&report);
	if (checkpoint && report.holds)
		print_comparison(checkpoint, fault);
	if (fflush(stdout) != 0)
		return EX_IOERR;
	return report.holds && !fault ? EX_OK : EX_DATAERR;
}

int cli_audit_verify(int argc, char **argv)
{
	struct arguments a = {0};
	CLEANUP(wipe_text) struct sv text = {0};
	struct checkpoint checkpoint;
	if (!parse(&verify_argp, argc, argv, &a) || !is_given(&a, a.data, "--data"))
		return EX_USAGE;
	if (!a.checkpoint)
		return verify(&a, NULL);
	if (!has_keys(&a))
		return EX_USAGE;
	int status = read_checkpoint(&a, a.checkpoint, &text, &checkpoint);
	return status == EX_OK ? verify(&a, &checkpoint) : status;
}

/* ---- checkpoint ---- */

static const struct argp_option checkpoint_options[] = {
	OPTION_DATA,
	{"key", KEY_KEY, "FILE", 0,
         "sign with this private Ed25519 key, PEM: openssl genpkey -algorithm ed25519", 0},
	OPTION_OUTPUT,
	{0},
};
static const struct argp checkpoint_argp = {
	.options = checkpoint_options,
	.parser = take_option,
	.doc = "Verify the chain and sign what the book holds now: how many records, and the root "
	       "of their Merkle tree. "
	       "Keep it where who can write the book cannot reach.\v" EXIT_STATUS,
};

int cli_audit_checkpoint(int argc, char **argv)
{
	struct arguments a = {0};
	CLEANUP(book_close) struct audit_store *store = NULL;
	CLEANUP(wipe_text) struct sv pem = {0};
	struct audit_chain_report report;
	struct checkpoint checkpoint;
	char text[CHECKPOINT_TEXT_MAX];
	if (!parse(&checkpoint_argp, argc, argv, &a) || !is_given(&a, a.data, "--data") ||
	    !is_given(&a, a.key, "--key"))
		return EX_USAGE;
	int status = read_file(a.command, a.key, &pem);
	if (status == EX_OK)
		status = book_open("haward audit", a.data, &store);
	if (status != EX_OK)
		return status;
	int r = audit_checkpoint_make(store, &report, &checkpoint);
	if (r != 0)
		return tell_error(&a, r);
	if (!report.holds)
		return tell_broken(&a, &report);
	r = checkpoint_sign(&checkpoint, pem, text);
	if (r == -EINVAL)
		(void)fprintf(stderr, "%s: %s: no private Ed25519 key in PEM without a password\n",
		              a.command, a.key);
	if (r != 0)
		return r == -EINVAL ? EX_DATAERR : tell_error(&a, r);
	return write_text(&a, text);
}

/* ---- prove ---- */

static const struct argp_option prove_options[] = {
	OPTION_DATA,
	OPTION_CHECKPOINT("what the proof leads to"),
	OPTION_PUBLIC,
	{"since", KEY_SINCE, "FILE", 0,
         "instead of an event: that the book of --checkpoint begins with the book of this one", 0},
	OPTION_OUTPUT,
	{0},
};
static const struct argp prove_argp = {
	.options = prove_options,
	.parser = take_option,
	.args_doc = "[EVENT]",
	.doc = "Prove to who does not have the book that an event is in it, or that it only "
	       "grew.\v" EXIT_STATUS,
};

static int take_seq(void *user, const struct audit_row *row)
{
	uint64_t *seq = user;
	*seq = row->seq;
	return 0;
}

static int find_event(const struct arguments *a, struct audit_store *store, uint64_t *ret)
{
	struct event_id id;
	if (!event_id_parse(sv_of(a->item), &id)) {
		(void)fprintf(stderr, "%s: %s is no event id\n", a->command, a->item);
		return EX_USAGE;
	}
	int r = audit_query_find(store, &id, take_seq, ret);
	if (r == 0)
		return EX_OK;
	if (r != -ENOENT)
		return tell_error(a, r);
	(void)fprintf(stderr, "%s: the book has no event %s\n", a->command, a->item);
	return EX_DATAERR;
}

static int prove(const struct arguments *a, struct audit_store *store,
                 const struct proof_question *question)
{
	CLEANUP(freep) char *json = NULL;
	CLEANUP(freep) char *text = NULL;
	struct audit_chain_report report;
	const char *fault = NULL;
	int r = audit_prove(store, question, &report, &json, &fault);
	if (r != 0)
		return tell_error(a, r);
	if (!report.holds)
		return tell_broken(a, &report);
	if (fault) {
		(void)fprintf(stderr, "%s: %s\n", a->command, fault);
		return EX_DATAERR;
	}
	return asprintf(&text, "%s\n", json) < 0 ? tell_error(a, -ENOMEM) : write_text(a, text);
}

int cli_audit_prove(int argc, char **argv)
{
	struct arguments a = {.takes_item = true};
	CLEANUP(book_close) struct audit_store *store = NULL;
	CLEANUP(wipe_text) struct sv text = {0};
	CLEANUP(wipe_text) struct sv since = {0};
	struct proof_question question = {0};
	if (!parse(&prove_argp, argc, argv, &a) || !is_given(&a, a.data, "--data") ||
	    !is_given(&a, a.checkpoint, "--checkpoint") || !has_keys(&a))
		return EX_USAGE;
	if (!a.item == !a.since) {
		(void)fprintf(stderr, "%s: give either EVENT or --since\n", a.command);
		return EX_USAGE;
	}
	int status = read_checkpoint(&a, a.checkpoint, &text, &question.checkpoint);
	if (status == EX_OK && a.since)
		status = read_checkpoint(&a, a.since, &since, &question.since);
	if (status == EX_OK)
		status = book_open("haward audit", a.data, &store);
	if (status == EX_OK && a.item)
		status = find_event(&a, store, &question.seq);
	question.text = text;
	question.since_text = since;
	return status == EX_OK ? prove(&a, store, &question) : status;
}

/* ---- check-proof ---- */

static const struct argp_option check_options[] = {OPTION_PUBLIC, {0}};
static const struct argp check_argp = {
	.options = check_options,
	.parser = take_option,
	.args_doc = "FILE",
	.doc = "Check a proof with nothing but the public key, and print what it "
	       "proves.\v" EXIT_STATUS,
};

static int print_proved(const struct proof_answer *answer)
{
	char when[CLOCK_TEXT_BYTES], book[2 * CHECKPOINT_BOOK_BYTES + 1];
	(void)hex_encode((struct sv){(const char *)answer->checkpoint.book, CHECKPOINT_BOOK_BYTES},
	                 book);
	(void)printf("proof holds\nbook %s\nrecords %" PRIu64 "\ntime %.*s\n", book,
	             answer->checkpoint.size, SV_ARG(clock_format(answer->checkpoint.at_us, when)));
	if (!answer->is_inclusion) {
		(void)printf("since_records %" PRIu64 "\nsince_time %.*s\n", answer->since.size,
		             SV_ARG(clock_format(answer->since.at_us, when)));
		return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
	}
	CLEANUP(freep) uint8_t *room = malloc(AUDIT_JSON_MAX);
	if (!room)
		return book_status(-ENOMEM);
	struct audit_row row = {.seq = answer->seq, .record = answer->record};
	struct outbuf line = outbuf_over(room, AUDIT_JSON_MAX);
	audit_json_row(&row, false, &line);
	(void)printf("seq %" PRIu64 "\nevent %.*s\n", answer->seq, SV_ARG(outbuf_sv(&line)));
	return fflush(stdout) == 0 && !line.failed ? EX_OK : EX_IOERR;
}

int cli_audit_check_proof(int argc, char **argv)
{
	struct arguments a = {.takes_item = true};
	CLEANUP(wipe_text) struct sv text = {0};
	CLEANUP(freep) struct proof_answer *answer = calloc(1, sizeof(*answer));
	if (!parse(&check_argp, argc, argv, &a) || !is_given(&a, a.item, "FILE") || !has_keys(&a))
		return EX_USAGE;
	int status = read_file(a.command, a.item, &text);
	if (status != EX_OK)
		return status;
	int r = answer ? audit_proof_check(text, &a.keys, answer) : -ENOMEM;
	if (r == 0)
		return print_proved(answer);
	if (r == -ENOMEM)
		return tell_error(&a, r);
	const char *fault = r == -EBADMSG  ? "this is no proof"
	                    : r == -EPROTO ? "it does not prove what it says"
	                                   : why_not_opened(r);
	(void)fprintf(stderr, "%s: %s: %s\n", a.command, a.item, fault);
	return EX_DATAERR;
}
