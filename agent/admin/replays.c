#include "admin/replays.h"

#include "admin/lane.h"
#include "core/clock.h"
#include "core/encode.h"
#include "core/log.h"
#include "policy/policy.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

const char *const replay_state_names[REPLAY_STATE_COUNT] = {
	[REPLAY_WAITING] = "waiting",     [REPLAY_RUNNING] = "running", [REPLAY_DONE] = "done",
	[REPLAY_CANCELLED] = "cancelled", [REPLAY_FAILED] = "failed",
};

struct replay {
	struct lane_job job; /* first: the lane gives it back */
	struct replays *of;
	struct replay_shown shown; /* under the lock */
	bool is_unwanted;          /* under the lock */
	struct policy *policy;     /* the job's own; NULL once it has ended */
	struct replay_run *run;    /* likewise */
};

struct replays {
	struct audit_store *store;
	struct lane *lane;
	pthread_mutex_t lock;
	struct event_ids ids;
	struct replay *kept[REPLAYS_KEPT]; /* the newest first */
	size_t n_kept;
	bool is_ending;
};

void replay_shown_fini(struct replay_shown *shown)
{
	free(shown->filter);
	json_decref(shown->report);
	*shown = (struct replay_shown){0};
}

static bool has_ended(const struct replay *replay)
{
	return replay->shown.state >= REPLAY_DONE;
}

static void free_replay(struct replay *replay)
{
	replay_run_close(replay->run);
	policy_unref(replay->policy);
	replay_shown_fini(&replay->shown);
	free(replay);
}

int replays_start(struct audit_store *store, struct replays **ret)
{
	struct replays *replays = calloc(1, sizeof(*replays));
	if (!replays)
		return -ENOMEM;
	replays->store = store;
	pthread_mutex_init(&replays->lock, NULL);
	int r = lane_start(1, REPLAYS_KEPT, &replays->lane);
	if (r == 0)
		*ret = replays;
	else
		replays_stop(replays);
	return r;
}

void replays_stop(struct replays *replays)
{
	if (!replays)
		return;
	pthread_mutex_lock(&replays->lock);
	replays->is_ending = true;
	pthread_mutex_unlock(&replays->lock);
	lane_stop(replays->lane);
	for (size_t i = 0; i < replays->n_kept; i++)
		free_replay(replays->kept[i]);
	pthread_mutex_destroy(&replays->lock);
	free(replays);
}

/* ---- the job ---- */

/* Tells how far it is; false: it is not wanted any more. */
static bool report_progress(struct replay *replay)
{
	struct replays *of = replay->of;
	pthread_mutex_lock(&of->lock);
	replay->shown.state = REPLAY_RUNNING;
	replay_run_progress(replay->run, &replay->shown.progress);
	bool goes_on = !replay->is_unwanted && !of->is_ending;
	pthread_mutex_unlock(&of->lock);
	return goes_on;
}

static void end(struct replay *replay, enum replay_state state, json_t *report)
{
	struct replays *of = replay->of;
	replay_run_close(replay->run);
	policy_unref(replay->policy);
	pthread_mutex_lock(&of->lock);
	replay->run = NULL;
	replay->policy = NULL;
	replay->shown.state = state;
	replay->shown.report = report;
	replay->shown.ended_at_us = clock_real_us();
	pthread_mutex_unlock(&of->lock);
}

static void run(struct lane_job *job)
{
	struct replay *replay = (struct replay *)job;
	int r = 1;
	while (report_progress(replay) && r > 0)
		r = replay_run_step(replay->run);
	json_t *report = r == 0 ? replay_run_report(replay->run) : NULL;
	if (report) {
		end(replay, REPLAY_DONE, report);
	} else if (r > 0) {
		end(replay, REPLAY_CANCELLED, NULL);
	} else {
		log_event(LOG_ERROR, "replay_failed", "id=%s error=\"%s\"", replay->shown.id,
		          strerrordesc_np(r ? -r : ENOMEM));
		end(replay, REPLAY_FAILED, NULL);
	}
}

/* ---- asking for one ---- */

