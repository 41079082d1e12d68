#include "audit/csv.h"

#include "audit/query.h"
#include "audit/timetext.h"
#include "core/encode.h"
#include "core/limits.h"
#include "core/names.h"
#include "core/utf8.h"

/* ---- cells ---- */

/* Bytes that need no quotes and are well formed by themselves. */
static const bool plain_bytes[256] = {
	['!'] = true,         ['#' ... '&'] = true, ['(' ... '+'] = true,
	['-' ... ':'] = true, ['<' ... '~'] = true, [' '] = true,
};

/* Bytes that a formula may start with: themselves, or (0xef) of a character in full width. */
static const bool formula_bytes[256] = {
	['='] = true,  ['+'] = true,  ['-'] = true,  ['@'] = true,  ['\t'] = true,
	['\r'] = true, ['\n'] = true, ['\0'] = true, [0xef] = true,
};

static bool is_formula(struct sv text)
{
	static const struct sv wide[] = {SV("\xef\xbc\x9d"), SV("\xef\xbc\x8b"), SV("\xef\xbc\x8d"),
	                                 SV("\xef\xbc\xa0")}; /* = + - @ in full width */
	while (text.n > 0 && text.at[0] == ' ')
		text = sv_from(text, 1);
	if (text.n == 0 || !formula_bytes[(uint8_t)text.at[0]])
		return false;
	if ((uint8_t)text.at[0] != 0xef)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(wide); i++)
		if (sv_starts(text, wide[i]))
			return true;
	return false;
}

/* Bytes of a word that are `byte`: the high bit of each; exact in whether there is one at all. */
static inline uint64_t bytes_that_are(uint64_t word, uint8_t byte)
{
	uint64_t zero = word ^ byte * 0x0101010101010101U;
	return (zero - 0x0101010101010101U) & ~zero & 0x8080808080808080U;
}

/* Whether plain_bytes[] holds for all eight. */
static inline bool is_plain_word(const char *at)
{
	uint64_t word;
	memcpy(&word, at, sizeof(word));
	uint64_t below_blank = (word - 0x2020202020202020U) & ~word;
	uint64_t above_tilde = (word + 0x0101010101010101U) | word;
	uint64_t other = ((below_blank | above_tilde) & 0x8080808080808080U) |
	                 bytes_that_are(word, '"') | bytes_that_are(word, '\'') |
	                 bytes_that_are(word, ',') | bytes_that_are(word, ';');
	return other == 0;
}

static size_t plain_length(struct sv text)
{
	size_t n = 0;
	while (text.n - n >= 8 && is_plain_word(text.at + n))
		n += 8;
	if (text.n >= 8 && text.n - n < 8 && is_plain_word(text.at + text.n - 8))
		return text.n; /* the last word overlaps the one before */
	while (n < text.n && plain_bytes[(uint8_t)text.at[n]])
		n++;
	return n;
}

static void put_quoted(struct outbuf *out, struct sv text)
{
	while (text.n > 0) {
		size_t n = plain_length(text);
		outbuf_put(out, sv_first(text, n));
		text = sv_from(text, n);
		if (text.n == 0)
			return;
		size_t whole = utf8_length(text);
		if (text.at[0] == '"')
			outbuf_put(out, SVL("\"\""));
		else if (whole && text.at[0] != '\0')
			outbuf_put(out, sv_first(text, whole));
		else
			outbuf_put(out, SVL("\xef\xbf\xbd"));
		text = sv_from(text, whole ? whole : 1);
	}
}

void audit_csv_cell(struct outbuf *out, struct sv text, bool raw)
{
	bool formula = !raw && is_formula(text);
	if (!formula && plain_length(text) == text.n && (text.n == 0 || text.at[0] != ' ')) {
		outbuf_put(out, text);
		return;
	}
	outbuf_u8(out, '"');
	if (formula)
		outbuf_u8(out, '\'');
	put_quoted(out, text);
	outbuf_u8(out, '"');
}

