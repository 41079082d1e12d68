#ifndef STATE_RELATION_CHANGES_H
#define STATE_RELATION_CHANGES_H

/* Private to state/, but for state_relations_changes() (relations.h): what was written and removed lately, so that who
 * has the relations of a revision gets those of the next without reading all of them. */

#include "state/db.h"
#include "state/relations.h"

/* relation_changes_note - one change of this transaction. in: n: how many were noted in it before */
MUST_CHECK int relation_changes_note(const struct state *state, MDB_txn *txn, bool is_added,
                                     struct sv tuple, size_t n);

/* relation_read - a tuple as it is kept by object; views of it. false: it is none */
bool relation_read(struct sv tuple, struct state_relation *ret);

/* relation_changes_trim - not more than RELATION_CHANGES_MAX are kept. */
MUST_CHECK int relation_changes_trim(const struct state *state, MDB_txn *txn);

#endif
