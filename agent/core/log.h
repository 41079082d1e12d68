/* The operator's log: logfmt to standard error with a "<N>" priority that journald reads.
 * Only server, admin, fetch, the audit writer, cli and main log; the others return what happened.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFORM, LOG_DEBUGGING, LOG_LEVEL_COUNT };
extern const char *const log_level_names[LOG_LEVEL_COUNT]; /* error warning notice info debug */

/* log_set_level - the least urgent level that is written; LOG_INFORM at start. thread: main, before
 * others. */
void log_set_level(enum log_level level);

/* log_event - one line: event name, then "key=value" pairs built by the format.
 *
 * in      event: static word; format: e.g. "peer=%s n_bytes=%zu". Values that may hold spaces or
 * bytes from outside go through log_quote() thread  any; a line is one write(2)
 */
void log_event(enum log_level level, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);

enum { LOG_QUOTED_BYTES = 256 };
/* log_quote - text from outside as one quoted logfmt value, control bytes escaped, cut when long.
 */
const char *log_quote(struct sv text, char room[LOG_QUOTED_BYTES]);

/* For events that others can cause at will: one line a second, the rest is counted. Zeroed: none yet. */
struct log_pace {
	uint64_t last_ns, n_left_out;
};
/* log_pace_due - whether the event is to be written now.
 *
 * in      now_ns: clock_mono_ns()
 * out     *ret_left_out, when true: how many were not written since the last that was
 * thread  the owner's of pace
 */
MUST_CHECK bool log_pace_due(struct log_pace *pace, uint64_t now_ns, uint64_t *ret_left_out);

/* log_reopen - opens the file again that standard error was sent to, after rotation; no-op without
 * one. */
void log_to_file(const char *path);
void log_reopen(void);

#endif
