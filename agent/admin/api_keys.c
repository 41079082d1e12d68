#include "admin/call.h"
#include "admin/handlers.h"
#include "admin/reply.h"
#include "state/signing.h"

#include <errno.h>

static int add_key(void *user, const struct state_signing_key *key)
{
	json_t *jwk = json_loadb(key->jwk.at, key->jwk.n, JSON_REJECT_DUPLICATES, NULL);
	if (!jwk)
		return -EBADMSG;
	return json_array_append_new(user, jwk) == 0 ? 0 : -ENOMEM;
}

/* The public keys that internal tokens are verified with; whoever verifies need not be signed in. */
void jwks_show(struct call *call)
{
	json_t *keys = json_array();
	int r = state_signing_list(call->admin->deps.state, add_key, keys);
	if (r != 0) {
		json_decref(keys);
		reply_error(call, r, "the signing keys could not be read");
		return;
	}
	reply_json(call, 200, json_pack("{s:o}", "keys", keys));
}
