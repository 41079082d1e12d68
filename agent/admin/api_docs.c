#include "admin/call.h"
#include "admin/documents.h"
#include "admin/handlers.h"
#include "admin/reply.h"
#include "authz/cel/function.h"
#include "authz/expression.h"

#include <errno.h>
#include <string.h>

static void serve(struct call *call, const uint8_t *at, const uint8_t *end)
{
	void *bytes;
	memcpy(&bytes, &at,
	       sizeof(bytes)); /* MHD's buffer is not const, but a persistent one is only read */
	reply_empty(call, 200);
	call->reply.type = "application/json";
	call->reply.response =
		MHD_create_response_from_buffer((size_t)(end - at), bytes, MHD_RESPMEM_PERSISTENT);
	if (!call->reply.response)
		reply_error(call, -ENOMEM, "no memory for the answer");
}

void openapi_show(struct call *call)
{
	serve(call, document_openapi, document_openapi_end);
}

void policy_schema_show(struct call *call)
{
	serve(call, document_policy_schema, document_policy_schema_end);
}

/* ---- what conditions may say, out of the tables that judge them ---- */

static json_t *names_json(void)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < n_authz_names; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s}", "name", authz_names[i].name, "type",
		                        authz_names[i].type, "does", authz_names[i].does));
	return list;
}

static void add_functions(json_t *list, const struct cel_functions *group)
{
	for (size_t i = 0; i < group->n; i++) {
		const struct cel_function *row = &group->at[i];
		if (row->style == CEL_OPERATOR)
			continue;
		json_array_append_new(list,
		                      json_pack("{s:s, s:s, s:s, s:s, s:b}", "name", row->name,
		                                "args", row->args, "result", row->result, "does",
		                                row->does, "receiver", row->style == CEL_RECEIVER));
	}
}

void conditions_show(struct call *call)
{
	json_t *functions = json_array();
	for (size_t i = 0; cel_function_groups[i]; i++)
		add_functions(functions, cel_function_groups[i]);
	reply_json(call, 200,
	           json_pack("{s:o, s:o}", "names", names_json(), "functions", functions));
}
