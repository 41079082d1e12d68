#include "cli/imported.h"
#include "cli/importsub.h"
#include "core/fileio.h"
#include "policy/istio.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

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
static void tell(const char *path, const void *user, const struct diag_item *item)
{
	const struct istio_import *import = user;
	const char *rest;
	const json_t *from = imported_from(import->documents, item, &rest);
	const char *name = json_string_value(json_object_get(from, "name"));
	(void)fprintf(stderr, "%s:%lld: %s%s%s: %s\n", path,
	              from ? (long long)json_integer_value(json_object_get(from, "line")) : 1LL,
	              name ? name : "", name ? " spec" : "", rest,
	              item->message ? item->message : item->code);
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
	int status = imported_status(r);
	if (status == EX_OK)
		status = imported_write(a->file, set, tell, import);
	json_decref(set);
	istio_import_fini(import);
	free(import);
	return status;
}

static int import_file(const struct arguments *a)
{
	CLEANUP(freep) char *text = NULL;
	json_t *documents = NULL, *lines = NULL;
	size_t n = 0;
	int status = imported_read(a->file, &text, &n);
	if (status == EX_OK)
		status = imported_yaml(a->file, (struct sv){text, n}, &documents, &lines);
	if (status == EX_OK)
		status = import_documents(a, documents, lines);
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
