#include "admin/acts.h"
#include "admin/ask.h"
#include "admin/call.h"
#include "admin/handlers.h"
#include "admin/reply.h"
#include "audit/export.h"
#include "core/encode.h"
#include "core/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORTS_MAX  8
#define BLOCK_BYTES  (64U * 1024)
#define BUFFER_BYTES (256U * 1024)

enum stream_state {
	STREAM_EMPTY = 0, /* nothing in the buffer, nobody at work */
	STREAM_FILLING,   /* a lane fills the buffer, the connection is suspended */
	STREAM_FULL,      /* bytes to send */
	STREAM_ENDED,     /* all is out */
	STREAM_BROKEN,
};

/* One export on its way out. A block is read on a lane, so that a question with few answers in millions of
 * events never holds up the HTTP thread. */
struct stream {
	struct lane_job job; /* first: the lane gives it back */
	struct admin *admin;
	struct call *
		call; /* NULL once the request is completed: MHD may keep the response a little longer */
	struct audit_export *export;
	enum stream_state state;
	bool recorded; /* the end is in the journal */
	size_t n, sent;
	char filter[256];
	uint8_t buffer[BUFFER_BYTES];
};

static void record_end(struct stream *stream, const char *result)
{
	struct audit_export_stats stats;
	char detail[160];
	char digest[65];
	audit_export_stats(stream->export, &stats);
	hex_encode((struct sv){(const char *)stats.sha256, sizeof(stats.sha256)}, digest);
	snprintf(detail, sizeof(detail), "rows=%llu bytes=%llu", (unsigned long long)stats.n_rows,
	         (unsigned long long)stats.n_bytes);
	bool ok = strcmp(result, "ok") == 0;
	acts_record(stream->call, &(struct act){.action = "export.end",
	                                        .target = sv_of(stream->filter),
	                                        .result = result,
	                                        .reason = ok ? NULL : "broken_off",
	                                        .after = ok ? sv_of(digest) : (struct sv){0},
	                                        .detail = sv_of(detail),
	                                        .status = 200});
	atomic_fetch_add_explicit(&stream->admin->counters[COUNT_EXPORT_ROWS], stats.n_rows,
	                          memory_order_relaxed);
	stream->recorded = true;
}

static void fill(struct lane_job *job)
{
	struct stream *stream = (struct stream *)job;
	ssize_t n = audit_export_fill(stream->export, stream->buffer, sizeof(stream->buffer));
	stream->sent = 0;
	stream->n = n > 0 ? (size_t)n : 0;
	if (n > 0)
		stream->state = STREAM_FULL;
	else
		stream->state = n == 0 ? STREAM_ENDED : STREAM_BROKEN;
	if (n < 0)
		log_event(LOG_ERROR, "admin_export_failed", "errno=%zd request=%s", -n,
		          stream->call->request_id);
	MHD_resume_connection(stream->call->conn);
}

static ssize_t send_block(struct stream *stream, char *buf, size_t max)
{
	size_t n = MIN_OF(max, stream->n - stream->sent);
	memcpy(buf, stream->buffer + stream->sent, n);
	stream->sent += n;
	if (stream->sent == stream->n)
		stream->state = STREAM_EMPTY;
	return (ssize_t)n;
}

