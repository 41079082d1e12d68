#include "spop/notify.h"

#include "spop/value.h"

#include <assert.h>

enum kind { TEXT, BYTES, ADDRESS, PORT, TRUTH, INTEGER, HEADER, EVENT };

/* One argument: where it goes and what it may be. Null is "not there" for every kind. */
struct attribute {
	struct sv name;
	enum kind kind;
	size_t offset;
	size_t count; /* HEADER: where the times it stands go */
};

#define OF_REQUEST(name, kind, member)                              \
	{                                                           \
		SV(name), kind, offsetof(struct request, member), 0 \
	}
#define OF_HEADER(name, member)                                     \
	{                                                           \
		SV(name), HEADER, offsetof(struct request, member), \
			offsetof(struct request, n_##member)        \
	}
#define OF_OUTCOME(name, kind, member)                              \
	{                                                           \
		SV(name), kind, offsetof(struct outcome, member), 0 \
	}

#define OF_LESSON(name, kind, member)                              \
	{                                                          \
		SV(name), kind, offsetof(struct lesson, member), 0 \
	}

static const struct attribute request_attributes[] = {
	OF_REQUEST("id", TEXT, id),
	OF_REQUEST("service", TEXT, service),
	OF_REQUEST("method", TEXT, method),
	OF_REQUEST("path", TEXT, path),
	OF_REQUEST("query", TEXT, query),
	OF_REQUEST("host", TEXT, host),
	OF_REQUEST("src", ADDRESS, src),
	OF_REQUEST("src_port", PORT, src_port),
	OF_REQUEST("dst", ADDRESS, dst),
	OF_REQUEST("dst_port", PORT, dst_port),
	OF_HEADER("authorization", authorization),
	OF_HEADER("dpop", dpop),
	OF_HEADER("api_key", api_key),
	OF_HEADER("cookie", cookie),
	OF_REQUEST("headers", BYTES, headers),
	OF_REQUEST("cert", BYTES, cert),
	OF_REQUEST("cert_chain", BYTES, cert_chain),
	OF_REQUEST("cert_used", TRUTH, cert_used),
	OF_REQUEST("cert_verify", INTEGER, cert_verify),
	OF_REQUEST("sni", TEXT, sni),
	OF_REQUEST("tls", TRUTH, tls),
	OF_REQUEST("traceparent", TEXT, traceparent),
	OF_REQUEST("user_agent", TEXT, user_agent),
	OF_REQUEST("body", BYTES, body),
};

static const struct attribute outcome_attributes[] = {
	OF_OUTCOME("event", EVENT, event),
	OF_OUTCOME("id", TEXT, id),
	OF_OUTCOME("status", INTEGER, status),
	OF_OUTCOME("bytes_out", INTEGER, bytes_out),
	OF_OUTCOME("bytes_in", INTEGER, bytes_in),
	OF_OUTCOME("duration_ms", INTEGER, duration_ms),
	OF_OUTCOME("queue_ms", INTEGER, queue_ms),
	OF_OUTCOME("connect_ms", INTEGER, connect_ms),
	OF_OUTCOME("response_ms", INTEGER, response_ms),
	OF_OUTCOME("backend", TEXT, backend),
	OF_OUTCOME("server", TEXT, server),
	OF_OUTCOME("src", ADDRESS, src),
	OF_OUTCOME("src_port", PORT, src_port),
	OF_OUTCOME("method", TEXT, method),
	OF_OUTCOME("path", TEXT, path),
	OF_OUTCOME("host", TEXT, host),
};
static const struct attribute lesson_attributes[] = {
	OF_LESSON("event", EVENT, event),
	OF_LESSON("status", INTEGER, status),
	OF_LESSON("learn", TEXT, learn),
	OF_LESSON("headers", BYTES, headers),
};
static_assert(ARRAY_LEN(request_attributes) <= 64, "one bit each in a message's set");

static const char *const kind_names[] = {
	[TEXT] = "text",  [BYTES] = "bytes",     [ADDRESS] = "address", [PORT] = "port",
	[TRUTH] = "bool", [INTEGER] = "integer", [HEADER] = "text",     [EVENT] = "text",
};

static bool put_text(const struct spop_value *value, void *to)
{
	if (value->type != SPOP_DATA_STRING && value->type != SPOP_DATA_BINARY)
		return false;
	*(struct sv *)to = value->text;
	return true;
}

static bool put_address(const struct spop_value *value, void *to)
{
	*(struct netaddr *)to = value->addr;
	return value->addr.family != 0;
}

static bool is_integer(const struct spop_value *value)
{
	return value->type >= SPOP_DATA_INT32 && value->type <= SPOP_DATA_UINT64;
}

static bool put_port(const struct spop_value *value, void *to)
{
	if (!is_integer(value) || value->number < 0 || value->number > UINT16_MAX)
		return false;
	*(uint16_t *)to = (uint16_t)value->number;
	return true;
}

static bool put_truth(const struct spop_value *value, void *to)
{
	*(bool *)to = value->truth;
	return value->type == SPOP_DATA_BOOL;
}

static bool put_integer(const struct spop_value *value, void *to)
{
	if (!is_integer(value))
		return false;
	*(int64_t *)to = value->number;
	return true;
}

/* An empty event is how HAProxy spells "no decision was made". */
static bool put_event(const struct spop_value *value, void *to)
{
	struct sv text;
	if (!put_text(value, &text))
		return false;
	return text.n == 0 || event_id_parse(text, to);
}

static bool (*const putters[])(const struct spop_value *value, void *to) = {
	[TEXT] = put_text,   [BYTES] = put_text,      [ADDRESS] = put_address, [PORT] = put_port,
	[TRUTH] = put_truth, [INTEGER] = put_integer, [HEADER] = put_text,     [EVENT] = put_event,
};

/* HAProxy passes each occurrence of a header as an argument of one name: the first is kept, the others counted. */
static bool put(const struct attribute *a, bool again, const struct spop_value *value, void *into)
{
	struct sv ignored;
	if (a->kind != HEADER)
		return !again && putters[a->kind](value, (char *)into + a->offset);
	++*(unsigned *)(void *)((char *)into + a->count);
	return putters[HEADER](value, again ? (void *)&ignored : (char *)into + a->offset);
}

/* The attribute of this name, or n. HAProxy sends a message's arguments in the same order each time, most often
 * ours: the search begins behind the one found before. */
static size_t find_attribute(const struct attribute *attributes, size_t n, size_t from,
                             struct sv name)
{
	for (size_t i = 0, k = from; i < n; i++, k++) {
		if (k >= n)
			k = 0;
		if (sv_eq(attributes[k].name, name))
			return k;
	}
	return n;
}

/* Reads the n arguments of one message into a struct; unknown names are passed over.
 * returns false when one is of a kind it cannot be, or stands twice; the bytes are consumed all the same */
static bool read_arguments(struct cursor *c, unsigned n, const struct attribute *attributes,
                           size_t n_attributes, void *into)
{
	bool good = true;
	uint64_t seen = 0;
	size_t next = 0;
	for (unsigned i = 0; i < n && !c->failed; i++) {
		struct sv name = spop_text_read(c);
		struct spop_value value = spop_value_read(c);
		size_t k = find_attribute(attributes, n_attributes, next, name);
		if (k == n_attributes || c->failed)
			continue;
		next = k + 1;
		if (value.type == SPOP_DATA_NULL)
			continue;
		const struct attribute *a = &attributes[k];
		bool again = seen >> k & 1;
		seen |= (uint64_t)1 << k;
		if (!put(a, again, &value, into))
			good = false;
	}
	return good && !c->failed;
}

static void read_request(struct cursor *c, unsigned n, enum request_kind kind,
                         struct spop_notify *ret)
{
	struct request req = {.kind = kind, .cert_verify = -1};
	if (!read_arguments(c, n, request_attributes, ARRAY_LEN(request_attributes), &req))
		req.bad = true;
	/* Two questions in one NOTIFY have one answer: it can only be no. */
	if (ret->has_request)
		req.bad = true;
	ret->has_request = true;
	ret->request = req;
}

static void read_outcome(struct cursor *c, unsigned n, struct spop_notify *ret)
{
	struct outcome outcome = outcome_unknown();
	bool good =
		read_arguments(c, n, outcome_attributes, ARRAY_LEN(outcome_attributes), &outcome);
	/* Of two reports one would be lost: HAProxy is told that nothing was recorded. */
	ret->has_outcome = good && ret->n_outcomes == 0;
	ret->n_outcomes++;
	ret->outcome = outcome;
}

static void read_lesson(struct cursor *c, unsigned n, struct spop_notify *ret)
{
	struct lesson lesson = {.status = -1};
	bool good = read_arguments(c, n, lesson_attributes, ARRAY_LEN(lesson_attributes), &lesson);
	ret->has_lesson = good && ret->n_lessons == 0;
	ret->n_lessons++;
	ret->lesson = lesson;
}

static void read_message(struct cursor *c, struct spop_notify *ret)
{
	struct sv name = spop_text_read(c);
	unsigned n = cursor_u8(c);
	if (sv_eq(name, SVL("haward-authorize")))
		read_request(c, n, REQUEST_HTTP, ret);
	else if (sv_eq(name, SVL("haward-connect")))
		read_request(c, n, REQUEST_CONNECT, ret);
	else if (sv_eq(name, SVL("haward-account")))
		read_outcome(c, n, ret);
	else if (sv_eq(name, SVL("haward-learn")))
		read_lesson(c, n, ret);
	else
		(void)read_arguments(c, n, NULL, 0, NULL);
}

void spop_notify_decode(struct sv payload, struct spop_notify *ret)
{
	struct cursor c = cursor_over(payload);
	*ret = (struct spop_notify){.request = {.cert_verify = -1}};
	for (; cursor_left(&c) && ret->n_messages < SPOP_MESSAGES_MAX; ret->n_messages++)
		read_message(&c, ret);
	if (cursor_done(&c))
		return;
	ret->has_request = true;
	ret->has_outcome = false;
	ret->has_lesson = false;
	ret->request.bad = true;
}

static size_t copy_names(const struct attribute *from, size_t n, struct spop_attribute_name *to)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (struct spop_attribute_name){from[i].name.at, kind_names[from[i].kind]};
	return n;
}

const struct spop_attribute_name *spop_notify_attributes(enum spop_message message, size_t *n)
{
	static _Thread_local struct spop_attribute_name names[64];
	static const struct {
		const struct attribute *at;
		size_t n;
	} lists[] = {
		[SPOP_MESSAGE_REQUEST] = {request_attributes, ARRAY_LEN(request_attributes)},
		[SPOP_MESSAGE_ACCOUNT] = {outcome_attributes, ARRAY_LEN(outcome_attributes)},
		[SPOP_MESSAGE_LEARN] = {lesson_attributes, ARRAY_LEN(lesson_attributes)},
	};
	static_assert(ARRAY_LEN(lists) == SPOP_MESSAGE_COUNT, "a list a message");
	*n = copy_names(lists[message].at, lists[message].n, names);
	return names;
}
