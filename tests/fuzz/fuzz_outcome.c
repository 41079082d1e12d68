/* A TCP syslog stream gives the same messages however it is cut, and each line a whole outcome or none. */
#include "audit/outcome.h"
#include "core/limits.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_line(struct sv line)
{
	static struct audit_outcome_text text;
	struct outcome o;
	if (audit_outcome_parse(line, &text, &o) != 0)
		return;
	if (o.status < -1 || o.bytes_out < -1 || o.duration_ms < -1 || text.n > sizeof(text.at))
		abort();
	if (o.path.n && (o.path.at < text.at || o.path.at + o.path.n > text.at + sizeof(text.at)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sv stream = {(const char *)data, size}, message;
	size_t consumed;
	check_line(stream);
	while (syslog_split(stream, &message, &consumed) == SYSLOG_MESSAGE) {
		if (consumed == 0 || consumed > stream.n || message.n > SYSLOG_MESSAGE_MAX)
			abort();
		/* one byte less never gives another message */
		struct sv shorter;
		size_t shorter_consumed;
		if (syslog_split(sv_first(stream, consumed - 1), &shorter, &shorter_consumed) ==
		    SYSLOG_MESSAGE)
			abort();
		check_line(message);
		stream = sv_from(stream, consumed);
	}
	return 0;
}
