#include "audit/json.h"

#include "audit/query.h"
#include "audit/timetext.h"
#include "core/encode.h"
#include "core/names.h"
#include "core/utf8.h"

#include <string.h>

/* ---- writing JSON ---- */

/* Bytes that stand for themselves in a JSON string: printable ASCII without quote and backslash. */
static bool is_plain(char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

static void put_escaped(struct outbuf *out, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";
	static const struct {
		char c, as;
	} shorts[] = {{'"', '"'}, {'\\', '\\'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}};
	for (size_t i = 0; i < ARRAY_LEN(shorts); i++) {
		if ((uint8_t)shorts[i].c != c)
			continue;
		outbuf_bytes(out, (const char[]){'\\', shorts[i].as}, 2);
		return;
	}
	outbuf_put(out, SVL("\\u00"));
	outbuf_bytes(out, (const char[]){hex[c >> 4], hex[c & 15]}, 2);
}

static void put_text(struct outbuf *out, struct sv text)
{
	outbuf_u8(out, '"');
	while (text.n > 0) {
		size_t n = 0;
		while (n < text.n && is_plain(text.at[n]))
			n++;
		outbuf_put(out, sv_first(text, n));
		text = sv_from(text, n);
		if (text.n == 0)
			break;
		size_t whole = utf8_length(text);
		if (text.at[0] == '\0') /* many readers of JSON refuse it even escaped */
			whole = 0;
		if (whole == 1)
			put_escaped(out, (uint8_t)text.at[0]);
		else
			outbuf_put(out, whole ? sv_first(text, whole) : SVL("\xef\xbf\xbd"));
		text = sv_from(text, whole ? whole : 1);
	}
	outbuf_u8(out, '"');
}

static void put_number(struct outbuf *out, uint64_t number)
{
	char room[20];
	size_t at = sizeof(room);
	do {
		room[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	outbuf_bytes(out, room + at, sizeof(room) - at);
}

static void put_key(struct outbuf *out, const char *name)
{
	if (out->n && out->at[out->n - 1] != '{')
		outbuf_u8(out, ',');
	outbuf_u8(out, '"');
	outbuf_put(out, sv_of(name));
	outbuf_put(out, SVL("\":"));
}

static void put_null(struct outbuf *out)
{
	outbuf_put(out, SVL("null"));
}

static void text_member(struct outbuf *out, const char *name, struct sv text)
{
	put_key(out, name);
	if (text.n)
		put_text(out, text);
	else
		put_null(out);
}

/* A number no reader can hold is damage; it stays JSON. */
static void number_member(struct outbuf *out, const char *name, uint64_t number)
{
	put_key(out, name);
	put_number(out, MIN_OF(number, (uint64_t)INT64_MAX));
}

/* -1: null. */
static void known_member(struct outbuf *out, const char *name, int64_t number)
{
	put_key(out, name);
	if (number >= 0)
		put_number(out, (uint64_t)number);
	else
		put_null(out);
}

static void digits_member(struct outbuf *out, const char *name, uint64_t number)
{
	put_key(out, name);
	outbuf_u8(out, '"');
	put_number(out, number);
	outbuf_u8(out, '"');
}

static void time_member(struct outbuf *out, const char *name, uint64_t at_us)
{
	char room[CLOCK_TEXT_BYTES];
	text_member(out, name, audit_time_text(at_us, room));
}

static void list_member(struct outbuf *out, const char *name, struct audit_list list)
{
	struct sv item;
	put_key(out, name);
	outbuf_u8(out, '[');
	for (bool first = true; audit_list_next(&list, &item); first = false) {
		if (!first)
			outbuf_u8(out, ',');
		put_text(out, item);
	}
	outbuf_u8(out, ']');
}

static void address_member(struct outbuf *out, const char *name, const struct netaddr *address)
{
	char room[NETADDR_TEXT_BYTES];
	text_member(out, name, netaddr_format(address, room));
}

/* Nanoseconds as microseconds with three decimals. */
static void micros_member(struct outbuf *out, const char *name, uint64_t ns)
{
	put_key(out, name);
	put_number(out, ns / 1000);
	unsigned rest = (unsigned)(ns % 1000);
	if (rest)
		outbuf_bytes(out,
		             (const char[]){'.', (char)('0' + rest / 100),
		                            (char)('0' + rest / 10 % 10), (char)('0' + rest % 10)},
		             4);
}

/* ---- the resource ---- */

/* Reads the texts of the next step and returns how many are there; 0: no step is left. */
static size_t next_step(struct audit_list *why, struct sv parts[AUDIT_WHY_PARTS])
{
	size_t n = 0;
	while (n < AUDIT_WHY_PARTS && audit_list_next(why, &parts[n]))
		n++;
	return n;
}

/* A step that breaks off is damage: it stays JSON, and what is not there is null. */
static void put_why(struct outbuf *out, struct audit_list why, struct sv policy)
{
	static const char *const names[] = {[AUDIT_WHY_POLICY] = "policy",
	                                    [AUDIT_WHY_RULE] = "rule",
	                                    [AUDIT_WHY_CONDITION] = "condition",
	                                    [AUDIT_WHY_VALUE] = "value",
	                                    [AUDIT_WHY_EXPECTED] = "expected"};
	put_key(out, "why");
	outbuf_u8(out, '[');
	struct sv parts[AUDIT_WHY_PARTS] = {0};
	for (size_t n, i = 0; (n = next_step(&why, parts)) > 0; i++) {
		outbuf_put(out, i ? SVL(",{") : SVL("{"));
		if (parts[AUDIT_WHY_POLICY].n == 0)
			parts[AUDIT_WHY_POLICY] = policy;
		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			text_member(out, names[k], k < n ? parts[k] : (struct sv){0});
		struct sv result = parts[AUDIT_WHY_HELD].n ? SVL("matched") : SVL("failed");
		text_member(out, "result", n == AUDIT_WHY_PARTS ? result : (struct sv){0});
		outbuf_u8(out, '}');
	}
	outbuf_u8(out, ']');
}

static void put_who(struct outbuf *out, const struct audit_record *record)
{
	text_member(out, "user", record->user);
	if (record->subject.n)
		text_member(out, "subject", record->subject);
	text_member(out, "issuer", record->issuer);
	text_member(out, "client", record->client);
	list_member(out, "groups", record->groups);
	list_member(out, "scopes", record->scopes);
	text_member(out, "auth_method",
	            sv_of(names_of(auth_method_names, AUTH_METHOD_COUNT, record->auth_method)));
	text_member(out, "workload", record->workload);
	text_member(out, "source_service", record->source_service);
}

static void put_what(struct outbuf *out, const struct audit_record *record)
{
	text_member(out, "service", record->service);
	address_member(out, "src", &record->src);
	known_member(out, "src_port", record->src_port ? (int64_t)record->src_port : -1);
	address_member(out, "dst", &record->dst);
	known_member(out, "dst_port", record->dst_port ? (int64_t)record->dst_port : -1);
	text_member(out, "method", record->method);
	text_member(out, "host", record->host);
	if (record->sni.n)
		text_member(out, "sni", record->sni);
	text_member(out, "path", record->path);
	text_member(out, "query", record->query);
	text_member(out, "route", record->route);
}

static void put_verdict(struct outbuf *out, const struct audit_record *record)
{
	text_member(out, "verdict",
	            record->has_verdict ? sv_of(verdict_effect_name(record->effect))
	                                : (struct sv){0});
	number_member(out, "status", record->status);
	put_key(out, "reason");
	put_text(out, record->reason);
	text_member(out, "policy", record->policy);
	if (record->policy_version) {
		digits_member(out, "policy_version", record->policy_version);
	} else {
		put_key(out, "policy_version");
		put_null(out);
	}
	put_why(out, record->why, record->policy);
	put_key(out, "shadow");
	if (!record->has_shadow) {
		put_null(out);
		return;
	}
	outbuf_u8(out, '{');
	text_member(out, "verdict", sv_of(verdict_effect_name(record->shadow_effect)));
	text_member(out, "policy", record->shadow_policy);
	outbuf_u8(out, '}');
}

static void put_trace(struct outbuf *out, const struct audit_record *record)
{
	char hex[2 * 16 + 1];
	text_member(out, "request_id", record->request_id);
	text_member(out, "trace_id",
	            record->trace_id.n == 16 ? hex_encode(record->trace_id, hex) : (struct sv){0});
	text_member(out, "user_agent", record->user_agent);
	if (record->took_ns) {
		micros_member(out, "took_us", record->took_ns);
	} else {
		put_key(out, "took_us");
		put_null(out);
	}
}

static void put_act(struct outbuf *out, const struct audit_record *record)
{
	text_member(out, "actor", record->user);
	text_member(out, "roles", record->roles);
	text_member(out, "channel", record->channel);
	put_key(out, "action");
	put_text(out, record->action);
	text_member(out, "target", record->target);
	put_key(out, "result");
	put_text(out, record->result);
	text_member(out, "before", record->before);
	text_member(out, "after", record->after);
	text_member(out, "detail", record->detail);
}

static void put_gap(struct outbuf *out, const struct audit_record *record)
{
	put_key(out, "gap");
	outbuf_u8(out, '{');
	number_member(out, "count", record->gap_count);
	time_member(out, "first", record->gap_first_us);
	time_member(out, "last", record->gap_last_us);
	text_member(out, "journal", record->detail);
	outbuf_u8(out, '}');
}

static void put_outcome(struct outbuf *out, const struct audit_row *row)
{
	const struct audit_record *outcome = &row->outcome;
	put_key(out, "outcome");
	if (!row->has_outcome) {
		put_null(out);
		return;
	}
	outbuf_u8(out, '{');
	time_member(out, "time", outcome->at_us);
	known_member(out, "status", audit_number(outcome->out_status));
	known_member(out, "bytes_out", audit_number(outcome->bytes_out));
	known_member(out, "bytes_in", audit_number(outcome->bytes_in));
	known_member(out, "duration_ms", audit_number(outcome->duration_ms));
	known_member(out, "queue_ms", audit_number(outcome->queue_ms));
	known_member(out, "connect_ms", audit_number(outcome->connect_ms));
	known_member(out, "response_ms", audit_number(outcome->response_ms));
	text_member(out, "termination", outcome->termination);
	text_member(out, "backend", outcome->backend);
	text_member(out, "server", outcome->server);
	outbuf_u8(out, '}');
}

void audit_json_row(const struct audit_row *row, bool masked, struct outbuf *out)
{
	const struct audit_record *record = &row->record;
	char id[EVENT_ID_TEXT_BYTES + 1];
	outbuf_u8(out, '{');
	text_member(out, "id", event_id_text(&record->id, id));
	digits_member(out, "seq", row->seq);
	time_member(out, "time", record->at_us);
	text_member(out, "kind", sv_of(audit_kind_name(record->kind)));
	if (record->kind == AUDIT_ADMIN || record->kind == AUDIT_SYSTEM)
		put_act(out, record);
	if (record->kind == AUDIT_GAP)
		put_gap(out, record);
	put_who(out, record);
	put_what(out, record);
	put_verdict(out, record);
	put_trace(out, record);
	put_outcome(out, row);
	if (record->cut) {
		put_key(out, "cut");
		outbuf_put(out, SVL("true"));
	}
	if (masked) {
		put_key(out, "masked");
		outbuf_put(out, SVL("true"));
	}
	outbuf_u8(out, '}');
}
