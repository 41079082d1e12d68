/* Where the commands work that change what is kept: the state of a data directory, while the agent runs or not,
 * and the journal that takes what they did.
 */
#ifndef CLI_DESK_H
#define CLI_DESK_H

#include "core/macros.h"
#include "core/sv.h"

struct audit_journal;
struct state;

struct desk {
	const char *command; /* "haward admin": begins what is said */
	struct state *state;
	struct audit_journal *journal;
};

enum { DESK_NAME_BYTES = 64 };

/* desk_open - as the owner of the directory, when root asks: the agent has to open what is written here.
 *
 * in      data: the data directory
 * out     *desk: to be closed also after an error
 * errors  0, or a negative errno; -ENOSPC also where an act could not be recorded, so that none is done: said
 */
MUST_CHECK int desk_open(struct desk *desk, const char *command, const char *data);
void desk_close(struct desk *desk);

/* desk_look - what is kept in there alone, for who only reads: nothing is made, and nothing can be recorded.
 * in, out, errors: as desk_open(); -ENOENT: no agent keeps anything there */
MUST_CHECK int desk_look(struct desk *desk, const char *command, const char *data);

/* desk_operator - who sits at the terminal, as the host knows them; NUL-terminated. */
void desk_operator(char ret[static DESK_NAME_BYTES]);

/* desk_record - an act that was done. in: action: "admin.create"; after: what is so now, may be empty
 * errors  0, or -ENOSPC */
MUST_CHECK int desk_record(const struct desk *desk, const char *action, struct sv target,
                           struct sv after);

/* desk_complain - says a negative errno that the command has no words of its own for. */
void desk_complain(const struct desk *desk, const char *data, int error);

#endif
