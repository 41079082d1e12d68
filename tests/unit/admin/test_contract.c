#include "admin/reply.h"
#include "admin/router.h"
#include "core/fileio.h"
#include "core/jsonload.h"
#include "state/roles.h"
#include "support/cmocka_prelude.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METHOD_BYTES 8

/* schema/openapi.json, which the code has to be equal to. */
static json_t *document;

static int load(void **state)
{
	(void)state;
	char path[512];
	char *text = NULL;
	size_t n = 0;
	const char *root = getenv("HAWARD_SOURCE_DIR");
	snprintf(path, sizeof(path), "%s/schema/openapi.json", root ? root : ".");
	assert_int_equal(file_read(path, 1 << 20, &text, &n), 0);
	document = json_load_strict((struct sv){text, n}, 0, NULL);
	free(text);
	return document ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	json_decref(document);
	return 0;
}

static const char *role_text(uint32_t wanted)
{
	const char *name;
	uint32_t role;
	if (wanted == ROUTE_PUBLIC)
		return "public";
	for (size_t i = 0; (name = role_name(i, &role)); i++)
		if (role == wanted)
			return name;
	return "nobody";
}

static const json_t *resolve(const json_t *value)
{
	const char *ref = json_string_value(json_object_get(value, "$ref"));
	if (!ref)
		return value;
	struct sv rest = sv_from(sv_of(ref), 2);
	const json_t *at = document;
	struct sv part;
	while (sv_cut(&rest, '/', &part)) {
		char name[64];
		snprintf(name, sizeof(name), "%.*s", SV_ARG(part));
		at = json_object_get(at, name);
	}
	assert_non_null(at);
	return at;
}

static bool word_in(const char *list, const char *word)
{
	struct sv rest = sv_of(list);
	struct sv part;
	while (list && sv_cut(&rest, ' ', &part))
		if (sv_eq(part, sv_of(word)))
			return true;
	return false;
}

static size_t words(const char *list)
{
	struct sv rest = sv_of(list);
	struct sv part;
	size_t n = 0;
	while (list && sv_cut(&rest, ' ', &part))
		n++;
	return n;
}

static void same_params(const struct route *route, const json_t *operation)
{
	size_t n = 0;
	size_t i;
	const json_t *item;
	json_array_foreach(json_object_get(operation, "parameters"), i, item)
	{
		const json_t *param = resolve(item);
		if (strcmp(json_string_value(json_object_get(param, "in")), "query") != 0)
			continue;
		n++;
		if (!word_in(route->params, json_string_value(json_object_get(param, "name"))))
			fail_msg("%s %s does not take %s", route->method, route->path,
			         json_string_value(json_object_get(param, "name")));
	}
	assert_int_equal(n, words(route->params));
}

static void same_members(const struct route *route, const json_t *operation)
{
	const json_t *body = json_object_get(operation, "requestBody");
	const char *name;
	json_t *schema;
	assert_int_equal(body != NULL, route->members != NULL);
	assert_int_equal(body != NULL, route->body_max > 0);
	if (!body)
		return;
	schema = json_object_get(
		json_object_get(json_object_get(body, "content"), "application/json"), "schema");
	const json_t *properties = json_object_get(resolve(schema), "properties");
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)properties, name,
	                    value) if (!word_in(route->members, name))
		fail_msg("%s %s does not take the member %s", route->method, route->path, name);
	assert_int_equal(json_object_size(properties), words(route->members));
}

static const json_t *operation_of(const struct route *route)
{
	char method[METHOD_BYTES] = "";
	for (size_t i = 0; route->method[i] && i + 1 < sizeof(method); i++)
		method[i] = sv_lower_char(route->method[i]);
	return json_object_get(json_object_get(json_object_get(document, "paths"), route->path),
	                       method);
}

static void every_route_is_documented_with_its_role_and_input(void **state)
{
	(void)state;
	const struct route *route;
	for (size_t i = 0; (route = route_at(i)); i++) {
		const json_t *operation = operation_of(route);
		if (!operation)
			fail_msg("%s %s is not in openapi.json", route->method, route->path);
		assert_string_equal(role_text(route->role),
		                    json_string_value(json_object_get(operation, "x-role")));
		same_params(route, operation);
		same_members(route, operation);
	}
}

static void every_operation_has_a_route(void **state)
{
	(void)state;
	const char *path;
	const char *method;
	json_t *item;
	json_t *operation;
	size_t n_operations = 0;
	size_t n_routes = 0;
	json_object_foreach(json_object_get(document, "paths"), path, item)
		json_object_foreach(item, method, operation) n_operations++;
	while (route_at(n_routes))
		n_routes++;
	assert_int_equal(n_operations, n_routes);
}

static void problem_types_are_the_documented_ones(void **state)
{
	(void)state;
	const json_t *types = json_object_get(
		json_object_get(json_object_get(json_object_get(document, "components"), "schemas"),
	                        "ProblemType"),
		"enum");
	for (unsigned i = 0; i < PROBLEM_COUNT; i++) {
		char type[64];
		bool there = false;
		size_t at;
		const json_t *value;
		snprintf(type, sizeof(type), "urn:haward:problem:%s",
		         problem_name((enum problem)i));
		json_array_foreach(types, at, value) there |=
			strcmp(json_string_value(value), type) == 0;
		if (!there)
			fail_msg("%s is not in ProblemType", type);
	}
}

static void a_row_without_a_role_lets_nobody_in(void **state)
{
	(void)state;
	const struct route nobody = {.method = "GET", .path = "/x"};
	const struct route odd = {.method = "GET", .path = "/x", .role = 1U << 20};
	assert_false(route_allows(&nobody, ROLES_ALL));
	assert_false(route_allows(&odd, UINT32_MAX));
	const struct route *route;
	for (size_t i = 0; (route = route_at(i)); i++)
		assert_int_equal(route_allows(route, ROLE_NOBODY), route->role == ROUTE_PUBLIC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_route_is_documented_with_its_role_and_input),
		cmocka_unit_test(every_operation_has_a_route),
		cmocka_unit_test(problem_types_are_the_documented_ones),
		cmocka_unit_test(a_row_without_a_role_lets_nobody_in),
	};
	return cmocka_run_group_tests_name("admin/contract", tests, load, unload);
}