/* Each stream has at most one job, and there are places for all of them: no place means the end. */
static ssize_t start_filling(struct stream *stream)
{
	if (atomic_load(&stream->admin->stopping) || !lane_take_place(stream->admin->export_lane)) {
		stream->state = STREAM_BROKEN;
		return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	stream->state = STREAM_FILLING;
	MHD_suspend_connection(stream->call->conn);
	lane_push(stream->admin->export_lane, &stream->job);
	return 0;
}

static ssize_t read_block(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct stream *stream = cls;
	(void)pos;
	switch (stream->state) {
	case STREAM_EMPTY:
		return start_filling(stream);
	case STREAM_FILLING:
		return 0;
	case STREAM_FULL:
		return send_block(stream, buf, max);
	case STREAM_ENDED:
		if (!stream->recorded)
			record_end(stream, "ok");
		return MHD_CONTENT_READER_END_OF_STREAM;
	case STREAM_BROKEN:
		break;
	}
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

/* The request is completed: the last moment at which the call can be named. */
static void stream_over(struct call *call)
{
	struct stream *stream = call->stream;
	if (!stream->recorded)
		record_end(stream, "failed");
	stream->call = NULL;
	call->stream = NULL;
}

static void free_stream(void *cls)
{
	struct stream *stream = cls;
	if (stream->call)
		stream_over(stream->call);
	audit_export_close(stream->export);
	atomic_fetch_sub(&stream->admin->n_exports, 1);
	free(stream);
}

static bool read_formula(struct call *call, bool *ret_raw)
{
	const struct sv *formula = target_param(&call->target, "formula");
	*ret_raw = formula && sv_eq(*formula, SVL("raw"));
	if (!formula || *ret_raw || sv_eq(*formula, SVL("safe")))
		return true;
	reply_problem(call, PROBLEM_INVALID_QUERY, "'formula' is safe or raw.");
	return false;
}

static bool take_export(struct call *call)
{
	if (atomic_fetch_add(&call->admin->n_exports, 1) < EXPORTS_MAX)
		return true;
	atomic_fetch_sub(&call->admin->n_exports, 1);
	reply_problem(call, PROBLEM_BUSY, "%d exports are under way already.", EXPORTS_MAX);
	reply_retry(call, 10);
	return false;
}

static struct stream *open_stream(struct call *call, const struct audit_export_options *options)
{
	struct audit_query_error error = {0};
	struct stream *stream = calloc(1, sizeof(*stream));
	int r = stream ? audit_export_open(call->admin->deps.store, options, &error,
	                                   &stream->export)
	               : -ENOMEM;
	if (r != 0) {
		free(stream);
		ask_refused(call, r, &error);
		return NULL;
	}
	stream->admin = call->admin;
	stream->call = call;
	call->stream = stream;
	call->stream_over = stream_over;
	stream->job.run = fill;
	snprintf(stream->filter, sizeof(stream->filter), "%.*s", SV_ARG(options->query.filter));
	return stream;
}

static void answer(struct call *call, struct stream *stream, const char *type, const char *suffix)
{
	reply_empty(call, 200);
	call->reply.response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES,
	                                                         read_block, stream, free_stream);
	if (!call->reply.response) {
		free_stream(stream);
		reply_error(call, -ENOMEM, "no memory for the export");
		return;
	}
	call->reply.type = type;
	reply_header(call, MHD_HTTP_HEADER_CONTENT_DISPOSITION,
	             "attachment; filename=\"haward-%s.%s\"", call->request_id, suffix);
	reply_header(call, "X-Export-Id", "%s", call->request_id);
	admin_count_up(call->admin, COUNT_EXPORTS);
}

static void export_rows(struct call *call, enum audit_format format, const char *type,
                        const char *suffix)
{
	struct ask ask = {0};
	struct audit_export_options options = {.format = format};
	if (!ask_read(call, &ask) || !read_formula(call, &options.raw_formulas) ||
	    !acts_ready(call) || !take_export(call))
		return;
	options.query = ask.options;
	struct stream *stream = open_stream(call, &options);
	if (!stream) {
		atomic_fetch_sub(&call->admin->n_exports, 1);
		return;
	}
	/* No audit, no data: what leaves is on record before its first byte. */
	if (acts_record(call, &(struct act){.action = "export.start",
	                                    .target = sv_of(stream->filter),
	                                    .result = "ok",
	                                    .detail = sv_of(suffix),
	                                    .status = 200}) != 0) {
		free_stream(stream);
		reply_problem(call, PROBLEM_UNAVAILABLE,
		              "audit_unavailable: the export could not be recorded.");
		return;
	}
	answer(call, stream, type, suffix);
}

void decisions_csv(struct call *call)
{
	export_rows(call, AUDIT_CSV, "text/csv; charset=utf-8; header=present", "csv");
}

void decisions_ndjson(struct call *call)
{
	export_rows(call, AUDIT_JSONL, "application/x-ndjson", "ndjson");
}
