/* OpenAPI documents as policy sets: what is granted, to whom, and what is named because it cannot be. */
#include "core/yamlload.h"
#include "policy/load.h"
#include "policy/openapi.h"
#include "policy/policy.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct imported {
	struct openapi_import notes;
	json_t *set; /* NULL: refused */
};

static struct imported *import_text(const char *yaml, const char *issuer)
{
	struct imported *ret = calloc(1, sizeof(*ret));
	json_t *documents = NULL, *lines = NULL;
	struct yaml_problem problem;
	int r = yaml_load(sv_of(yaml), &documents, &lines, &problem);
	if (r != 0)
		print_error("%zu:%zu: %s\n", problem.line, problem.column, problem.message);
	assert_int_equal(r, 0);
	assert_non_null(ret);
	if (ret) {
		ret->notes.issuer = issuer;
		(void)!openapi_import(json_array_get(documents, 0), &ret->notes, &ret->set);
	}
	json_decref(documents);
	json_decref(lines);
	return ret;
}

static void free_imported(struct imported *i)
{
	json_decref(i->set);
	openapi_import_fini(&i->notes);
	free(i);
}

#define HEAD "openapi: 3.1.0\ninfo: {title: My Shop, version: '1'}\n"
#define SCHEMES                                                                                  \
	"components: {securitySchemes: {oidc: {type: openIdConnect, openIdConnectUrl: "          \
	"'https://idp/.well-known/openid-configuration'}, oauth: {type: oauth2, flows: {}}, "    \
	"bearer: {type: http, scheme: bearer}, basic: {type: http, scheme: basic}, key: {type: " \
	"apiKey, in: header, name: X-Key}, mtls: {type: mutualTLS}, cookie: {type: apiKey, in: " \
	"cookie, name: s}, digest: {type: http, scheme: digest}, other: {$ref: "                 \
	"'#/components/securitySchemes/mtls'}, far: {$ref: 'other.yaml#/x'}}}\n"
#define GET(security) HEAD SCHEMES "paths: {/a: {get: {security: " security "}}}\n"

/* The first policy's rules, as compact JSON. */
static void assert_rules(const char *yaml, const char *issuer, const char *wanted)
{
	struct imported *i = import_text(yaml, issuer);
	for (size_t k = 0; k < i->notes.n_notes && !i->set; k++)
		print_error("%s\n", i->notes.notes[k].text);
	assert_non_null(i->set);
	const json_t *policy = json_array_get(json_object_get(i->set, "policies"), 0);
	char *rules = json_dumps(json_object_get(policy, "rules"), JSON_COMPACT);
	assert_string_equal(rules ? rules : "(none)", wanted);
	free(rules);
	free_imported(i);
}

#define TO            "\"to\":[{\"operation\":{\"methods\":[\"GET\"],\"paths\":[\"/a\"]}}]"
#define FROM(members) "\"from\":[{\"source\":{" members "}}],"

static void security_becomes_who_may(void **state)
{
	(void)state;
	assert_rules(GET("[]"), NULL, "[{" TO "}]");
	assert_rules(GET("[{}]"), NULL, "[{" TO "}]");
	assert_rules(GET("[{oidc: []}]"), NULL,
	             "[{" FROM("\"requestPrincipals\":[\"https://idp/*\"]") TO "}]");
	assert_rules(
		GET("[{oidc: [r, \"w'\"]}]"), NULL,
		"[{" FROM("\"requestPrincipals\":[\"https://idp/*\"]") "\"condition\":\"'r' in "
								       "scopes && 'w\\\\'' in "
								       "scopes\"," TO "}]");
	assert_rules(GET("[{bearer: [r]}]"), "https://i",
	             "[{" FROM("\"requestPrincipals\":[\"https://i/*\"]") "\"condition\":\"'r' in "
	                                                                  "scopes\"," TO "}]");
	assert_rules(GET("[{oauth: []}]"), NULL,
	             "[{" FROM("\"requestPrincipals\":[\"*\"],\"notRequestPrincipals\":[\"haward:*"
	                       "\"]") TO "}]");
	assert_rules(GET("[{basic: []}]"), NULL,
	             "[{" FROM("\"requestPrincipals\":[\"haward:basic/*\"]") TO "}]");
	assert_rules(GET("[{key: []}]"), NULL,
	             "[{" FROM("\"requestPrincipals\":[\"haward:apikey/*\"]") TO "}]");
	assert_rules(GET("[{other: []}]"), NULL, "[{" FROM("\"principals\":[\"*\"]") TO "}]");
	/* all of one requirement, any of several */
	assert_rules(
		GET("[{oidc: [r], mtls: []}, {key: []}]"), NULL,
		"[{" FROM(
			"\"requestPrincipals\":[\"https://idp/*\"],\"principals\":[\"*\"]") "\"c"
											    "onditi"
											    "on\":"
											    "\"'r' "
											    "in "
											    "scopes"
											    "\"," TO
											    "},"
											    "{" FROM(
												    "\"requestPrincipals\":[\"haward:apikey/*\"]")
												    TO
		"}]");
	/* the same credential, twice */
	assert_rules(
		GET("[{oauth: [a], bearer: [b]}]"), "https://i",
		"[{" FROM("\"requestPrincipals\":[\"https://i/*\"]") "\"condition\":\"'a' in "
								     "scopes && 'b' in scopes\"," TO
								     "}]");
}

