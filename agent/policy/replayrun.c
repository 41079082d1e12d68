#include "policy/replayrun.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/limits.h"
#include "policy/replaytally.h"

#include <errno.h>
#include <stdlib.h>

enum { PAGE_ROWS = 500, PAGE_MS = 50 };

struct replay_run {
	const struct policy *policy;
	struct audit_query *query;
	struct arena arena;
	struct replay_tally tally;
	uint64_t max_rows, n_rows;
	uint64_t newest_us, oldest_us;
	bool is_done, is_capped;
};

int replay_run_open(struct audit_store *store, const struct policy *policy,
                    const struct replay_options *options, struct audit_query_error *error,
                    struct replay_run **ret)
{
	struct replay_run *run = calloc(1, sizeof(*run));
	const struct audit_query_options question = {
		.filter = options->filter,
		.from_us = options->from_us,
		.to_us = options->to_us,
		.kinds = AUDIT_KIND_BIT(AUDIT_REQUEST) | AUDIT_KIND_BIT(AUDIT_CONNECTION),
		.hidden = ~(AUDIT_KIND_BIT(AUDIT_REQUEST) | AUDIT_KIND_BIT(AUDIT_CONNECTION)),
		.limit = PAGE_ROWS,
		.budget_ms = PAGE_MS,
	};
	if (!run)
		return -ENOMEM;
	run->policy = policy;
	run->max_rows = options->max_rows ? options->max_rows : REPLAY_ROWS_MAX;
	int r = arena_init(&run->arena, REQUEST_ARENA_BYTES);
	if (r == 0 && !replay_tally_init(options->hides_people, &run->tally))
		r = -ENOMEM;
	if (r == 0)
		r = audit_query_open(store, &question, error, &run->query);
	if (r == 0)
		*ret = run;
	else
		replay_run_close(run);
	return r;
}

void replay_run_close(struct replay_run *run)
{
	if (!run)
		return;
	audit_query_close(run->query);
	replay_tally_fini(&run->tally);
	arena_fini(&run->arena);
	free(run);
}

/* Not 0 stops the page before this row. */
static int judge_row(void *user, const struct audit_row *row)
{
	struct replay_run *run = user;
	struct replay_result result;
	if (run->n_rows >= run->max_rows) {
		run->is_capped = true;
		return 1;
	}
	replay_judge(run->policy, &row->record, &run->arena, &result);
	replay_tally_add(&run->tally, row, &result);
	arena_reset(&run->arena);
	if (run->n_rows++ == 0)
		run->newest_us = row->record.at_us;
	run->oldest_us = row->record.at_us;
	return run->tally.out_of_memory ? -ENOMEM : 0;
}

int replay_run_step(struct replay_run *run)
{
	struct audit_page page;
	if (run->is_done)
		return 0;
	int r = audit_query_page(run->query, judge_row, run, &page);
	if (run->tally.out_of_memory)
		return -ENOMEM;
	if (r != 0)
		return r;
	run->is_done = page.exhausted || run->is_capped;
	return run->is_done ? 0 : 1;
}

void replay_run_progress(const struct replay_run *run, struct replay_progress *ret)
{
	*ret = (struct replay_progress){
		.n_rows = run->n_rows, .at_us = run->oldest_us, .is_capped = run->is_capped};
}

static json_t *time_json(uint64_t us)
{
	char text[CLOCK_TEXT_BYTES];
	struct sv shown = clock_format((int64_t)us, text);
	return us ? json_stringn(shown.at, shown.n) : json_null();
}

json_t *replay_run_report(const struct replay_run *run)
{
	json_t *report = replay_tally_json(&run->tally);
	if (!report)
		return NULL;
	json_object_set_new(report, "capped", json_boolean(run->is_capped));
	json_object_set_new(report, "newest", time_json(run->newest_us));
	json_object_set_new(report, "oldest", time_json(run->oldest_us));
	return report;
}
