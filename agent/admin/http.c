#include "admin/http.h"

#include "admin/acts.h"
#include "admin/call.h"
#include "admin/caller.h"
#include "admin/input.h"
#include "admin/reply.h"
#include "admin/router.h"
#include "admin/static.h"
#include "core/clock.h"
#include "core/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_SERVED  256 /* beyond: 503 from us */
#define CONNECTIONS_MAX     320 /* beyond: closed at once; MHD itself would let them hang */
#define IDLE_TIMEOUT_S      60U
#define HEADER_MEMORY_BYTES (64U * 1024)
#define BODY_FIRST_BYTES    4096

static const struct sv header_names[CALL_HEADER_COUNT] = {
	[HEADER_HOST] = SV("Host"),
	[HEADER_CONTENT_LENGTH] = SV("Content-Length"),
	[HEADER_TRANSFER_ENCODING] = SV("Transfer-Encoding"),
	[HEADER_CONTENT_TYPE] = SV("Content-Type"),
	[HEADER_COOKIE] = SV("Cookie"),
	[HEADER_CSRF] = SV("X-CSRF"),
	[HEADER_ORIGIN] = SV("Origin"),
	[HEADER_FETCH_SITE] = SV("Sec-Fetch-Site"),
	[HEADER_IF_MATCH] = SV("If-Match"),
	[HEADER_IF_NONE_MATCH] = SV("If-None-Match"),
	[HEADER_ACCEPT] = SV("Accept"),
	[HEADER_ACCEPT_ENCODING] = SV("Accept-Encoding"),
	[HEADER_AUTHORIZATION] = SV("Authorization"),
	[HEADER_FORWARDED_FOR] = SV("X-Forwarded-For"),
	[HEADER_USER_AGENT] = SV("User-Agent"),
	[HEADER_REQUEST_ID] = SV("X-Request-ID"),
};

/* What the walk over the header lines found out. */
struct header_walk {
	struct call *call;
	bool doubled;
};

static enum MHD_Result note_header(void *cls, enum MHD_ValueKind kind, const char *key,
                                   size_t n_key, const char *value, size_t n_value)
{
	struct header_walk *walk = cls;
	struct sv name = {key, n_key};
	(void)kind;
	for (size_t i = 0; i < CALL_HEADER_COUNT; i++) {
		struct sv *seen = &walk->call->header[i];
		if (!sv_eq_ci(name, header_names[i]))
			continue;
		walk->doubled |= seen->at != NULL;
		*seen = (struct sv){value ? value : "", value ? n_value : 0};
	}
	return MHD_YES;
}

/* MHD takes the first of two Content-Length, lets chunked win over a length, and waits for ever on a
 * coding it does not know: all of that is refused here (webui.md 4.3 measured it). */
static bool framing_ok(const struct call *call, unsigned long long *ret_length)
{
	struct sv coding = call->header[HEADER_TRANSFER_ENCODING];
	struct sv length = call->header[HEADER_CONTENT_LENGTH];
	*ret_length = 0;
	if (coding.at)
		return !length.at && sv_eq_ci(coding, SVL("chunked"));
	return !length.at || sv_to_u64(length, ret_length);
}

static bool is_json(struct sv type)
{
	struct sv media = sv_trim(sv_first(type, sv_find(type, ';')));
	return sv_eq_ci(media, SVL("application/json"));
}

static bool is_unsafe(const char *method)
{
	return strcmp(method, "GET") != 0;
}

/* Each check_ returns true to go on; on false the reply is set. */

static bool check_headers(struct call *call, unsigned long long *ret_length)
{
	struct header_walk walk = {.call = call};
	MHD_get_connection_values_n(call->conn, MHD_HEADER_KIND, note_header, &walk);
	if (walk.doubled) {
		reply_problem(call, PROBLEM_INVALID_REQUEST,
		              "A header that may stand once stands twice.");
		return false;
	}
	if (!framing_ok(call, ret_length)) {
		reply_problem(call, PROBLEM_INVALID_REQUEST,
		              "The length of the body is not clear.");
		return false;
	}
	if (!call->target_ok) {
		reply_problem(call, PROBLEM_INVALID_REQUEST,
		              "The request target is not well formed.");
		return false;
	}
	if (!caller_host_ok(call)) {
		reply_problem(call, PROBLEM_INVALID_REQUEST,
		              "This Host is not served; admin.allowed_hosts and admin.public_url "
		              "say which are.");
		return false;
	}
	return true;
}

static bool check_room(struct call *call)
{
	if (atomic_load_explicit(&call->admin->n_connections, memory_order_relaxed) <=
	    CONNECTIONS_SERVED)
		return true;
	reply_problem(call, PROBLEM_BUSY, "Too many connections.");
	reply_retry(call, 5);
	reply_header(call, MHD_HTTP_HEADER_CONNECTION, "close");
	return false;
}

