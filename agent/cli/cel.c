#include "authz/cel/json.h"
#include "authz/cel/program.h"
#include "authz/cel/type.h"
#include "cli/cli.h"
#include "cli/lines.h"
#include "core/arena.h"
#include "core/diag.h"
#include "core/fileio.h"
#include "core/jsonload.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum {
	LINE_MAX_BYTES = 1024 * 1024,
	FILE_MAX_BYTES = 16 * 1024 * 1024,
	KEEP_BYTES = 16 * 1024 * 1024, /* of a compiled expression */
	CALL_BYTES = 64 * 1024 * 1024, /* of its values */
	STEPS = 10000000,
};

/* A person at a prompt may write more than a policy may hold. */
static const struct cel_limits limits = {.source_bytes = 64 * 1024, .nodes = 16384, .depth = 128};

/* ---- one question ---- */

struct question {
	struct sv source;
	bool is_unchecked, is_typed; /* is_typed: bindings are in the typed form, else plain JSON */
	const json_t *env;           /* [{name, type}] or NULL */
	json_t *bindings;            /* name -> value, or NULL */
	struct sv container;
};

struct asking {
	struct arena keep, values;
	struct question question;
	struct cel_variable *variables;
	struct cel_function *functions;
	size_t n_variables, n_functions;
};

static struct cel_value get(struct cel_call *call, const void *context, uint32_t slot)
{
	const struct asking *a = context;
	const json_t *value = json_object_get(a->question.bindings, a->variables[slot].name);
	if (!value)
		return cel_errorf(call, "the variable %.60s has no value", a->variables[slot].name);
	return a->question.is_typed ? cel_of_typed(call, value) : cel_of_json(call, value);
}

static struct cel_value no_implementation(struct cel_call *call, const struct cel_value *args,
                                          unsigned n)
{
	(void)call, (void)args, (void)n;
	return cel_error("unbound function");
}

static bool is_declared(const struct asking *a, const char *name)
{
	for (size_t i = 0; i < a->n_variables; i++)
		if (strcmp(a->variables[i].name, name) == 0)
			return true;
	return false;
}

/* "string, int" of ["string", "int"] */
static const char *join_types(struct asking *a, const json_t *list)
{
	struct sv text = {0};
	size_t i;
	json_t *one;
	json_array_foreach(list, i, one)
	{
		struct sv type = json_string_sv(one);
		text = arena_printf(&a->keep, "%.*s%s%.*s", SV_ARG(text), i ? ", " : "",
		                    SV_ARG(type));
	}
	text = arena_printf(&a->keep, "%.*s%c", SV_ARG(text), 0);
	return text.n ? text.at : "";
}

static void declare_function(struct asking *a, const char *name, const json_t *overload)
{
	a->functions[a->n_functions++] = (struct cel_function){
		.name = name,
		.style = json_is_true(json_object_get(overload, "receiver")) ? CEL_RECEIVER
	                                                                     : CEL_GLOBAL,
		.args = join_types(a, json_object_get(overload, "params")),
		.result = json_string_value(json_object_get(overload, "result")),
		.call = no_implementation,
		.does = "",
	};
}

/* What the question declares, and what it only binds: that is dyn. NULL, or what is wrong. */
static const char *declare(struct asking *a)
{
	const json_t *env = a->question.env, *overload;
	json_t *row, *value;
	const char *name;
	size_t i, k, n_overloads = 0;
	json_array_foreach(env, i, row) n_overloads +=
		json_array_size(json_object_get(row, "overloads"));
	a->variables = arena_array(
		&a->keep, json_array_size(env) + json_object_size(a->question.bindings) + 1,
		sizeof(*a->variables));
	a->functions = arena_array(&a->keep, n_overloads + 1, sizeof(*a->functions));
	if (!a->variables || !a->functions)
		return "the declarations are too many";
	json_array_foreach(env, i, row)
	{
		const char *type = json_string_value(json_object_get(row, "type"));
		const json_t *overloads = json_object_get(row, "overloads");
		name = json_string_value(json_object_get(row, "name"));
		if (!name || (!type && !overloads))
			return "env: each declaration has a name and a type";
		if (type)
			a->variables[a->n_variables++] = (struct cel_variable){name, type};
		json_array_foreach(overloads, k, overload)
		{
			if (!json_is_string(json_object_get(overload, "result")))
				return "env: each overload has params and a result";
			declare_function(a, name, overload);
		}
	}
	json_object_foreach(a->question.bindings, name, value) if (!is_declared(a, name))
		a->variables[a->n_variables++] = (struct cel_variable){name, "dyn"};
	return NULL;
}