/* The document's own security counts where an operation has none; where nobody says any, nobody is granted anything. */
static void no_security_grants_nothing(void **state)
{
	(void)state;
	assert_rules(HEAD SCHEMES "security: [{mtls: []}]\npaths: {/a: {get: {}}}\n", NULL,
	             "[{" FROM("\"principals\":[\"*\"]") TO "}]");
	struct imported *i = import_text(HEAD "paths: {/a: {get: {}}}\n", NULL);
	assert_non_null(i->set);
	assert_int_equal(json_array_size(json_object_get(i->set, "policies")), 0);
	assert_int_equal(i->notes.n_notes, 1);
	assert_non_null(strstr(i->notes.notes[0].text, "/paths/~1a/get: no security is said"));
	free_imported(i);
}

static void servers_say_where(void **state)
{
	(void)state;
	static const struct {
		const char *yaml, *service, *operation;
	} rows[] = {
		{"", "\"paths\":[\"/{**}\"]", "\"paths\":[\"/a\"]"},
		{"servers: [{url: 'https://h:8443/v1/'}]\n",
	         "\"hosts\":[\"h\"],\"paths\":[\"/v1/{**}\"]", "\"paths\":[\"/v1/a\"]"},
		{"servers: [{url: /v1}]\n", "\"paths\":[\"/v1/{**}\"]", "\"paths\":[\"/v1/a\"]"},
		{"servers: [{url: 'https://a/v1'}, {url: 'https://b/v2'}, {url: 'https://a/v1'}]\n",
	         "\"hosts\":[\"a\",\"b\"],\"paths\":[\"/v1/{**}\",\"/v2/{**}\"]",
	         "\"paths\":[\"/v1/a\"],\"hosts\":[\"a\"]}},{\"operation\":{\"methods\":[\"GET\"],"
	         "\"paths\":[\"/v2/a\"],\"hosts\":[\"b\"]"},
		{"servers: [{url: 'https://{h}/{v}', variables: {h: {default: x}, v: {default: "
	         "v3}}}]\n",
	         "\"hosts\":[\"x\"],\"paths\":[\"/v3/{**}\"]", "\"paths\":[\"/v3/a\"]"},
	};
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		char yaml[1024], wanted[512];
		(void)snprintf(yaml, sizeof(yaml), HEAD "%spaths: {/a: {get: {security: []}}}\n",
		               rows[k].yaml);
		struct imported *i = import_text(yaml, NULL);
		assert_non_null(i->set);
		char *service = json_dumps(json_object_get(i->set, "services"), JSON_COMPACT);
		(void)snprintf(wanted, sizeof(wanted), "[{\"name\":\"my-shop\",%s}]",
		               rows[k].service);
		assert_string_equal(service ? service : "", wanted);
		free(service);
		free_imported(i);
		(void)snprintf(wanted, sizeof(wanted),
		               "[{\"to\":[{\"operation\":{\"methods\":[\"GET\"],%s}}]}]",
		               rows[k].operation);
		assert_rules(yaml, NULL, wanted);
	}
}

