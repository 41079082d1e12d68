#include "admin/reply.h"

#include "admin/call.h"
#include "core/clock.h"
#include "core/diag.h"
#include "core/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DETAIL_BYTES 400

static const struct {
	const char *name;
	unsigned status;
	const char *title;
} problems[PROBLEM_COUNT] = {
	[PROBLEM_INTERNAL] = {"internal", 500, "Something went wrong inside"},
	[PROBLEM_INVALID_REQUEST] = {"invalid-request", 400, "The request cannot be understood"},
	[PROBLEM_INVALID_QUERY] = {"invalid-query", 400,
                                   "The filter or range cannot be understood"},
	[PROBLEM_INVALID_CURSOR] = {"invalid-cursor", 400,
                                    "The cursor does not belong to this question"},
	[PROBLEM_VALIDATION] = {"validation", 422, "The content is not valid"},
	[PROBLEM_UNAUTHENTICATED] = {"unauthenticated", 401, "Sign in first"},
	[PROBLEM_FORBIDDEN] = {"forbidden", 403, "The account may not do this"},
	[PROBLEM_CSRF] = {"csrf", 403, "The request does not come from the dashboard"},
	[PROBLEM_NOT_FOUND] = {"not-found", 404, "There is no such thing"},
	[PROBLEM_METHOD_NOT_ALLOWED] = {"method-not-allowed", 405,
                                        "The method does not apply here"},
	[PROBLEM_CONFLICT] = {"conflict", 409, "It does not fit what is there"},
	[PROBLEM_PRECONDITION_FAILED] = {"precondition-failed", 412, "Somebody else was faster"},
	[PROBLEM_PRECONDITION_REQUIRED] = {"precondition-required", 428,
                                           "Say what is being replaced"},
	[PROBLEM_TOO_LARGE] = {"too-large", 413, "The body is too large"},
	[PROBLEM_UNSUPPORTED_MEDIA_TYPE] = {"unsupported-media-type", 415, "The body must be JSON"},
	[PROBLEM_THROTTLED] = {"throttled", 429, "Too many tries"},
	[PROBLEM_BUSY] = {"busy", 503, "Too much to do right now"},
	[PROBLEM_UNAVAILABLE] = {"unavailable", 503, "Not available right now"},
};

/* source: webui.md 5.4, the tested set. HSTS belongs to whoever terminates TLS. */
static const struct {
	const char *name;
	const char *value;
} security_headers[] = {
	{"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
         "connect-src 'self'; "
         "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
         "require-trusted-types-for 'script'; trusted-types 'none'"},
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "no-referrer"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"X-Frame-Options", "DENY"},
	{"Permissions-Policy", "accelerometer=(), camera=(), display-capture=(), geolocation=(), "
                               "gyroscope=(), microphone=(), "
                               "payment=(), usb=()"},
};

const char *problem_name(enum problem problem)
{
	return (unsigned)problem < PROBLEM_COUNT ? problems[problem].name : "?";
}

void reply_clear(struct call *call)
{
	struct reply *reply = &call->reply;
	free(reply->body);
	if (reply->response)
		MHD_destroy_response(reply->response);
	for (size_t i = 0; i < reply->n_headers; i++)
		free(reply->headers[i].value);
	*reply = (struct reply){0};
}

void reply_text(struct call *call, unsigned status, const char *type, char *text, size_t n)
{
	reply_clear(call);
	call->reply.status = status;
	call->reply.type = type;
	call->reply.body = text;
	call->reply.n_body = n;
}

void reply_empty(struct call *call, unsigned status)
{
	reply_text(call, status, NULL, NULL, 0);
}

/* When even a problem document cannot be made: fixed text, no allocation. */
static void reply_bare(struct call *call)
{
	reply_empty(call, 500);
}

static void reply_dumped(struct call *call, unsigned status, const char *type, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (text)
		reply_text(call, status, type, text, strlen(text));
	else
		reply_bare(call);
}

void reply_json(struct call *call, unsigned status, json_t *json)
{
	reply_dumped(call, status, "application/json", json);
}

static json_t *problem_json(const struct call *call, enum problem problem, const char *detail)
{
	return json_pack("{s:s+, s:s, s:i, s:s, s:s+}", "type",
	                 "urn:haward:problem:", problems[problem].name, "title",
	                 problems[problem].title, "status", (int)problems[problem].status, "detail",
	                 detail, "instance", "urn:haward:request:", call->request_id);
}

void reply_problem_with(struct call *call, enum problem problem, const char *name, json_t *value,
                        const char *detail)
{
	json_t *json = problem_json(call, problem, detail);
	if (json && name)
		json_object_set_new(json, name, value);
	else
		json_decref(value);
	reply_dumped(call, problems[problem].status, "application/problem+json", json);
	call->reply.problem = problems[problem].name;
}

void reply_problem(struct call *call, enum problem problem, const char *format, ...)
{
	char detail[DETAIL_BYTES];
	va_list args;
	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	reply_problem_with(call, problem, NULL, NULL, detail);
}