static json_t *error_json(const char *text)
{
	return json_pack("{s:s}", "error", text);
}

static json_t *problem_json(struct sv source, const struct cel_problem *problem)
{
	unsigned line, column;
	cel_place(source, problem->offset, &line, &column);
	return json_pack("{s:s, s:i, s:i}", "error", problem->text, "line", (int)line, "column",
	                 (int)column);
}

static json_t *value_json(struct asking *a, const struct cel_program *program)
{
	struct cel_call call = {.arena = &a->values, .steps = STEPS};
	const struct cel_bindings bindings = {get, a};
	uint32_t offset;
	unsigned line, column;
	struct sv type = cel_type_text(&a->keep, program->type);
	struct cel_value value = cel_evaluate(program, &call, &bindings, &offset);
	if (cel_is_error(value)) {
		cel_place(a->question.source, offset, &line, &column);
		return json_pack("{s:s%, s:i, s:i, s:s%}", "error", value.bytes, (size_t)value.n,
		                 "line", (int)line, "column", (int)column, "type", type.at, type.n);
	}
	json_t *typed = cel_to_typed(&call, value);
	if (!typed)
		return error_json("the value is too large to be printed");
	return json_pack("{s:o, s:s%}", "value", typed, "type", type.at, type.n);
}

/* The answer; NULL: no memory. */
static json_t *answer(struct asking *a)
{
	struct cel_problem problem;
	struct cel_program program;
	const char *wrong = declare(a);
	if (wrong)
		return error_json(wrong);
	const struct cel_env env = {.variables = a->variables,
	                            .n_variables = a->n_variables,
	                            .functions = a->functions,
	                            .n_functions = a->n_functions,
	                            .container = a->question.container};
	int r = cel_compile(a->question.source, &env, a->question.is_unchecked ? CEL_UNCHECKED : 0,
	                    &limits, &a->keep, &problem, &program);
	if (r == -EINVAL)
		return problem_json(a->question.source, &problem);
	if (r != 0)
		return error_json("the expression is too large");
	json_t *json = value_json(a, &program);
	cel_program_fini(&program);
	return json;
}

static bool tell(json_t *json)
{
	bool is_value = json_object_get(json, "value") != NULL;
	if (json)
		(void)json_dumpf(json, stdout, JSON_COMPACT);
	(void)putchar('\n');
	json_decref(json);
	return is_value;
}

static void forget(struct asking *a)
{
	arena_reset(&a->keep);
	arena_reset(&a->values);
	*a = (struct asking){.keep = a->keep, .values = a->values};
}

/* ---- lines ---- */

/* NULL, or what is wrong with the line. */
static const char *read_question(const json_t *line, struct question *ret)
{
	const json_t *expr = json_object_get(line, "expr"), *check = json_object_get(line, "check");
	*ret = (struct question){
		.source = json_string_sv(expr),
		.is_unchecked = json_is_false(check),
		.is_typed = true,
		.env = json_object_get(line, "env"),
		.bindings = json_object_get(line, "bindings"),
		.container = json_string_sv(json_object_get(line, "container")),
	};
	if (!json_is_object(line))
		return "a line is one JSON object";
	if (!json_is_string(expr))
		return "expr: a string is expected";
	if (check && !json_is_boolean(check))
		return "check: true or false is expected";
	if (ret->env && !json_is_array(ret->env) && !json_is_null(ret->env))
		return "env: an array is expected";
	if (ret->bindings && !json_is_object(ret->bindings) && !json_is_null(ret->bindings))
		return "bindings: an object is expected";
	return NULL;
}

