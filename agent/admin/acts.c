#include "admin/acts.h"

#include "admin/call.h"
#include "admin/reply.h"
#include "audit/journal.h"
#include "core/log.h"
#include "state/roles.h"

#include <errno.h>

/* Room for what every thread here may be about to record. */
#define JOURNAL_RESERVE_BYTES (64U * 1024)

bool acts_ready(struct call *call)
{
	struct audit_journal_stats stats;
	audit_journal_stats(call->admin->deps.journal, &stats);
	if (stats.used_bytes + JOURNAL_RESERVE_BYTES <= stats.size_bytes)
		return true;
	reply_problem(call, PROBLEM_UNAVAILABLE,
	              "audit_unavailable: the act could not be recorded, so it is not done.");
	reply_retry(call, 5);
	return false;
}

static struct sv or_empty(const char *text)
{
	return text ? sv_of(text) : (struct sv){0};
}

int acts_record(struct call *call, const struct act *act)
{
	struct admin *admin = call->admin;
	char roles[ROLES_TEXT_BYTES];
	roles_text(call->caller.roles, roles);
	struct audit_act record = {
		.actor = call->caller.name[0] ? sv_of(call->caller.name) : act->actor,
		.roles = sv_of(roles),
		.channel = SV("api"),
		.action = sv_of(act->action),
		.target = act->target,
		.result = or_empty(act->result),
		.reason = or_empty(act->reason),
		.before = act->before,
		.after = act->after,
		.detail = act->detail,
		.request_id = sv_of(call->request_id),
		.src = call->caller.src,
		.status = (uint16_t)act->status,
	};
	pthread_mutex_lock(&admin->journal_lock);
	int r = audit_submit_admin(admin->deps.journal, &record);
	pthread_mutex_unlock(&admin->journal_lock);
	if (r != 0) {
		admin_count_up(admin, COUNT_ACTS_LOST);
		log_event(LOG_ERROR, "admin_act_lost", "action=%s errno=%d request=%s", act->action,
		          -r, call->request_id);
	}
	return r;
}

void acts_in_force(const struct call *call)
{
	const struct admin_hooks *hooks = &call->admin->deps.hooks;
	if (hooks->tables_changed)
		hooks->tables_changed(hooks->user);
}
