#include "admin/call.h"
#include "admin/documents.h"
#include "admin/handlers.h"
#include "admin/reply.h"

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