/* Texts may have a NUL here, as those of CEL may. */
static bool answer_line(struct asking *a, struct sv text)
{
	json_error_t error;
	json_t *line = json_loadb(text.at, text.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	const char *wrong = line ? read_question(line, &a->question) : error.text;
	(void)tell(wrong ? error_json(wrong) : answer(a));
	json_decref(line);
	forget(a);
	return !wrong;
}

static int answer_lines(struct asking *a)
{
	char *room = malloc(LINE_MAX_BYTES + 2);
	struct sv text;
	bool good = true;
	if (!room)
		return EX_OSERR;
	while (lines_next(room, LINE_MAX_BYTES + 2, &text)) {
		if (text.n > LINE_MAX_BYTES) {
			(void)tell(error_json("the line is too long"));
			good = false;
		} else if (text.n > 0) {
			good = answer_line(a, text) && good;
		}
	}
	free(room);
	int status = lines_end("cel");
	return status == EX_OK && !good ? EX_DATAERR : status;
}

/* ---- one expression of the command line ---- */

static int read_variables(const char *path, char **ret_text, json_t **ret)
{
	size_t n;
	if (!path)
		return 0;
	int r = file_read(path, FILE_MAX_BYTES, ret_text, &n);
	if (r != 0) {
		(void)fprintf(stderr, "haward cel: %s: %s\n", path, strerrordesc_np(-r));
		return r;
	}
	struct diag d = diag_over(path, (struct sv){*ret_text, n});
	*ret = json_load_strict((struct sv){*ret_text, n}, 0, &d);
	if (*ret && !json_is_object(*ret))
		(void)fprintf(stderr, "%s: an object is expected: names of variables to values\n",
		              path);
	else if (!*ret)
		diag_print(&d, stderr);
	diag_fini(&d);
	return json_is_object(*ret) ? 0 : -EINVAL;
}

static int answer_one(struct asking *a, const char *expr, const char *vars)
{
	CLEANUP(freep) char *text = NULL;
	CLEANUP(json_decrefp) json_t *bindings = NULL;
	if (read_variables(vars, &text, &bindings) != 0)
		return EX_NOINPUT;
	a->question = (struct question){.source = sv_of(expr), .bindings = bindings};
	bool is_value = tell(answer(a));
	if (fflush(stdout) != 0)
		return EX_IOERR;
	return is_value ? EX_OK : EX_DATAERR;
}

/* ---- the command ---- */

struct arguments {
	const char *expr, *vars;
	bool is_jsonl;
};

enum { KEY_JSONL = 256, KEY_VARS };

static const struct argp_option options[] = {
	{"jsonl", KEY_JSONL, NULL, 0,
         "answer the questions on standard input, a JSON object a line", 0},
	{"vars", KEY_VARS, "FILE", 0, "variables of EXPR: a JSON object of names and values", 0},
	{0},
};

static error_t take_option(int key, char *value, struct argp_state *state)
{
	struct arguments *a = state->input;
	if (key == KEY_JSONL)
		a->is_jsonl = true;
	else if (key == KEY_VARS)
		a->vars = value;
	else if (key == ARGP_KEY_ARG && !a->expr)
		a->expr = value;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "one expression at a time; quote it for the shell");
	else if (key == ARGP_KEY_END && a->is_jsonl == (a->expr != NULL))
		argp_error(state, "either an expression or --jsonl is expected");
	else if (key == ARGP_KEY_END && a->is_jsonl && a->vars)
		argp_error(state, "--vars goes with an expression; a line has its own bindings");
	else if (key != ARGP_KEY_END)
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static const struct argp parser = {
	.options = options,
	.parser = take_option,
	.args_doc = "[EXPR]",
	.doc = "Evaluate CEL, the language of conditions, and print value and type as JSON.\v"
	       "Exit status: 0 a value was printed, or every line was a question; 65 the "
	       "expression "
	       "or a line has an error; 64 the command line is not understood; 66 FILE cannot be "
	       "read; 74 reading or writing failed.",
};

static char own_name[] = "haward cel"; /* for the usage text */

int cli_cel(int argc, char **argv)
{
	struct arguments a = {0};
	struct asking asking = {0};
	int status = EX_OSERR;
	argv[0] = own_name;
	if (argp_parse(&parser, argc, argv, 0, NULL, &a) != 0)
		return EX_USAGE;
	if (arena_init(&asking.keep, KEEP_BYTES) == 0 &&
	    arena_init(&asking.values, CALL_BYTES) == 0)
		status = a.is_jsonl ? answer_lines(&asking) : answer_one(&asking, a.expr, a.vars);
	arena_fini(&asking.values);
	arena_fini(&asking.keep);
	return status;
}
