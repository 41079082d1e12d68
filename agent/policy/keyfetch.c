#include "policy/keyfetch.h"

#include "fetch/fetch.h"

#include <errno.h>
#include <stdlib.h>

/* One document that is watched for a key set. */
struct watched {
	struct fetch_watch *watch;
	policy_keys_done_fn *done;
	void *user;
};

static bool fetched(void *user, const struct fetch_result *result)
{
	const struct watched *watched = user;
	return watched->done(watched->user, result->body, result->ok ? NULL : result->error);
}

static int watch(void *user, const char *url, policy_keys_done_fn *done, void *done_user,
                 void **ret_watch)
{
	struct watched *watched = calloc(1, sizeof(*watched));
	if (!watched)
		return -ENOMEM;
	watched->done = done;
	watched->user = done_user;
	int r = fetch_watch_add(user, url, fetched, watched, &watched->watch);
	if (r != 0) {
		free(watched);
		return r;
	}
	*ret_watch = watched;
	return 0;
}

static void kick(void *user, void *watch_made)
{
	const struct watched *watched = watch_made;
	(void)user;
	fetch_watch_kick(watched->watch);
}

static void unwatch(void *user, void *watch_made)
{
	struct watched *watched = watch_made;
	(void)user;
	fetch_watch_remove(watched->watch);
	free(watched);
}

static int64_t next_at(void *user, void *watch_made)
{
	const struct watched *watched = watch_made;
	struct fetch_status status;
	(void)user;
	fetch_watch_status(watched->watch, &status);
	return status.next_at;
}

struct policy_keys_fetcher policy_keys_over_fetch(struct fetch *fetch)
{
	return (struct policy_keys_fetcher){.watch = watch,
	                                    .kick = kick,
	                                    .unwatch = unwatch,
	                                    .next_at = next_at,
	                                    .user = fetch};
}
