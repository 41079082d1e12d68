#include "cli/imported.h"
#include "cli/importsub.h"
#include "core/diag.h"
#include "core/fileio.h"
#include "core/jsonload.h"
#include "policy/openapi.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct arguments {
	const char *file, *service, *issuer, *audience;
};

static const struct argp_option options[] = {
	{"service", 's', "NAME", 0, "of the service; its title when not given", 0},
	{"issuer", 'i', "URL", 0,
         "whose tokens oauth2 and bearer schemes mean; openIdConnect says it itself", 0},
	{"audience", 'a', "NAME", 0, "that tokens have to be for", 0},
	{0},
};

static error_t take_option(int key, char *value, struct argp_state *state)
{
	struct arguments *a = state->input;
	switch (key) {
	case 's':
		a->service = value;
		break;
	case 'i':
		a->issuer = value;
		break;
	case 'a':
		a->audience = value;
		break;
	case ARGP_KEY_ARG:
		if (a->file)
			argp_error(state, "one document at a time");
		a->file = value;
		break;
	case ARGP_KEY_END:
		if (!a->file)
			argp_error(state, "a file is expected");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp parser = {
	.options = options,
	.parser = take_option,
	.args_doc = "FILE",
	.doc = "Write an OpenAPI document (3.0 or 3.1, JSON or YAML) as a policy set to standard "
	       "output: a service, and for each operation a policy that grants what its security "
	       "asks for.\v"
	       "Exit status: 0 a policy set was written; 64 the command line is not understood; 65 "
	       "something in the file cannot be imported, each such thing is named; 66 the file "
	       "cannot be read; 71 memory ran out; 74 writing failed.",
};

static void print_notes(const char *path, const struct openapi_import *import)
{
	for (size_t i = 0; i < import->n_notes; i++)
		(void)fprintf(stderr, "%s: %s%s\n", path,
		              import->notes[i].is_error ? "" : "note: ", import->notes[i].text);
}

/* "/policies/3/rules/0/..." of the result is told of the operation that it came from. */
static void tell(const char *path, const void *user, const struct diag_item *item)
{
	const struct openapi_import *import = user;
	const char *rest;
	const char *origin = json_string_value(imported_from(import->origins, item, &rest));
	(void)fprintf(stderr, "%s: %s: %s\n", path, origin ? origin : rest,
	              item->message ? item->message : item->code);
}

static int import_document(const struct arguments *a, const json_t *document)
{
	struct openapi_import *import = calloc(1, sizeof(*import));
	json_t *set = NULL;
	if (!import)
		return EX_OSERR;
	import->service = a->service;
	import->issuer = a->issuer;
	import->audience = a->audience;
	int r = openapi_import(document, import, &set);
	print_notes(a->file, import);
	int status = imported_status(r);
	if (status == EX_OK)
		status = imported_write(a->file, set, tell, import);
	json_decref(set);
	openapi_import_fini(import);
	free(import);
	return status;
}

/* ---- reading ---- */

static int read_json(const char *path, struct sv text, json_t **ret)
{
	struct diag d = diag_over(path, text);
	*ret = json_load_strict(text, 0, &d);
	diag_print(&d, stderr);
	diag_fini(&d);
	return *ret ? EX_OK : EX_DATAERR;
}

static int read_yaml(const char *path, struct sv text, json_t **ret)
{
	json_t *documents = NULL, *lines = NULL;
	int status = imported_yaml(path, text, &documents, &lines);
	size_t n = json_array_size(documents);
	if (status == EX_OK && n == 1)
		*ret = json_incref(json_array_get(documents, 0));
	if (status == EX_OK && n != 1) {
		(void)fprintf(stderr, "%s: one document is expected, there are %zu\n", path, n);
		status = EX_DATAERR;
	}
	json_decref(documents);
	json_decref(lines);
	return status;
}

static bool is_json(struct sv text)
{
	size_t n = 0;
	while (n < text.n && strchr(" \t\r\n", text.at[n]))
		n++;
	return n < text.n && text.at[n] == '{';
}

static int import_file(const struct arguments *a)
{
	CLEANUP(freep) char *text = NULL;
	json_t *document = NULL;
	size_t n = 0;
	int status = imported_read(a->file, &text, &n);
	struct sv all = {text, n};
	if (status == EX_OK)
		status = (is_json(all) ? read_json : read_yaml)(a->file, all, &document);
	if (status == EX_OK)
		status = import_document(a, document);
	json_decref(document);
	return status;
}

static char openapi_name[] = "haward import openapi"; /* for the usage text */

int import_openapi_command(int argc, char **argv)
{
	struct arguments a = {0};
	argv[0] = openapi_name;
	error_t r = argp_parse(&parser, argc, argv, 0, NULL, &a);
	return r == 0 ? import_file(&a) : EX_USAGE;
}
