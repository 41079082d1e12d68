#include "audit/outcome.h"

#include "core/jsonload.h"
#include "core/limits.h"

#include <errno.h>

/* ---- framing, RFC 6587 ---- */

enum { COUNT_DIGITS_MAX = 5 };

static enum syslog_cut split_counted(struct sv bytes, struct sv *ret_message, size_t *ret_consumed)
{
	size_t digits = 0, n = 0;
	while (digits < bytes.n && bytes.at[digits] >= '0' && bytes.at[digits] <= '9') {
		if (digits == COUNT_DIGITS_MAX)
			return SYSLOG_BAD;
		n = n * 10 + (size_t)(bytes.at[digits++] - '0');
	}
	if (digits == bytes.n)
		return SYSLOG_MORE;
	if (bytes.at[digits] != ' ' || n == 0 || n > SYSLOG_MESSAGE_MAX)
		return SYSLOG_BAD;
	struct sv rest = sv_from(bytes, digits + 1);
	if (rest.n < n)
		return SYSLOG_MORE;
	*ret_message = sv_first(rest, n);
	*ret_consumed = digits + 1 + n;
	return SYSLOG_MESSAGE;
}

static enum syslog_cut split_line(struct sv bytes, struct sv *ret_message, size_t *ret_consumed)
{
	size_t end = sv_find(sv_first(bytes, SYSLOG_MESSAGE_MAX + 1), '\n');
	if (end > SYSLOG_MESSAGE_MAX)
		return SYSLOG_BAD;
	if (end == bytes.n)
		return SYSLOG_MORE;
	struct sv message = sv_first(bytes, end);
	if (sv_ends(message, SVL("\r")))
		message.n--;
	*ret_message = message;
	*ret_consumed = end + 1;
	return SYSLOG_MESSAGE;
}

enum syslog_cut syslog_split(struct sv bytes, struct sv *ret_message, size_t *ret_consumed)
{
	if (bytes.n == 0)
		return SYSLOG_MORE;
	char first = bytes.at[0];
	if (first >= '1' && first <= '9')
		return split_counted(bytes, ret_message, ret_consumed);
	if (first == '<' || first == '\n' || first == '\r')
		return split_line(bytes, ret_message, ret_consumed);
	return SYSLOG_BAD;
}

/* ---- the line, RFC 5424 ---- */

/* "<PRI>1 " */
static bool read_priority(struct sv *rest)
{
	size_t end = sv_find(*rest, '>');
	if (rest->n == 0 || rest->at[0] != '<' || end < 2 || end > 4)
		return false;
	for (size_t i = 1; i < end; i++)
		if (rest->at[i] < '0' || rest->at[i] > '9')
			return false;
	*rest = sv_from(*rest, end + 1);
	if (!sv_starts(*rest, SVL("1 ")))
		return false;
	*rest = sv_from(*rest, 2);
	return true;
}

/* "-" or [id name="value" ...]...; a "]" inside a value is escaped. */
static bool read_structured(struct sv *rest)
{
	if (sv_starts(*rest, SVL("-"))) {
		*rest = sv_from(*rest, 1);
		return true;
	}
	bool any = false;
	while (sv_starts(*rest, SVL("["))) {
		size_t i = 1;
		bool quoted = false;
		for (; i < rest->n && (quoted || rest->at[i] != ']'); i++) {
			if (rest->at[i] == '"')
				quoted = !quoted;
			else if (quoted && rest->at[i] == '\\')
				i++;
		}
		if (i >= rest->n)
			return false;
		*rest = sv_from(*rest, i + 1);
		any = true;
	}
	return any;
}

