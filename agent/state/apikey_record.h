/* Private to state/: one API key <-> bytes. A table of 100,000 is read in a moment, so it is no JSON. */
#ifndef STATE_APIKEY_RECORD_H
#define STATE_APIKEY_RECORD_H

#include "core/macros.h"
#include "core/sv.h"
#include "state/apikeys.h"

/* apikey_encode - an owned record, without the id; NULL when memory is out. in: *key passed state_apikey_fault() */
MUST_CHECK char *apikey_encode(const struct state_apikey *key, size_t *ret_n);

/* apikey_decode - views into the record. errors: 0, or -EBADMSG */
MUST_CHECK int apikey_decode(struct sv id, struct sv record, struct state_apikey *ret);

#endif