json_t *diag_json(const struct diag *diag)
{
	json_t *errors = json_array();
	for (size_t i = 0; i < diag->n; i++) {
		const struct diag_item *item = &diag->items[i];
		json_array_append_new(errors,
		                      json_pack("{s:s, s:i, s:i, s:s, s:s}", "pointer",
		                                item->pointer ? item->pointer : "", "line",
		                                (int)item->line, "column", (int)item->column,
		                                "code", item->code, "message",
		                                item->message ? item->message : ""));
	}
	return errors;
}

void reply_invalid(struct call *call, const struct diag *diag, const char *detail)
{
	reply_problem_with(call, PROBLEM_VALIDATION, "errors", diag_json(diag), detail);
}

void reply_bad_input(struct call *call, const struct diag *diag)
{
	const struct diag_item *first = diag->n > 0 ? &diag->items[0] : NULL;
	char detail[DETAIL_BYTES];
	(void)snprintf(detail, sizeof(detail), "%s: %s.",
	               first && first->pointer ? first->pointer : "",
	               first && first->message ? first->message : "this is not acceptable");
	reply_problem_with(call, PROBLEM_INVALID_REQUEST, "errors", diag_json(diag), detail);
}

void reply_error(struct call *call, int error, const char *what)
{
	log_event(LOG_ERROR, "admin_failed", "what=%s errno=%d request=%s", what, -error,
	          call->request_id);
	if (error == -ENOSPC)
		reply_problem(call, PROBLEM_UNAVAILABLE, "No space left: %s.", what);
	else
		reply_problem(call, PROBLEM_INTERNAL,
		              "Not done: %s. The log has more under this request's id.", what);
}

void reply_header(struct call *call, const char *name, const char *format, ...)
{
	struct reply *reply = &call->reply;
	char *value = NULL;
	va_list args;
	va_start(args, format);
	int n = vasprintf(&value, format, args);
	va_end(args);
	if (n < 0)
		return;
	if (reply->n_headers == REPLY_HEADERS_MAX) {
		free(value);
		return;
	}
	reply->headers[reply->n_headers++] = (struct reply_header){name, value};
}

void reply_retry(struct call *call, unsigned seconds)
{
	reply_header(call, MHD_HTTP_HEADER_RETRY_AFTER, "%u", seconds);
}

/* A weak comparison: W/ is not counted (RFC 9110 13.1.2). */
static bool etag_listed(struct sv list, struct sv etag)
{
	while (list.n > 0) {
		size_t n = sv_find(list, ',');
		struct sv one = sv_trim(sv_first(list, n));
		list = sv_from(list, n + 1);
		if (sv_starts(one, SVL("W/")))
			one = sv_from(one, 2);
		if (sv_eq(one, etag) || sv_eq(one, SVL("*")))
			return true;
	}
	return false;
}

void reply_etag(struct call *call, const char *etag)
{
	bool is_get = strcmp(call->method, "GET") == 0;
	if (is_get && call->reply.status == 200 &&
	    etag_listed(call->header[HEADER_IF_NONE_MATCH], sv_of(etag))) {
		bool cacheable = call->reply.cacheable;
		reply_empty(call, 304);
		call->reply.cacheable = cacheable;
	}
	reply_header(call, MHD_HTTP_HEADER_ETAG, "%s", etag);
}

json_t *json_time(int64_t us)
{
	char text[CLOCK_TEXT_BYTES];
	if (us == 0)
		return json_null();
	return json_string(clock_format(us, text).at);
}

json_t *json_u64(uint64_t number)
{
	char text[24];
	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	return json_string(text);
}

json_t *json_sv(struct sv text)
{
	return text.n == 0 ? json_null() : json_stringn(text.at, text.n);
}

static struct MHD_Response *make_response(struct reply *reply)
{
	if (reply->response)
		return TAKE(reply->response);
	return MHD_create_response_from_buffer(reply->n_body, TAKE(reply->body),
	                                       MHD_RESPMEM_MUST_FREE);
}

static void add_headers(struct call *call, struct MHD_Response *response)
{
	const struct reply *reply = &call->reply;
	for (size_t i = 0; i < ARRAY_LEN(security_headers); i++)
		MHD_add_response_header(response, security_headers[i].name,
		                        security_headers[i].value);
	for (size_t i = 0; i < reply->n_headers; i++)
		MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
	if (reply->type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->type);
	if (!reply->cacheable)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	/* ours, unless an operation has to give back the caller's */
	if (!MHD_get_response_header(response, "X-Request-Id"))
		MHD_add_response_header(response, "X-Request-Id", call->request_id);
}

static void count_reply(struct call *call)
{
	if (call->reply.status >= 500)
		admin_count_up(call->admin, COUNT_FAILED);
	else if (call->reply.status >= 400)
		admin_count_up(call->admin, COUNT_REFUSED);
}

int reply_send(struct call *call)
{
	if (call->reply.status == 0)
		reply_problem(call, PROBLEM_INTERNAL, "The operation gave no answer.");
	count_reply(call);
	struct MHD_Response *response = make_response(&call->reply);
	if (!response)
		return MHD_NO;
	add_headers(call, response);
	/* A body that was not read to its end would be taken for the next request. */
	if (call->state == CALL_NEW &&
	    (call->header[HEADER_CONTENT_LENGTH].n || call->header[HEADER_TRANSFER_ENCODING].n))
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	call->state = CALL_SENT;
	int r = (int)MHD_queue_response(call->conn, call->reply.status, response);
	MHD_destroy_response(response);
	return r;
}
