/* No proof and no checkpoint is believed that the fuzzer made: it does not have the key. What is refused has a reason.
 * Input: a proof, or behind a first byte of 'n' a checkpoint. */
#include "audit/proof.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

/* RFC 8032 7.1, test 1: the corpus is signed by it. */
static const char public_key[] = "-----BEGIN PUBLIC KEY-----\n"
				 "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
				 "-----END PUBLIC KEY-----\n";

static void check_checkpoint(struct sv text, const struct checkpoint_keys *keys)
{
	struct checkpoint checkpoint;
	int r = checkpoint_open(text, keys, &checkpoint);
	HOLDS(r == 0 || r == -EBADMSG || r == -ENOKEY || r == -EKEYREJECTED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct checkpoint_keys keys;
	static struct proof_answer answer;
	struct sv text = {(const char *)data, size};
	if (keys.n == 0)
		HOLDS(checkpoint_keys_add(&keys, SVL(public_key)) == 0);
	if (sv_starts(text, SVL("n"))) {
		check_checkpoint(sv_from(text, 1), &keys);
		return 0;
	}
	int r = audit_proof_check(text, &keys, &answer);
	HOLDS(r == 0 || r == -EBADMSG || r == -EPROTO || r == -ENOKEY || r == -EKEYREJECTED);
	if (r == 0 && answer.is_inclusion)
		HOLDS(answer.seq > 0 && answer.seq <= answer.checkpoint.size);
	if (r == 0 && !answer.is_inclusion)
		HOLDS(answer.since.size > 0 && answer.since.size <= answer.checkpoint.size);
	return 0;
}
