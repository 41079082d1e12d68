#ifndef UNIT_STATE_TEMP_H
#define UNIT_STATE_TEMP_H

#include "state/state.h"
#include "support/cmocka_prelude.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A state in a directory of its own. */
struct temp {
	char dir[64];
	struct state *state;
};

static inline int temp_setup(void **state)
{
	struct temp *temp = calloc(1, sizeof(*temp));
	snprintf(temp->dir, sizeof(temp->dir), "/tmp/haward-state-XXXXXX");
	assert_non_null(mkdtemp(temp->dir));
	assert_int_equal(state_open(temp->dir, &temp->state), 0);
	*state = temp;
	return 0;
}

static inline void temp_remove(const char *dir, const char *name)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
}

static inline int temp_teardown(void **state)
{
	struct temp *temp = *state;
	state_close(temp->state);
	temp_remove(temp->dir, "data.mdb");
	temp_remove(temp->dir, "lock.mdb");
	rmdir(temp->dir);
	free(temp);
	return 0;
}

#endif
