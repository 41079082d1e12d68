#ifndef AUDIT_OUTCOME_H
#define AUDIT_OUTCOME_H

#include "core/macros.h"
#include "core/sv.h"
#include "model/outcome.h"

#include <stddef.h>
#include <stdint.h>

/* Cutting a TCP syslog stream into messages (RFC 6587): octet counting ("123 <14>1 ...") or LF
 * ends, decided for each message by its first byte. Pure: the caller keeps the bytes. */
enum syslog_cut {
	SYSLOG_BAD = 0, /* not a syslog stream, or a message above SYSLOG_MESSAGE_MAX: close the
	                   connection */
	SYSLOG_MORE,    /* read more bytes and ask again */
	SYSLOG_MESSAGE, /* one message is cut */
};

/* syslog_split - cut one message from the front of the bytes.
 *
 * in      bytes: all that was received and not yet consumed
 * out     *ret_message: view into bytes, without framing; *ret_consumed: drop so many bytes from
 * the front; both set only on SYSLOG_MESSAGE. An empty message is possible (blank line): skip it.
 * source  RFC 6587 3.4.1, 3.4.2
 */
MUST_CHECK enum syslog_cut syslog_split(struct sv bytes, struct sv *ret_message,
                                        size_t *ret_consumed);

/* Room for the texts that a parsed outcome's views point to. */
struct audit_outcome_text {
	char at[4096];
	size_t n;
};

/* audit_outcome_parse - one RFC 5424 line whose MSG is the JSON object of schema/spoe.md ->
 * outcome. Numbers may come as strings; "-", "" and -1 are unknown; unknown members are ignored.
 *
 * in      line: one message of syslog_split()
 * out     *ret, its views into *text; both set only on 0
 * errors  0; -EBADMSG: not RFC 5424, or not such an object; -ENOMSG: a well-formed line without a
 *         JSON object: another program's log, not ours. Log nothing of the line.
 * thread  any
 */
MUST_CHECK int audit_outcome_parse(struct sv line, struct audit_outcome_text *text,
                                   struct outcome *ret);

#endif
