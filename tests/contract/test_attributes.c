/* schema/attributes.md is what the tables of names and functions say. With HAWARD_UPDATE=1 it is written anew. */
#include "authz/cel/function.h"
#include "authz/expression.h"
#include "core/fileio.h"
#include "core/strbuf.h"
#include "support/cmocka_prelude.h"

#include <stdio.h>
#include <stdlib.h>

static const char front[] =
	"# Attributes and functions of conditions\n"
	"\n"
	"The `condition` of a rule is an expression in CEL, the Common Expression Language. Its "
	"result is a bool.\n"
	"`haward cel` evaluates expressions at the prompt.\n"
	"\n"
	"```json\n"
	"{ \"to\": [{ \"operation\": { \"paths\": [\"/orders/{id}\"] } }],\n"
	"  \"condition\": \"path.id == user || 'admin' in groups\" }\n"
	"```\n"
	"\n"
	"A name that is misspelt, a capture that not every path of the rule binds, or a type that "
	"does not fit is refused\n"
	"when the policy set is saved. What is not there when a request is judged (no token, no "
	"such claim, a header field\n"
	"that is not UTF-8) is an error, and an error never grants: in an ALLOW rule the condition "
	"does not hold, in a DENY\n"
	"rule it does. `has(claims.level)` asks whether a claim is there; "
	"`claims.?level.orValue(0)` has a value for when it\n"
	"is not. `&&` and `||` do not mind an error on one side when the other settles it.\n"
	"\n"
	"Whole numbers of JSON are `int`, others `double`. A condition has at most 4 KiB and 512 "
	"parts, and takes at most\n"
	"20,000 steps. The pattern of `matches()` and the names of time zones are constants.\n"
	"\n"
	"## Names\n"
	"\n"
	"| name | type | what it is |\n"
	"|---|---|---|\n";

static const char middle[] =
	"| `path.<name>` | string | what `{name}` of the path stands for, decoded |\n"
	"\n"
	"## Macros\n"
	"\n"
	"| macro | what it gives |\n"
	"|---|---|\n"
	"| `has(e.f)` | whether the map `e` has the key `f` |\n"
	"| `e.all(x, p)`, `e.all(k, v, p)` | whether `p` holds for every element |\n"
	"| `e.exists(x, p)`, `e.exists(k, v, p)` | whether it holds for one or more |\n"
	"| `e.exists_one(x, p)`, `e.existsOne(k, v, p)` | whether it holds for exactly one |\n"
	"| `e.filter(x, p)` | the elements it holds for |\n"
	"| `e.map(x, t)`, `e.map(x, p, t)` | `t` of each element, or of those that `p` holds for "
	"|\n"
	"| `e.transformList(k, v, t)`, `e.transformMap(k, v, t)`, `e.transformMapEntry(k, v, t)` | "
	"a list or a map of `t`; "
	"with `p` before `t` only of those that it holds for |\n"
	"| `cel.bind(x, e, t)` | `t` with `x` in the place of `e` |\n"
	"| `e.optMap(x, t)`, `e.optFlatMap(x, t)` | `t` of what an optional holds |\n"
	"| `e.?f`, `e[?i]`, `[?e]`, `{?k: e}` | a field that may be missing; an element that is "
	"left out when it is |\n";

static void add_names(struct strbuf *b)
{
	for (size_t i = 0; i < n_authz_names; i++)
		strbuf_addf(b, "| `%s` | %s | %s |\n", authz_names[i].name, authz_names[i].type,
		            authz_names[i].does);
}

/* "x.f(string, int)" of a row. */
static void add_signature(struct strbuf *b, const struct cel_function *row)
{
	const char *rest = strstr(row->args, ", ");
	const char *dots = row->is_variadic ? ", ..." : "";
	if (row->style == CEL_GLOBAL) {
		strbuf_addf(b, "`%s(%s%s)`", row->name, row->args, dots);
	} else if (row->style == CEL_RECEIVER) {
		/* the receiver is the first argument; a comma inside of its type does not end it */
		const char *open = strchr(row->args, '(');
		if (open && rest && open < rest && strchr(open, ')'))
			rest = strstr(strchr(open, ')'), ", ");
		int n = rest ? (int)(rest - row->args) : (int)strlen(row->args);
		strbuf_addf(b, "`(%.*s).%s(%s%s)`", n, row->args, row->name, rest ? rest + 2 : "",
		            dots);
	} else {
		strbuf_addf(b, "`%s` of (%s)", row->name, row->args);
	}
}

/* A bar would end the cell. */
static void add_functions(struct strbuf *b)
{
	for (size_t i = 0; cel_function_groups[i]; i++) {
		strbuf_addf(b, "\n## %s\n\n| function | gives | what it does |\n|---|---|---|\n",
		            cel_function_groups[i]->title);
		for (size_t k = 0; k < cel_function_groups[i]->n; k++) {
			const struct cel_function *row = &cel_function_groups[i]->at[k];
			strbuf_add(b, SVL("| "));
			add_signature(b, row);
			strbuf_addf(b, " | %s | %s |\n", row->result, row->does);
		}
	}
}

static void the_document_says_what_the_tables_say(void **state)
{
	(void)state;
	char path[4096], *there = NULL;
	size_t n = 0;
	struct strbuf b = strbuf_with(1 << 20);
	(void)snprintf(path, sizeof(path), "%s/schema/attributes.md", getenv("HAWARD_SOURCE_DIR"));
	strbuf_add(&b, SVL(front));
	add_names(&b);
	strbuf_add(&b, SVL(middle));
	add_functions(&b);
	assert_false(b.failed);
	if (getenv("HAWARD_UPDATE"))
		assert_int_equal(file_replace(path, strbuf_sv(&b), 0644), 0);
	assert_int_equal(file_read(path, 1 << 20, &there, &n), 0);
	if (!sv_eq((struct sv){there, n}, strbuf_sv(&b)))
		print_error("schema/attributes.md is old; write it anew with HAWARD_UPDATE=1\n");
	assert_true(sv_eq((struct sv){there, n}, strbuf_sv(&b)));
	free(there);
	strbuf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_document_says_what_the_tables_say)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
