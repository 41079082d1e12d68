/* A NOTIFY into what it asks. source: SPOE.txt 3.2.6; the contract is schema/spoe.md */
#ifndef SPOP_NOTIFY_H
#define SPOP_NOTIFY_H

#include "core/macros.h"
#include "model/lesson.h"
#include "model/outcome.h"
#include "model/request.h"

struct spop_notify {
	bool has_request;       /* haward-authorize or haward-connect: decide about request */
	bool has_outcome;       /* haward-account: record outcome */
	bool has_lesson;        /* haward-learn: learn from an answer */
	struct request request; /* request.bad: could not be read as the contract says; deny it */
	struct outcome outcome;
	struct lesson lesson;
	unsigned n_messages; /* also those with names that are not ours */
	unsigned
		n_outcomes; /* haward-account, also when not taken: the only one is, if it is well formed */
	unsigned n_lessons; /* haward-learn, likewise */
};

/* spop_notify_decode - reads all messages of a NOTIFY.
 *
 * in      payload: of the frame; views in *ret borrow from it
 * out     *ret is always filled. Bytes that cannot be read leave has_request true and request.bad, so that
 *         the answer is a denial and never silence
 * thread  any
 */
void spop_notify_decode(struct sv payload, struct spop_notify *ret);

/* The contract as data, for schema/spoe.md's test. */
struct spop_attribute_name {
	const char *name;
	const char *kind; /* "text", "bytes", "address", "port", "bool", "integer" */
};
enum spop_message {
	SPOP_MESSAGE_REQUEST, /* haward-authorize and haward-connect */
	SPOP_MESSAGE_ACCOUNT,
	SPOP_MESSAGE_LEARN,
	SPOP_MESSAGE_COUNT,
};
/* spop_notify_attributes - the arguments of a message. */
const struct spop_attribute_name *spop_notify_attributes(enum spop_message message, size_t *n);

#endif
