#include "cli/importsub.h"
#include "core/diag.h"
#include "core/fileio.h"
#include "core/yamlload.h"
#include "policy/istio.h"
#include "policy/load.h"
#include "policy/policy.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { FILE_MAX_BYTES = 8 * 1024 * 1024 };

struct arguments {
	const char *file, *root_namespace, *path_normalization;
};

static const struct argp_option options[] = {
	{"root-namespace", 'r', "NAME", 0,
         "whose policies are for all namespaces; istio-system when not given", 0},
	{"path-normalization", 'p', "NAME", 0,
         "of the mesh: NONE, BASE, MERGE_SLASHES or DECODE_AND_MERGE_SLASHES; BASE, as in Istio, "
         "when not given. STRICT is Haward's own: paths that could be read in two ways are refused",
         0},
	{0},
};

static error_t take_option(int key, char *value, struct argp_state *state)
{
	struct arguments *a = state->input;
	if (key == 'r')
		a->root_namespace = value;
	else if (key == 'p')
		a->path_normalization = value;
	else if (key == ARGP_KEY_ARG && !a->file)
		a->file = value;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "one file at a time; documents are parted by ---");
	else if (key == ARGP_KEY_END && !a->file)
		argp_error(state, "a file is expected");
	else if (key != ARGP_KEY_END)
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static const struct argp parser = {
	.options = options,
	.parser = take_option,
	.args_doc = "FILE.yaml",
	.doc = "Write Istio's AuthorizationPolicy and RequestAuthentication as a policy set to "
	       "standard "
	       "output. Services of the same file say which policies are for whom.\v"
	       "Exit status: 0 a policy set was written; 64 the command line is not understood; 65 "
	       "something in the file cannot be imported, each such thing is named; 66 the file "
	       "cannot "
	       "be read; 71 memory ran out; 74 writing failed.",
};

static void print_notes(const char *path, const struct istio_import *import)
{
	for (size_t i = 0; i < import->n_notes; i++)
		(void)fprintf(stderr, "%s:%zu: %s%s\n", path, import->notes[i].line,
		              import->notes[i].is_error ? "" : "note: ", import->notes[i].text);
}

/* "/policies/3/rules/0/..." of the result is told of the document that it came from. */
static void print_item(const char *path, const struct istio_import *import,
                       const struct diag_item *item)
{
	unsigned i;
	int n = 0;
	const char *pointer = item->pointer ? item->pointer : "";
	const json_t *from = sscanf(pointer, "/policies/%u%n", &i, &n) == 1
	                             ? json_array_get(import->documents, i)
	                             : NULL;
	const char *name = json_string_value(json_object_get(from, "name"));
	(void)fprintf(stderr, "%s:%lld: %s%s%s: %s\n", path,
	              from ? (long long)json_integer_value(json_object_get(from, "line")) : 1LL,
	              name ? name : "", name ? " spec" : "", pointer + n,
	              item->message ? item->message : item->code);
}

/* What Istio refuses a policy set refuses too; its loader is the judge. returns the exit status */
static int check_set(const char *path, const struct istio_import *import, const char *text)
{
	struct policy *policy = NULL;
	const struct policy_env offline = {0};
	struct diag d = diag_over(path, sv_of(text));
	int r = policy_load(sv_of(text), &offline, 0, &d, &policy);
	for (size_t i = 0; r != 0 && i < d.n; i++)
		print_item(path, import, &d.items[i]);
	policy_unref(policy);
	diag_fini(&d);
	return r == 0 ? EX_OK : r == -EINVAL ? EX_DATAERR : EX_OSERR;
}

static int write_set(const char *path, const struct istio_import *import, const json_t *set)
{
	CLEANUP(freep) char *text = json_dumps(set, JSON_INDENT(2));
	int status = text ? check_set(path, import, text) : EX_OSERR;
	if (status != EX_OK)
		return status;
	return puts(text) == EOF || fflush(stdout) != 0 ? EX_IOERR : EX_OK;
}

static int import_documents(const struct arguments *a, const json_t *documents, const json_t *lines)
{
	struct istio_import *import = calloc(1, sizeof(*import));
	json_t *set = NULL;
	if (!import)
		return EX_OSERR;
	import->root_namespace = a->root_namespace;
	import->path_normalization = a->path_normalization;
	int r = istio_import(documents, lines, import, &set);
	print_notes(a->file, import);
	int status = r == 0         ? write_set(a->file, import, set)
	             : r == -EINVAL ? EX_DATAERR
	                            : EX_OSERR;
	json_decref(set);
	istio_import_fini(import);
	free(import);
	return status;
}

static int import_file(const struct arguments *a)
{
	CLEANUP(freep) char *text = NULL;
	json_t *documents = NULL, *lines = NULL;
	struct yaml_problem problem;
	size_t n = 0;
	int r = file_read(a->file, FILE_MAX_BYTES, &text, &n);
	if (r != 0) {
		(void)fprintf(stderr, "haward import: %s: %s\n", a->file, strerrordesc_np(-r));
		return EX_NOINPUT;
	}
	r = yaml_load((struct sv){text, n}, &documents, &lines, &problem);
	if (r == -EINVAL)
		(void)fprintf(stderr, "%s:%zu:%zu: %s\n", a->file, problem.line, problem.column,
		              problem.message);
	int status = r == 0         ? import_documents(a, documents, lines)
	             : r == -EINVAL ? EX_DATAERR
	                            : EX_OSERR;
	json_decref(documents);
	json_decref(lines);
	return status;
}

static char istio_name[] = "haward import istio"; /* for the usage text */

int import_istio_command(int argc, char **argv)
{
	struct arguments a = {0};
	argv[0] = istio_name;
	error_t r = argp_parse(&parser, argc, argv, 0, NULL, &a);
	return r == 0 ? import_file(&a) : EX_USAGE;
}