/* As in OpenAPI, text counts before a name, whatever methods it has. */
static void the_more_exact_path_counts(void **state)
{
	(void)state;
	assert_rules(HEAD "paths:\n  /a/{id}: {get: {security: []}}\n  /a/mine: {put: {security: "
	                  "[]}}\n  /a/{id}/x: {}\n  /{b}/{id}: {}\n",
	             NULL,
	             "[{\"to\":[{\"operation\":{\"methods\":[\"GET\"],\"paths\":[\"/a/{id}\"],"
	             "\"notPaths\":[\"/a/mine\"]}}]}]");
}

static void what_cannot_be_said_is_named(void **state)
{
	(void)state;
	static const struct {
		const char *yaml, *note;
	} rows[] = {
		{"swagger: '2.0'\n", "/: openapi: 3.0 or 3.1 is expected; this is Swagger"},
		{"[]\n", "/: openapi: 3.0 or 3.1"},
		{HEAD "paths: []\n", "/paths: an object of paths"},
		{HEAD "paths: {}\nx-a: 1\npath: {}\n", "/path: this is not understood"},
		{HEAD "paths: {/a: {query: {}}}\n", "/paths/~1a/query: this is not understood"},
		{HEAD "paths: {a: {get: {security: []}}}\n", "/paths/a: a path begins with '/'"},
		{HEAD "paths: {'/a.{b}': {get: {security: []}}}\n", "either text or one {name}"},
		{HEAD "paths: {'/a/*': {get: {security: []}}}\n", "/paths/~1a~1*: '*': no path"},
		{HEAD "paths: {'/{a}': {}, '/{b}': {}}\n", "/paths/~1{b}: '/{a}' is the same path"},
		{HEAD "paths: {/a: {$ref: 'b.yaml'}}\n", "/paths/~1a: $ref: only what stands"},
		{HEAD "paths: {/a: {$ref: '#/x'}}\n", "'#/x' is not in this document"},
		{HEAD "paths: {/a: {$ref: '#/paths/~1a'}}\n", "it leads in a circle"},
		{HEAD "servers: [{url: 'https://{a}'}]\npaths: {/a: {get: {security: []}}}\n",
	         "/servers/0: url: the variable 'a' has no default"},
		{HEAD "servers: [{url: 'https://h/{a'}]\npaths: {/a: {get: {security: []}}}\n",
	         "/servers/0: url: 'https://h/{a' has a brace without its other one"},
		{HEAD "servers: [{url: 'v1'}]\npaths: {/a: {get: {security: []}}}\n",
	         "is relative to where the document is"},
		{GET("[{nobody: []}]"), "/paths/~1a/get/security/0/nobody: there is no security"},
		{GET("[{oidc: r}]"), "a list of scopes is expected"},
		{GET("[{oidc: [7]}]"), "a scope is a text"},
		{GET("{oidc: []}"), "an array of requirements is expected"},
		{GET("[{cookie: []}]"), "/components/securitySchemes/cookie: in: an API key"},
		{GET("[{digest: []}]"), "'digest' is not spoken here"},
		{GET("[{far: []}]"), "$ref: only what stands in this document"},
		{GET("[{oidc: [], basic: []}]"), "two credentials of a user"},
		{GET("[{mtls: [admin]}]"), "are roles of the caller"},
	};
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct imported *i = import_text(rows[k].yaml, NULL);
		bool found = false;
		for (size_t n = 0; n < i->notes.n_notes; n++)
			found = found || (i->notes.notes[n].is_error &&
			                  strstr(i->notes.notes[n].text, rows[k].note));
		if (!found)
			print_error("%s: %s\n", rows[k].note,
			            i->notes.n_notes ? i->notes.notes[0].text : "(nothing)");
		assert_true(found);
		assert_null(i->set);
		free_imported(i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(security_becomes_who_may),
		cmocka_unit_test(no_security_grants_nothing),
		cmocka_unit_test(servers_say_where),
		cmocka_unit_test(the_more_exact_path_counts),
		cmocka_unit_test(what_cannot_be_said_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