static bool check_route(struct call *call)
{
	char allow[64];
	call->route =
		route_find(call->method, call->target.path, &call->param, allow, sizeof(allow));
	if (call->route)
		return true;
	if (allow[0]) {
		reply_problem(call, PROBLEM_METHOD_NOT_ALLOWED, "Allowed here: %s.", allow);
		reply_header(call, MHD_HTTP_HEADER_ALLOW, "%s", allow);
	} else {
		static_serve(call);
	}
	return false;
}

static void record_denial(struct call *call, const char *reason)
{
	char target[96];
	snprintf(target, sizeof(target), "%s %s", call->route->method, call->route->path);
	acts_record(call, &(struct act){.action = "access.deny",
	                                .target = sv_of(target),
	                                .result = "denied",
	                                .reason = reason,
	                                .status = call->reply.status});
}

static bool check_caller(struct call *call)
{
	int r = caller_identify(call);
	if (r != 0) {
		reply_error(call, r, "the session could not be read");
		return false;
	}
	if (route_allows(call->route, call->caller.roles))
		return true;
	if (call->caller.name[0] == '\0') {
		reply_problem(call, PROBLEM_UNAUTHENTICATED,
		              "There is no session, or it has ended.");
		return false;
	}
	reply_problem(call, PROBLEM_FORBIDDEN, "The account's roles do not include this.");
	record_denial(call, "forbidden");
	return false;
}

static bool check_csrf(struct call *call)
{
	if (!is_unsafe(call->method))
		return true;
	bool is_public = call->route->role == ROUTE_PUBLIC;
	if (is_public ? caller_same_origin(call) : caller_csrf_ok(call))
		return true;
	reply_problem(
		call, PROBLEM_CSRF,
		is_public ? "The request comes from another site."
			  : "X-CSRF is missing or wrong, or the request comes from another site.");
	if (!is_public)
		record_denial(call, "csrf");
	return false;
}

static bool check_body(struct call *call, unsigned long long length)
{
	const struct route *route = call->route;
	bool has_body = length > 0 || call->header[HEADER_TRANSFER_ENCODING].at;
	if (route->body_max == 0 && has_body) {
		reply_problem(call, PROBLEM_INVALID_REQUEST, "This operation takes no body.");
		return false;
	}
	if (route->body_max > 0 && !is_json(call->header[HEADER_CONTENT_TYPE])) {
		reply_problem(call, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
		              "Content-Type must be application/json.");
		return false;
	}
	if (length > route->body_max) {
		reply_problem(call, PROBLEM_TOO_LARGE, "At most %zu bytes.", route->body_max);
		return false;
	}
	return true;
}

static bool check_params(struct call *call)
{
	for (size_t i = 0; i < call->target.n_params; i++) {
		struct sv name = call->target.params[i].name;
		if (name.n > 0 && word_listed(call->route->params, name))
			continue;
		reply_problem(call, PROBLEM_INVALID_REQUEST, "Unknown query parameter '%.*s'.",
		              (int)(name.n < 64 ? name.n : 64), name.at ? name.at : "");
		return false;
	}
	return true;
}

static bool accept_call(struct call *call)
{
	unsigned long long length;
	return check_headers(call, &length) && check_room(call) && check_route(call) &&
	       check_caller(call) && check_csrf(call) && check_body(call, length) &&
	       check_params(call);
}

static enum MHD_Result begin(struct call *call, const char *method)
{
	call->method = strcmp(method, "HEAD") == 0 ? "GET" : method;
	call->now_us = clock_real_us();
	admin_count_up(call->admin, COUNT_REQUESTS);
	caller_address(call);
	if (!accept_call(call))
		return (enum MHD_Result)reply_send(call);
	call->state = CALL_BODY;
	return MHD_YES;
}

/* MHD can only answer once the body is in, so one that is too long is read on and dropped, but not for
 * ever. */
static enum MHD_Result take_body(struct call *call, const char *data, size_t *n)
{
	size_t max = call->route->body_max;
	size_t n_all = call->n_body + *n;
	if (n_all > max) {
		call->body_too_large = true;
		call->n_body = n_all;
		*n = 0;
		return n_all > 2 * max ? MHD_NO : MHD_YES;
	}
	if (n_all > call->body_room) {
		size_t room = call->body_room ? call->body_room : BODY_FIRST_BYTES;
		while (room < n_all)
			room *= 2;
		char *body = realloc(call->body, room);
		if (!body)
			return MHD_NO;
		call->body = body;
		call->body_room = room;
	}
	memcpy(call->body + call->n_body, data, *n);
	call->n_body = n_all;
	*n = 0;
	return MHD_YES;
}

