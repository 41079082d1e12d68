/* What an agent keeps in its data directory, as the tables that decisions look things up in: for commands that judge as
 * that agent would.
 */
#ifndef CLI_KEPT_H
#define CLI_KEPT_H

#include "cli/desk.h"
#include "policy/tables.h"

struct kept {
	struct desk desk;
	struct policy_tables_env env;
	struct policy_tables *tables;
	struct policy_tables_view view; /* for struct decide_ctx */
};

/* kept_open - reads what is kept now; a later change is not seen. Works while the agent runs and while it does not.
 *
 * in      command: "haward explain", begins what is said; data: the directory; both outlive *kept
 * out     *kept: to be closed also after an error
 * errors  0, or a negative errno: said on standard error
 */
MUST_CHECK int kept_open(struct kept *kept, const char *command, const char *data);
void kept_close(struct kept *kept);

#endif