static void put_digits(struct outbuf *out, uint64_t number)
{
	char room[20];
	size_t at = sizeof(room);
	do {
		room[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	outbuf_bytes(out, room + at, sizeof(room) - at);
}

/* ---- columns ---- */

struct cell {
	const struct audit_row *row;
	const struct audit_record *record; /* the decision's, or the outcome's */
	bool raw;
	size_t offset;
};

typedef void write_fn(struct outbuf *out, const struct cell *cell);

static const void *member(const struct cell *cell)
{
	return (const char *)cell->record + cell->offset;
}

static void write_text(struct outbuf *out, const struct cell *cell)
{
	audit_csv_cell(out, *(const struct sv *)member(cell), cell->raw);
}

static void write_number(struct outbuf *out, const struct cell *cell)
{
	uint64_t number = *(const uint64_t *)member(cell);
	if (number)
		put_digits(out, number);
}

static void write_known(struct outbuf *out, const struct cell *cell)
{
	int64_t number = audit_number(*(const uint64_t *)member(cell));
	if (number >= 0)
		put_digits(out, (uint64_t)number);
}

static void write_time(struct outbuf *out, const struct cell *cell)
{
	char room[CLOCK_TEXT_BYTES];
	outbuf_put(out, audit_time_text(cell->record->at_us, room));
}

static void write_id(struct outbuf *out, const struct cell *cell)
{
	char room[EVENT_ID_TEXT_BYTES + 1];
	outbuf_put(out, event_id_text(&cell->record->id, room));
}

static void write_seq(struct outbuf *out, const struct cell *cell)
{
	put_digits(out, cell->row->seq);
}

static void write_kind(struct outbuf *out, const struct cell *cell)
{
	outbuf_put(out, sv_of(audit_kind_name(cell->record->kind)));
}

static void write_auth(struct outbuf *out, const struct cell *cell)
{
	outbuf_put(out, sv_of(names_of(auth_method_names, AUTH_METHOD_COUNT,
	                               cell->record->auth_method)));
}

static void write_verdict(struct outbuf *out, const struct cell *cell)
{
	if (cell->record->has_verdict)
		outbuf_put(out, sv_of(verdict_effect_name(cell->record->effect)));
}

static void write_shadow(struct outbuf *out, const struct cell *cell)
{
	if (cell->record->has_shadow)
		outbuf_put(out, sv_of(verdict_effect_name(cell->record->shadow_effect)));
}

static void write_address(struct outbuf *out, const struct cell *cell)
{
	const struct netaddr *address = member(cell);
	if (address->family == 6) {
		char room[NETADDR_TEXT_BYTES];
		outbuf_put(out, netaddr_format(address, room));
		return;
	}
	for (unsigned i = 0; address->family == 4 && i < 4; i++) {
		if (i > 0)
			outbuf_u8(out, '.');
		put_digits(out, address->bytes[i]);
	}
}

static void write_micros(struct outbuf *out, const struct cell *cell)
{
	uint64_t ns = cell->record->took_ns;
	unsigned rest = (unsigned)(ns % 1000);
	if (ns == 0)
		return;
	put_digits(out, ns / 1000);
	outbuf_bytes(out,
	             (const char[]){'.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10),
	                            (char)('0' + rest % 10)},
	             4);
}

static void write_trace(struct outbuf *out, const struct cell *cell)
{
	char hex[2 * 16 + 1];
	if (cell->record->trace_id.n == 16)
		outbuf_put(out, hex_encode(cell->record->trace_id, hex));
}

/* A list is quoted as it is written, item by item; its first bytes decide whether it is a formula. */
static void open_list(struct outbuf *out, const struct cell *cell, struct sv first)
{
	outbuf_u8(out, '"');
	if (!cell->raw && is_formula(first))
		outbuf_u8(out, '\'');
}

/* Items of a list with ";" between. */
static void write_list(struct outbuf *out, const struct cell *cell)
{
	struct audit_list rest = *(const struct audit_list *)member(cell);
	struct sv item;
	if (!audit_list_next(&rest, &item))
		return;
	open_list(out, cell, item.n ? item : SVL(";"));
	put_quoted(out, item);
	while (audit_list_next(&rest, &item)) {
		outbuf_u8(out, ';');
		put_quoted(out, item);
	}
	outbuf_u8(out, '"');
}

/* "condition matched; condition failed: value, wanted expected" */
static void write_why(struct outbuf *out, const struct cell *cell)
{
	static const struct sv before[] = {[AUDIT_WHY_RULE] = SV(" "),
	                                   [AUDIT_WHY_CONDITION] = SV(" "),
	                                   [AUDIT_WHY_VALUE] = SV(": "),
	                                   [AUDIT_WHY_EXPECTED] = SV(", wanted "),
	                                   [AUDIT_WHY_POLICY] = SV("")};
	struct audit_list rest = cell->record->why;
	struct sv part;
	for (size_t i = 0; audit_list_next(&rest, &part); i++) {
		size_t which = i % AUDIT_WHY_PARTS;
		if (which == AUDIT_WHY_POLICY && part.n == 0)
			part = cell->record->policy;
		if (i == 0)
			open_list(out, cell, part);
		else if (which == 0)
			outbuf_put(out, SVL("; "));
		if (which == AUDIT_WHY_HELD) {
			outbuf_put(out, part.n ? SVL(" matched") : SVL(" failed"));
		} else if (part.n) {
			outbuf_put(out, before[which]);
			put_quoted(out, part);
		}
	}
	if (cell->record->why.packed.n)
		outbuf_u8(out, '"');
}

/* A cell is empty when the word at `probe` is zero: most cells are, and cost no call then. */
struct column {
	const char *name;
	write_fn *write;
	size_t offset, probe;
	bool of_outcome;
};

#define AT(member)     offsetof(struct audit_record, member)
#define ALWAYS         SIZE_MAX
#define TEXT(member)   write_text, AT(member), AT(member) + offsetof(struct sv, n)
#define LIST(member)   write_list, AT(member), AT(member) + offsetof(struct sv, n)
#define NUMBER(member) write_number, AT(member), AT(member)
#define KNOWN(member)  write_known, AT(member), AT(member)
static const struct column columns[] = {
	{"id", write_id, 0, ALWAYS, false},
	{"seq", write_seq, 0, ALWAYS, false},
	{"time", write_time, 0, ALWAYS, false},
	{"kind", write_kind, 0, ALWAYS, false},
	{"user", TEXT(user), false},
	{"issuer", TEXT(issuer), false},
	{"client", TEXT(client), false},
	{"groups", LIST(groups), false},
	{"scopes", LIST(scopes), false},
	{"auth_method", write_auth, 0, ALWAYS, false},
	{"workload", TEXT(workload), false},
	{"source_service", TEXT(source_service), false},
	{"service", TEXT(service), false},
	{"src", write_address, AT(src), ALWAYS, false},
	{"src_port", NUMBER(src_port), false},
	{"method", TEXT(method), false},
	{"host", TEXT(host), false},
	{"path", TEXT(path), false},
	{"query", TEXT(query), false},
	{"route", TEXT(route), false},
	{"verdict", write_verdict, 0, ALWAYS, false},
	{"status", NUMBER(status), false},
	{"reason", TEXT(reason), false},
	{"policy", TEXT(policy), false},
	{"policy_version", NUMBER(policy_version), false},
	{"why", write_why, 0, AT(why) + offsetof(struct sv, n), false},
	{"shadow_verdict", write_shadow, 0, ALWAYS, false},
	{"shadow_policy", TEXT(shadow_policy), false},
	{"request_id", TEXT(request_id), false},
	{"trace_id", write_trace, 0, AT(trace_id) + offsetof(struct sv, n), false},
	{"user_agent", TEXT(user_agent), false},
	{"took_us", write_micros, 0, AT(took_ns), false},
	{"action", TEXT(action), false},
	{"target", TEXT(target), false},
	{"result", TEXT(result), false},
	{"roles", TEXT(roles), false},
	{"channel", TEXT(channel), false},
	{"before", TEXT(before), false},
	{"after", TEXT(after), false},
	{"detail", TEXT(detail), false},
	{"gap_count", NUMBER(gap_count), false},
	{"outcome_time", write_time, 0, ALWAYS, true},
	{"outcome_status", KNOWN(out_status), true},
	{"outcome_bytes_out", KNOWN(bytes_out), true},
	{"outcome_bytes_in", KNOWN(bytes_in), true},
	{"outcome_duration_ms", KNOWN(duration_ms), true},
	{"outcome_queue_ms", KNOWN(queue_ms), true},
	{"outcome_connect_ms", KNOWN(connect_ms), true},
	{"outcome_response_ms", KNOWN(response_ms), true},
	{"outcome_termination", TEXT(termination), true},
	{"outcome_backend", TEXT(backend), true},
	{"outcome_server", TEXT(server), true},
};

void audit_csv_header(struct outbuf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		if (i > 0)
			outbuf_u8(out, ',');
		outbuf_put(out, sv_of(columns[i].name));
	}
	outbuf_put(out, SVL("\r\n"));
}

static bool has_cell(const struct audit_record *record, const struct column *column)
{
	uint64_t word;
	if (column->probe == ALWAYS)
		return true;
	memcpy(&word, (const char *)record + column->probe, sizeof(word));
	return word != 0;
}

void audit_csv_row(const struct audit_row *row, bool raw, struct outbuf *out)
{
	struct cell cell = {.row = row, .raw = raw};
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		const struct column *column = &columns[i];
		cell.record = column->of_outcome ? &row->outcome : &row->record;
		cell.offset = column->offset;
		if (i > 0)
			outbuf_u8(out, ',');
		if ((!column->of_outcome || row->has_outcome) && has_cell(cell.record, column))
			column->write(out, &cell);
	}
	outbuf_put(out, SVL("\r\n"));
}
