/* What a book can show to somebody who does not have it: that a record is in it, or that it only grew. */
#ifndef AUDIT_PROOF_H
#define AUDIT_PROOF_H

#include "audit/chain.h"
#include "audit/checkpoint.h"
#include "audit/record.h"
#include "core/encode.h"
#include "core/limits.h"
#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stdint.h>

struct audit_store;

/* Each of these reads the whole book and verifies its chain on the way: what does not hold is never signed or proved.
 * errors  0, also when the chain is broken: ask report->holds first; -errno when the book cannot be read
 * thread  any */

/* audit_checkpoint_make - the statement about all records that are there now, to be signed; at_us is now. */
MUST_CHECK int audit_checkpoint_make(struct audit_store *store, struct audit_chain_report *report,
                                     struct checkpoint *ret);

/* audit_checkpoint_compare - does the book still begin with what a checkpoint stood for?
 * out     *ret_fault: NULL, or what is wrong; valid when report->holds */
MUST_CHECK int audit_checkpoint_compare(struct audit_store *store,
                                        const struct checkpoint *checkpoint,
                                        struct audit_chain_report *report, const char **ret_fault);

/* What a proof is made from: signed texts that checkpoint_open() accepted. */
struct proof_question {
	struct sv text; /* of the checkpoint that the proof leads to */
	struct checkpoint checkpoint;
	uint64_t seq; /* of the record to be proved; 0: that `since` is its beginning */
	struct sv since_text;
	struct checkpoint since;
};
/* audit_prove - a proof as JSON: {"type":"inclusion","checkpoint","seq","record","hashes"} or
 * {"type":"consistency","since","checkpoint","hashes"}.
 * out     *ret_json: owned, malloc; *ret_fault: NULL, or why there is none; valid when report->holds */
MUST_CHECK int audit_prove(struct audit_store *store, const struct proof_question *question,
                           struct audit_chain_report *report, char **ret_json,
                           const char **ret_fault);

/* What a proof proves. */
struct proof_answer {
	struct checkpoint checkpoint;
	bool is_inclusion;
	uint64_t seq;               /* inclusion */
	struct checkpoint since;    /* consistency */
	struct audit_record record; /* inclusion; its views into room */
	uint8_t room[BASE64_DECODED_MAX(BASE64_ENCODED_MAX(AUDIT_RECORD_MAX))];
};
/* audit_proof_check - check a proof from outside with nothing but public keys.
 *
 * errors  0: it is proved; -EBADMSG: this is no proof; -EPROTO: it does not prove what it says; -ENOKEY, -EKEYREJECTED:
 *         as checkpoint_open(); -ENOMEM
 * thread  any */
MUST_CHECK int audit_proof_check(struct sv json, const struct checkpoint_keys *keys,
                                 struct proof_answer *ret);

#endif