static void run_on_lane(struct lane_job *job)
{
	struct call *call = (struct call *)job;
	call->route->handler(call);
	call->state = CALL_DONE;
	MHD_resume_connection(call->conn); /* from here on the call belongs to the HTTP thread */
}

static enum MHD_Result hand_over(struct call *call, struct lane *lane)
{
	if (atomic_load(&call->admin->stopping) || !lane_take_place(lane)) {
		reply_problem(call, PROBLEM_BUSY, "Too much is in work.");
		reply_retry(call, 1);
		return (enum MHD_Result)reply_send(call);
	}
	call->state = CALL_WORKING;
	call->job.run = run_on_lane;
	MHD_suspend_connection(call->conn);
	lane_push(lane, &call->job);
	return MHD_YES;
}

static enum MHD_Result work(struct call *call)
{
	if (call->body_too_large) {
		reply_problem(call, PROBLEM_TOO_LARGE, "At most %zu bytes.", call->route->body_max);
		return (enum MHD_Result)reply_send(call);
	}
	switch (call->route->lane) {
	case ROUTE_WORK:
		return hand_over(call, call->admin->work_lane);
	case ROUTE_HASH:
		return hand_over(call, call->admin->hash_lane);
	case ROUTE_INLINE:
		break;
	}
	call->route->handler(call);
	return (enum MHD_Result)reply_send(call);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *n_data, void **con_cls)
{
	struct call *call = *con_cls;
	(void)cls, (void)conn, (void)url, (void)version;
	if (!call)
		return MHD_NO;
	switch (call->state) {
	case CALL_NEW:
		return begin(call, method);
	case CALL_BODY:
		return *n_data > 0 ? take_body(call, data, n_data) : work(call);
	case CALL_WORKING:
		return MHD_YES;
	case CALL_DONE:
		return (enum MHD_Result)reply_send(call);
	case CALL_SENT:
		break;
	}
	return MHD_NO;
}

/* The only place where MHD shows the target as it came: afterwards %00 has ended the string. */
static void *on_target(void *cls, const char *uri, struct MHD_Connection *conn)
{
	struct admin *admin = cls;
	struct event_id id;
	struct call *call = calloc(1, sizeof(*call));
	if (!call)
		return NULL;
	call->raw = strdup(uri);
	if (!call->raw || !event_id_next(&admin->ids, clock_real_us(), &id)) {
		free(call->raw);
		free(call);
		return NULL;
	}
	call->admin = admin;
	call->conn = conn;
	event_id_text(&id, call->request_id);
	call->target_ok = target_parse(call->raw, strlen(call->raw), &call->target);
	return call;
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **con_cls,
                         enum MHD_RequestTerminationCode code)
{
	struct call *call = *con_cls;
	(void)cls, (void)conn, (void)code;
	if (!call)
		return;
	*con_cls = NULL;
	if (call->stream)
		call->stream_over(call);
	reply_clear(call);
	json_decref(call->input);
	if (call->body)
		explicit_bzero(call->body, call->body_room); /* it may hold a password */
	free(call->body);
	free(call->raw);
	explicit_bzero(call, sizeof(*call));
	free(call);
}

static void on_connection(void *cls, struct MHD_Connection *conn, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
	struct admin *admin = cls;
	(void)conn, (void)socket_context;
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		atomic_fetch_add_explicit(&admin->n_connections, 1, memory_order_relaxed);
	else
		atomic_fetch_sub_explicit(&admin->n_connections, 1, memory_order_relaxed);
}

static enum MHD_Result on_accept(void *cls, const struct sockaddr *addr, socklen_t n_addr)
{
	struct admin *admin = cls;
	(void)addr, (void)n_addr;
	return atomic_load_explicit(&admin->n_connections, memory_order_relaxed) < CONNECTIONS_MAX
	               ? MHD_YES
	               : MHD_NO;
}

static void on_log(void *cls, const char *format, va_list args) PRINTF_LIKE(2, 0);

static void on_log(void *cls, const char *format, va_list args)
{
	char text[LOG_QUOTED_BYTES];
	char quoted[LOG_QUOTED_BYTES];
	(void)cls;
	vsnprintf(text, sizeof(text), format, args);
	log_event(LOG_DEBUGGING, "admin_http", "text=%s", log_quote(sv_of(text), quoted));
}

int http_start(struct admin *admin)
{
	errno = 0;
	admin->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
		on_accept, admin, on_request, admin, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, admin->listen_fd, MHD_OPTION_URI_LOG_CALLBACK, on_target,
		admin, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, admin, MHD_OPTION_CONNECTION_LIMIT,
		2U * CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_MEMORY_BYTES,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (!admin->daemon)
		return errno ? -errno : -EIO;
	admin->listen_fd = -1; /* MHD closes it */
	return 0;
}

void http_stop(struct admin *admin)
{
	if (admin->daemon)
		MHD_stop_daemon(TAKE(admin->daemon));
}