static struct replay *new_replay(struct replays *replays, const struct replay_wish *wish)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	if (!replay)
		return NULL;
	struct replay_shown *shown = &replay->shown;
	replay->job.run = run;
	replay->of = replays;
	shown->version = wish->version;
	shown->asked_at_us = clock_real_us();
	shown->options = wish->options;
	memcpy(shown->author, wish->author, sizeof(shown->author));
	hex_encode((struct sv){(const char *)policy_digest(wish->policy), SHA256_BYTES},
	           shown->digest);
	shown->filter = strndup(wish->options.filter.n ? wish->options.filter.at : "",
	                        wish->options.filter.n);
	shown->options.filter = sv_of(shown->filter);
	if (shown->filter)
		return replay;
	free(replay);
	return NULL;
}

/* The oldest that has ended makes room. False: none has. */
static bool make_room(struct replays *replays)
{
	for (size_t i = replays->n_kept; replays->n_kept == REPLAYS_KEPT && i > 0; i--) {
		if (!has_ended(replays->kept[i - 1]))
			continue;
		free_replay(replays->kept[i - 1]);
		memmove(&replays->kept[i - 1], &replays->kept[i],
		        (replays->n_kept - i) * sizeof(struct replay *));
		replays->n_kept--;
	}
	return replays->n_kept < REPLAYS_KEPT;
}

/* Under the lock. A place that is taken on the lane has to be used, so that it comes last. */
static int keep(struct replays *replays, struct replay *replay)
{
	struct event_id id;
	if (!make_room(replays))
		return -EBUSY;
	if (!event_id_next(&replays->ids, replay->shown.asked_at_us, &id))
		return -EIO;
	if (!lane_take_place(replays->lane))
		return -EBUSY;
	(void)event_id_text(&id, replay->shown.id);
	memmove(&replays->kept[1], &replays->kept[0], replays->n_kept * sizeof(struct replay *));
	replays->kept[0] = replay;
	replays->n_kept++;
	return 0;
}

int replays_add(struct replays *replays, const struct replay_wish *wish,
                struct audit_query_error *error, char ret_id[EVENT_ID_TEXT_BYTES + 1])
{
	struct replay *replay = new_replay(replays, wish);
	if (!replay)
		return -ENOMEM;
	int r = replay_run_open(replays->store, wish->policy, &replay->shown.options, error,
	                        &replay->run);
	pthread_mutex_lock(&replays->lock);
	if (r == 0)
		r = keep(replays, replay);
	if (r == 0) {
		replay->policy = wish->policy;
		memcpy(ret_id, replay->shown.id, sizeof(replay->shown.id));
	}
	pthread_mutex_unlock(&replays->lock);
	if (r == 0)
		lane_push(replays->lane, &replay->job);
	else
		free_replay(replay);
	return r;
}

/* ---- looking at them ---- */

static struct replay **find(struct replays *replays, struct sv id)
{
	for (size_t i = 0; i < replays->n_kept; i++)
		if (sv_eq(sv_of(replays->kept[i]->shown.id), id))
			return &replays->kept[i];
	return NULL;
}

int replays_show(struct replays *replays, struct sv id, struct replay_shown *ret)
{
	int r = -ENOENT;
	pthread_mutex_lock(&replays->lock);
	struct replay **found = find(replays, id);
	if (found) {
		*ret = (*found)->shown;
		ret->report = json_incref(ret->report);
		ret->filter = strdup(ret->filter);
		ret->options.filter = sv_of(ret->filter);
		r = ret->filter ? 0 : -ENOMEM;
	}
	pthread_mutex_unlock(&replays->lock);
	return r;
}

size_t replays_ids(struct replays *replays, char ret[REPLAYS_KEPT][EVENT_ID_TEXT_BYTES + 1])
{
	pthread_mutex_lock(&replays->lock);
	size_t n = replays->n_kept;
	for (size_t i = 0; i < n; i++)
		memcpy(ret[i], replays->kept[i]->shown.id, EVENT_ID_TEXT_BYTES + 1);
	pthread_mutex_unlock(&replays->lock);
	return n;
}

int replays_cancel(struct replays *replays, struct sv id)
{
	pthread_mutex_lock(&replays->lock);
	struct replay **found = find(replays, id);
	if (found && has_ended(*found)) {
		size_t at = (size_t)(found - replays->kept);
		free_replay(*found);
		memmove(found, found + 1, (replays->n_kept - at - 1) * sizeof(struct replay *));
		replays->n_kept--;
	} else if (found) {
		(*found)->is_unwanted = true;
	}
	pthread_mutex_unlock(&replays->lock);
	return found ? 0 : -ENOENT;
}
