#include "policy/replay.h"

#include "audit/record.h"
#include "authz/authz.h"
#include "core/arena.h"
#include "policy/policy.h"
#include "policy/recorded.h"

const char *const replay_class_names[REPLAY_CLASS_COUNT] = {
	[REPLAY_CANNOT_TELL] = "cannot_tell",   [REPLAY_UNCHANGED] = "unchanged",
	[REPLAY_NEWLY_DENIED] = "newly_denied", [REPLAY_NEWLY_ALLOWED] = "newly_allowed",
	[REPLAY_OTHER_CHANGE] = "other_change", [REPLAY_NOT_JUDGED] = "not_judged",
};

enum { WAYS_MAX = 4 };

/* ---- what was decided by policies ---- */

static bool is_sent_to_provider(enum reason reason)
{
	return reason == REASON_LOGIN_REQUIRED || reason == REASON_STEP_UP_REQUIRED;
}

/* As authz_evaluate() says it: a login sends to its provider whom it would tell 401. */
static bool is_by_policies(const struct audit_record *record, enum verdict_effect *ret)
{
	static const enum reason reasons[] = {
		REASON_POLICY_ALLOWED,    REASON_DEFAULT_ALLOWED,  REASON_POLICY_DENIED,
		REASON_NO_POLICY_MATCHED, REASON_STEP_UP_REQUIRED, REASON_AUTHENTICATION_REQUIRED,
		REASON_UNKNOWN_SERVICE,   REASON_NO_SERVICE,       REASON_LOGIN_REQUIRED,
		REASON_RATE_LIMITED,      REASON_QUOTA_EXCEEDED,
	};
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (!sv_eq(record->reason, sv_of(reason_name(reasons[i]))))
			continue;
		*ret = is_sent_to_provider(reasons[i]) ? VERDICT_AUTHENTICATE
		       : reasons[i] == REASON_RATE_LIMITED || reasons[i] == REASON_QUOTA_EXCEEDED
		               ? VERDICT_ALLOW /* limits count what is allowed */
		               : record->effect;
		return true;
	}
	return false;
}

static void cannot_tell(struct replay_result *ret, const char *why)
{
	*ret = (struct replay_result){.class = REPLAY_CANNOT_TELL, .why = why};
}

/* ---- judging one way ---- */

static void judge_way(const struct policy *policy, const struct recorded *recorded,
                      const struct audit_record *record, unsigned way, struct arena *arena,
                      struct verdict *ret)
{
	struct authz_target target;
	struct request request = recorded->request;
	if (way & 1)
		request.service = (struct sv){0};
	if (!authz_locate(policy_authz(policy), &request, arena, &target, ret))
		return;
	target.now_s = (int64_t)(record->at_us / 1000000);
	target.unknown_grants = (way & 2) != 0;
	authz_evaluate(policy_authz(policy), &target, &request, &recorded->who, arena, ret);
}

/* Without a host a service can only have been named. */
static bool is_possible(const struct recorded *recorded, unsigned way)
{
	bool found = (way & 1) != 0;
	return !found || (recorded->request.service.n > 0 && recorded->request.host.n > 0);
}

static bool same(const struct verdict *a, const struct verdict *b)
{
	return a->effect == b->effect;
}

/* False: the ways differ, *why says in what. The verdict told is that of the first: named, and against. */
static bool judge_ways(const struct policy *policy, const struct recorded *recorded,
                       const struct audit_record *record, struct arena *arena,
                       struct replay_result *ret)
{
	for (unsigned way = 0; way < WAYS_MAX; way++) {
		struct verdict verdict;
		if (!is_possible(recorded, way))
			continue;
		judge_way(policy, recorded, record, way, arena, &verdict);
		if (verdict.reason == REASON_OVERLOADED) {
			cannot_tell(ret, "judging it takes more memory than a request may have");
			return false;
		}
		if (way == 0)
			ret->now = verdict;
		else if (!same(&verdict, &ret->now)) {
			cannot_tell(
				ret,
				way & 2 ? "it hangs on a claim, a header field or another thing "
					  "that the book does not keep"
					: "it hangs on whether HAProxy named the service");
			return false;
		}
	}
	return true;
}

static enum replay_class compare(enum verdict_effect before, enum verdict_effect now)
{
	if (before == now)
		return REPLAY_UNCHANGED;
	if (before == VERDICT_ALLOW)
		return REPLAY_NEWLY_DENIED;
	return now == VERDICT_ALLOW ? REPLAY_NEWLY_ALLOWED : REPLAY_OTHER_CHANGE;
}

void replay_judge(const struct policy *policy, const struct audit_record *record,
                  struct arena *arena, struct replay_result *ret)
{
	enum verdict_effect before;
	struct recorded recorded;
	if (!record->has_verdict || !is_by_policies(record, &before)) {
		*ret = (struct replay_result){.class = REPLAY_NOT_JUDGED,
		                              .why = "its verdict was not made by policies"};
		return;
	}
	if (record->cut) {
		cannot_tell(ret, "a text of it was too long to be kept whole");
		return;
	}
	if (!recorded_read(record, arena, &recorded)) {
		cannot_tell(ret, "judging it takes more memory than a request may have");
		return;
	}
	*ret = (struct replay_result){0};
	if (judge_ways(policy, &recorded, record, arena, ret))
		ret->class = compare(before, ret->now.effect);
	recorded_fini(&recorded);
}
