#include "cli/kept.h"

#include <errno.h>
#include <stdio.h>

static void complain(const struct kept *kept, const char *data, const char *failed, int error)
{
	if (error == -ENOENT)
		(void)fprintf(stderr, "%s: --data: no agent keeps anything in %s\n",
		              kept->desk.command, data);
	else if (failed)
		(void)fprintf(stderr, "%s: the %s kept in %s cannot be read\n", kept->desk.command,
		              failed, data);
	else
		desk_complain(&kept->desk, data, error);
}

int kept_open(struct kept *kept, const char *command, const char *data)
{
	const char *failed = NULL;
	*kept = (struct kept){0};
	int r = desk_look(&kept->desk, command, data);
	kept->env = (struct policy_tables_env){.state = kept->desk.state, .data_dir = data};
	if (r == 0)
		r = policy_tables_new(&kept->env, policy_table_sources, &kept->tables, &failed);
	if (r == 0)
		policy_tables_look(kept->tables, &kept->view);
	else
		complain(kept, data, failed, r);
	return r;
}

void kept_close(struct kept *kept)
{
	policy_tables_leave(&kept->view);
	policy_tables_free(kept->tables);
	desk_close(&kept->desk);
}
