#include "admin/ask.h"

#include "admin/acts.h"
#include "admin/call.h"
#include "admin/mask.h"
#include "admin/reply.h"
#include "state/roles.h"

#include <errno.h>

static struct sv param(const struct call *call, const char *name)
{
	const struct sv *value = target_param(&call->target, name);
	return value ? *value : (struct sv){0};
}

static bool read_time(struct call *call, const char *name, uint64_t *ret)
{
	struct sv text = param(call, name);
	if (text.n == 0 || audit_time_parse(text, call->now_us, ret) == 0)
		return true;
	reply_problem(call, PROBLEM_INVALID_QUERY, "'%s' is no time: RFC 3339, now, or now-15m.",
	              name);
	return false;
}

static bool read_order(struct call *call, bool *ret_oldest_first)
{
	struct sv order = param(call, "order");
	*ret_oldest_first = sv_eq(order, SVL("asc"));
	if (order.n == 0 || *ret_oldest_first || sv_eq(order, SVL("desc")))
		return true;
	reply_problem(call, PROBLEM_INVALID_QUERY, "'order' is asc or desc.");
	return false;
}

static bool read_limit(struct call *call, unsigned *ret)
{
	struct sv text = param(call, "limit");
	unsigned long long limit = 100;
	if (text.n > 0 && (!sv_to_u64(text, &limit) || limit < 1 || limit > AUDIT_PAGE_MAX)) {
		reply_problem(call, PROBLEM_INVALID_QUERY, "'limit' is 1 to %d.", AUDIT_PAGE_MAX);
		return false;
	}
	*ret = (unsigned)limit;
	return true;
}

bool ask_sees_people(const struct call *call)
{
	return call->caller.roles & ROLE_AUDITOR;
}

bool ask_read(struct call *call, struct ask *ret)
{
	struct audit_query_options *options = &ret->options;
	options->hidden = ask_sees_people(call) ? 0 : AUDIT_KIND_BIT(AUDIT_ADMIN);
	options->filter = param(call, "q");
	options->cursor = param(call, "cursor");
	if (!call->admin->deps.store) {
		reply_problem(call, PROBLEM_UNAVAILABLE, "The book is not open.");
		return false;
	}
	return read_time(call, "from", &options->from_us) &&
	       read_time(call, "to", &options->to_us) && read_order(call, &options->oldest_first) &&
	       read_limit(call, &options->limit);
}

void ask_refused(struct call *call, int r, const struct audit_query_error *error)
{
	if (r != -EINVAL) {
		reply_error(call, r, "the book could not be read");
		return;
	}
	enum problem problem = sv_eq(sv_of(error->code), SVL("invalid_cursor"))
	                               ? PROBLEM_INVALID_CURSOR
	                               : PROBLEM_INVALID_QUERY;
	json_t *item =
		json_pack("{s:s, s:i, s:i, s:s, s:s}", "pointer", "/q", "line",
	                  error->column ? 1 : 0, "column", (int)error->column, "code",
	                  error->code ? error->code : "invalid_query", "message", error->message);
	reply_problem_with(call, problem, "errors", json_pack("[o]", item), error->message);
}

bool ask_open(struct call *call, struct ask *ask)
{
	struct audit_query_error error = {0};
	int r = audit_query_open(call->admin->deps.store, &ask->options, &error, &ask->query);
	if (r != 0)
		ask_refused(call, r, &error);
	return r == 0;
}

bool ask_allowed(struct call *call, const struct ask *ask, const char *action)
{
	struct sv filter = audit_query_text(ask->query);
	if (mask_filter_ok(filter))
		return true;
	if (!ask_sees_people(call)) {
		reply_problem(call, PROBLEM_FORBIDDEN,
		              "Filters on people and addresses need the role auditor.");
		return false;
	}
	if (ask->options.cursor.n > 0)
		return true;
	if (!acts_ready(call))
		return false;
	int r = acts_record(
		call,
		&(struct act){.action = action, .target = filter, .result = "ok", .status = 200});
	if (r != 0)
		reply_problem(call, PROBLEM_UNAVAILABLE,
		              "audit_unavailable: the search could not be recorded.");
	return r == 0;
}

void ask_close(struct ask *ask)
{
	audit_query_close(ask->query);
}
