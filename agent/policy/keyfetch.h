/* The agent's own fetcher as the source of issuers' key sets. */
#ifndef POLICY_KEYFETCH_H
#define POLICY_KEYFETCH_H

#include "policy/keys.h"

struct fetch;

/* policy_keys_over_fetch - lifetime: fetch outlives every registry made with the result. */
struct policy_keys_fetcher policy_keys_over_fetch(struct fetch *fetch);

#endif
