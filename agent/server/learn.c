#include "server/learn.h"

#include "audit/journal.h"
#include "authn/ask.h"
#include "authn/authn.h"
#include "core/clock.h"
#include "core/jsonload.h"
#include "policy/asks.h"
#include "policy/learner.h"
#include "policy/policy.h"
#include "spop/ack.h"

#include <jansson.h>

/* Nothing to learn is no failure; what should have been learned and was not is one. */
static void not_learned(struct conn_home *home, const struct spop_frame *frame,
                        const struct lesson *lesson, const char *why, struct outbuf *out)
{
	char room[EVENT_ID_TEXT_BYTES + 1];
	uint64_t n_left_out;
	spop_ack_recorded(out, frame->stream_id, frame->frame_id, false);
	if (!why)
		return;
	counter_add(&home->counters->n_not_learned, 1);
	if (log_pace_due(&home->unlearned, clock_mono_ns(), &n_left_out))
		log_event(LOG_WARNING, "relation_not_learned",
		          "event=%.*s cause=\"%s\" n_not_logged=%llu",
		          SV_ARG(event_id_text(&lesson->event, room)), why,
		          (unsigned long long)n_left_out);
}

static bool wait_for_it(struct conn_home *home, struct conn *conn, const struct spop_frame *frame,
                        const struct authn_ask *ask)
{
	struct parked *p = parking_add(&home->parking, conn, frame);
	if (p && home->options->asks &&
	    policy_asks_put(home->options->asks, home->policy, ask, home->mailbox) == 0) {
		p->is_lesson = true;
		parking_wait(p, ask->key);
		return true;
	}
	parked_free(p);
	return false;
}

void learn_frame(struct conn_home *home, struct conn *conn, const struct spop_frame *frame,
                 const struct lesson *lesson, struct outbuf *out)
{
	struct authn_ask ask;
	const char *why = "nothing is learned here";
	bool waits = home->policy && home->options->learner &&
	             learner_ask(home->options->learner, lesson,
	                         authn_serial(policy_authn(home->policy)), clock_real_us(),
	                         &home->arena, &ask, &why);
	if (waits) {
		why = "too many wait";
		waits = wait_for_it(home, conn, frame, &ask);
	}
	if (!waits)
		not_learned(home, frame, lesson, why, out);
	arena_reset(&home->arena);
}

static struct sv claim(const struct authn_answer *answer, const char *name)
{
	return json_string_sv(json_object_get(answer->claims, name));
}

void learn_answered(struct conn_home *home, const struct authn_answer *answer)
{
	const struct audit_act act = {
		.actor = claim(answer, LEARNER_POLICY),
		.channel = SV("system"),
		.action = SV("relation.learn"),
		.target = claim(answer, LEARNER_TUPLE),
		.result = answer->is_good ? SVL("ok") : SVL("failed"),
		.detail =
			SV("what the service answered to the event, by the policy that allowed it"),
		.request_id = claim(answer, LEARNER_EVENT)};
	counter_add(answer->is_good ? &home->counters->n_learned : &home->counters->n_not_learned,
	            1);
	if (audit_submit_admin(home->options->journal, &act) != 0)
		log_event(LOG_ERROR, "learned_relation_not_recorded", "event=%.*s",
		          SV_ARG(act.request_id));
}

void learn_parked(struct parked *p, struct outbuf *out)
{
	spop_ack_recorded(out, p->stream_id, p->frame_id, p->is_good && !p->late);
	parked_free(p);
}