static bool find_message(struct sv line, struct sv *ret)
{
	struct sv rest = line, word;
	if (!read_priority(&rest))
		return false;
	for (int i = 0; i < 5; i++) { /* time, host, program, process, message id */
		if (!sv_cut(&rest, ' ', &word) || word.n == 0)
			return false;
	}
	if (!read_structured(&rest))
		return false;
	if (rest.n && rest.at[0] != ' ')
		return false;
	rest = sv_trim(rest);
	*ret = sv_starts(rest, SVL("\xef\xbb\xbf")) ? sv_from(rest, 3) : rest;
	return true;
}

/* ---- its JSON object ---- */

static bool is_unknown(struct sv text)
{
	return text.n == 0 || sv_eq(text, SVL("-")) || sv_eq(text, SVL("<NOSRV>"));
}

/* Digits, with HAProxy's "+" of a log written before the end; anything else is unknown. */
static int64_t number_of(const json_t *value)
{
	unsigned long long number;
	if (json_is_integer(value))
		return json_integer_value(value) < 0 ? -1 : json_integer_value(value);
	struct sv text = json_string_sv(value);
	if (sv_starts(text, SVL("+")))
		text = sv_from(text, 1);
	if (!sv_to_u64(text, &number) || number > INT64_MAX)
		return -1;
	return (int64_t)number;
}

/* A copy that outlives the JSON; cut where there is no more room. */
static struct sv keep(struct audit_outcome_text *room, const json_t *value)
{
	struct sv text = json_string_sv(value);
	if (is_unknown(text))
		return (struct sv){0};
	size_t n = MIN_OF(text.n, sizeof(room->at) - room->n);
	struct sv kept = {room->at + room->n, n};
	memcpy(room->at + room->n, text.at, n);
	room->n += n;
	return kept;
}

static int read_event(const json_t *object, struct outcome *outcome)
{
	const json_t *value = json_object_get(object, "event");
	struct sv text = json_string_sv(value);
	if (!value || json_is_null(value) || (json_is_string(value) && is_unknown(text)))
		return 0;
	return event_id_parse(text, &outcome->event) ? 0 : -EBADMSG;
}

static void read_numbers(const json_t *object, struct outcome *outcome)
{
	const struct {
		const char *name;
		int64_t *to;
	} numbers[] = {
		{"status", &outcome->status},     {"bytes_out", &outcome->bytes_out},
		{"bytes_in", &outcome->bytes_in}, {"ta", &outcome->duration_ms},
		{"tw", &outcome->queue_ms},       {"tc", &outcome->connect_ms},
		{"tresp", &outcome->response_ms},
	};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		*numbers[i].to = number_of(json_object_get(object, numbers[i].name));
}

static void read_texts(const json_t *object, struct audit_outcome_text *room,
                       struct outcome *outcome)
{
	const struct {
		const char *name;
		struct sv *to;
	} texts[] = {
		{"id", &outcome->id},           {"termination", &outcome->termination},
		{"backend", &outcome->backend}, {"server", &outcome->server},
		{"method", &outcome->method},   {"host", &outcome->host},
		{"path", &outcome->path},
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*texts[i].to = keep(room, json_object_get(object, texts[i].name));
}

int audit_outcome_parse(struct sv line, struct audit_outcome_text *text, struct outcome *ret)
{
	struct sv message;
	if (!find_message(line, &message))
		return -EBADMSG;
	if (!sv_starts(message, SVL("{")))
		return -ENOMSG;
	CLEANUP(json_decrefp) json_t *object = json_load_strict(message, 4, NULL);
	if (!json_is_object(object))
		return -EBADMSG;
	struct outcome outcome = outcome_unknown();
	int r = read_event(object, &outcome);
	if (r != 0)
		return r;
	text->n = 0;
	read_numbers(object, &outcome);
	read_texts(object, text, &outcome);
	struct sv src = json_string_sv(json_object_get(object, "src"));
	if (!netaddr_parse(src, &outcome.src))
		outcome.src = (struct netaddr){0};
	int64_t port = number_of(json_object_get(object, "src_port"));
	outcome.src_port = port > 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
	*ret = outcome;
	return 0;
}
