#include "admin/precondition.h"

#include "admin/call.h"
#include "admin/reply.h"

#include <stdio.h>

void etag_of_version(const struct state_version *version, char ret[static ETAG_BYTES])
{
	snprintf(ret, ETAG_BYTES, "\"%llu-%.24s\"", (unsigned long long)version->number,
	         version->digest);
}

void etag_of_draft(const struct state_draft *draft, char ret[static ETAG_BYTES])
{
	snprintf(ret, ETAG_BYTES, "\"draft-%llu-%.24s\"", (unsigned long long)draft->revision,
	         draft->digest);
}

static json_t *there_json(const struct there *there)
{
	if (!there->is_there)
		return json_null();
	json_t *json = json_pack("{s:s, s:s, s:o}", "etag", there->etag, "author", there->author,
	                         "time", json_time(there->at_us));
	if (json && there->version != 0)
		json_object_set_new(json, "version", json_u64(there->version));
	return json;
}

void precondition_lost(struct call *call, const struct there *there)
{
	if (there->is_there)
		reply_problem_with(call, PROBLEM_PRECONDITION_FAILED, "current", there_json(there),
		                   "What you saw is no longer what is there.");
	else
		reply_problem(call, PROBLEM_PRECONDITION_FAILED,
		              "What you saw is no longer there.");
}

bool precondition_holds(struct call *call, const struct there *there)
{
	struct sv match = sv_trim(call->header[HEADER_IF_MATCH]);
	struct sv none_match = sv_trim(call->header[HEADER_IF_NONE_MATCH]);
	if (match.n > 0 && none_match.n == 0 && !sv_eq(match, SVL("*"))) {
		if (there->is_there && sv_eq(match, sv_of(there->etag)))
			return true;
		precondition_lost(call, there);
		return false;
	}
	if (match.n == 0 && sv_eq(none_match, SVL("*"))) {
		if (!there->is_there)
			return true;
		precondition_lost(call, there);
		return false;
	}
	reply_problem(call, PROBLEM_PRECONDITION_REQUIRED,
	              there->is_there ? "Send the ETag of what you replace as If-Match."
	                              : "Nothing is there: send If-None-Match: * to make it.");
	return false;
}
