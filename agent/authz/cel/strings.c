/* Text, counted in code points. source: cel-spec doc/langdef.md and doc/extensions/strings.md */
#include "authz/cel/format.h"
#include "authz/cel/function.h"
#include "core/utf8.h"

#define FUNCTION(name) \
	static struct cel_value name(struct cel_call *call, const struct cel_value *a, unsigned n)

static struct cel_value out_of_range(struct cel_call *call, int64_t index)
{
	return cel_errorf(call, "index out of range: %lld", (long long)index);
}

/* ---- looking ---- */

/* Octet of the needle at or behind from; hay.n + 1: nowhere. */
static size_t find(struct sv hay, struct sv needle, size_t from)
{
	if (needle.n > hay.n || from > hay.n - needle.n)
		return hay.n + 1;
	const char *at =
		needle.n ? memmem(hay.at + from, hay.n - from, needle.at, needle.n) : hay.at + from;
	return at ? (size_t)(at - hay.at) : hay.n + 1;
}

FUNCTION(contains)
{
	(void)n;
	if (!cel_charge(call, a[0].n / 16))
		return cel_over();
	return cel_bool(a[1].n == 0 || find(cel_text(a[0]), cel_text(a[1]), 0) <= a[0].n);
}

FUNCTION(starts_with)
{
	(void)call, (void)n;
	return cel_bool(sv_starts(cel_text(a[0]), cel_text(a[1])));
}

FUNCTION(ends_with)
{
	(void)call, (void)n;
	return cel_bool(sv_ends(cel_text(a[0]), cel_text(a[1])));
}

/* Octet where the code point of that number begins; text.n at the end, text.n + 1 behind it. */
static size_t octet_of(struct sv text, int64_t index)
{
	size_t at = 0;
	if (index < 0)
		return text.n + 1;
	for (; index > 0 && at < text.n; index--)
		do
			at++;
		while (at < text.n && ((unsigned char)text.at[at] & 0xc0) == 0x80);
	return index > 0 ? text.n + 1 : at;
}

static int64_t index_of_octet(struct sv text, size_t at)
{
	return (int64_t)cel_utf8_count(sv_first(text, at));
}

FUNCTION(char_at)
{
	(void)n;
	struct sv text = cel_text(a[0]);
	if (!cel_charge(call, text.n / 16))
		return cel_over();
	size_t at = octet_of(text, a[1].i);
	if (at > text.n)
		return out_of_range(call, a[1].i);
	return cel_string(
		sv_first(sv_from(text, at), at < text.n ? utf8_length(sv_from(text, at)) : 0));
}

FUNCTION(index_of)
{
	struct sv text = cel_text(a[0]), wanted = cel_text(a[1]);
	int64_t from = n > 2 ? a[2].i : 0;
	if (!cel_charge(call, text.n / 8))
		return cel_over();
	size_t at = octet_of(text, from);
	if (at > text.n)
		return out_of_range(call, from);
	at = find(text, wanted, at);
	return cel_int(at > text.n ? -1 : index_of_octet(text, at));
}

FUNCTION(last_index_of)
{
	struct sv text = cel_text(a[0]), wanted = cel_text(a[1]);
	if (!cel_charge(call, text.n / 4 + text.n * wanted.n / 64))
		return cel_over();
	size_t last = n > 2 ? octet_of(text, a[2].i) : text.n;
	if (last > text.n)
		return out_of_range(call, a[2].i);
	if (wanted.n > text.n)
		return cel_int(-1);
	for (size_t at = MIN_OF(last, text.n - wanted.n) + 1; at > 0; at--)
		if (sv_starts(sv_from(text, at - 1), wanted))
			return cel_int(index_of_octet(text, at - 1));
	return cel_int(-1);
}

FUNCTION(substring)
{
	struct sv text = cel_text(a[0]);
	if (!cel_charge(call, text.n / 8))
		return cel_over();
	size_t from = octet_of(text, a[1].i), to = n > 2 ? octet_of(text, a[2].i) : text.n;
	if (from > text.n)
		return out_of_range(call, a[1].i);
	if (to > text.n)
		return out_of_range(call, a[2].i);
	if (to < from)
		return cel_errorf(call, "invalid substring range. start: %lld, end: %lld",
		                  (long long)a[1].i, (long long)a[2].i);
	return cel_string(sv_first(sv_from(text, from), to - from));
}

/* ---- making other text ---- */

static struct cel_value mapped(struct cel_call *call, struct cel_value text, char from, char to,
                               int shift)
{
	if (!cel_charge(call, text.n / 16))
		return cel_over();
	char *made = arena_alloc(call->arena, text.n + 1UL);
	if (!made)
		return cel_out_of_memory(call);
	for (uint32_t i = 0; i < text.n; i++) {
		char c = text.bytes[i];
		made[i] = c >= from && c <= to ? (char)(c + shift) : c;
	}
	return cel_string((struct sv){made, text.n});
}

FUNCTION(lower_ascii)
{
	(void)n;
	return mapped(call, a[0], 'A', 'Z', 'a' - 'A');
}

FUNCTION(upper_ascii)
{
	(void)n;
	return mapped(call, a[0], 'a', 'z', 'A' - 'a');
}

FUNCTION(reverse)
{
	(void)n;
	struct sv text = cel_text(a[0]);
	if (!cel_charge(call, text.n / 8))
		return cel_over();
	char *made = arena_alloc(call->arena, text.n + 1);
	if (!made)
		return cel_out_of_memory(call);
	for (size_t at = 0, length; at < text.n; at += length) {
		length = utf8_length(sv_from(text, at));
		length = length ? length : 1;
		memcpy(made + text.n - at - length, text.at + at, length);
	}
	return cel_string((struct sv){made, text.n});
}

/* White space of Unicode (White_Space), as Go's unicode.IsSpace() knows it. */
static bool is_space(struct sv c)
{
	static const struct sv spaces[] = {
		SV(" "),
		SV("\t"),
		SV("\n"),
		SV("\v"),
		SV("\f"),
		SV("\r"),
		SV("\xc2\x85"),
		SV("\xc2\xa0"),
		SV("\xe1\x9a\x80"),
		SV("\xe2\x80\x80"),
		SV("\xe2\x80\x81"),
		SV("\xe2\x80\x82"),
		SV("\xe2\x80\x83"),
		SV("\xe2\x80\x84"),
		SV("\xe2\x80\x85"),
		SV("\xe2\x80\x86"),
		SV("\xe2\x80\x87"),
		SV("\xe2\x80\x88"),
		SV("\xe2\x80\x89"),
		SV("\xe2\x80\x8a"),
		SV("\xe2\x80\xa8"),
		SV("\xe2\x80\xa9"),
		SV("\xe2\x80\xaf"),
		SV("\xe2\x81\x9f"),
		SV("\xe3\x80\x80"),
	};
	for (size_t i = 0; i < ARRAY_LEN(spaces); i++)
		if (sv_eq(spaces[i], c))
			return true;
	return false;
}

FUNCTION(trim)
{
	(void)n;
	struct sv text = cel_text(a[0]);
	size_t length;
	if (!cel_charge(call, text.n / 8))
		return cel_over();
	while (text.n > 0 && (length = utf8_length(text)) && is_space(sv_first(text, length)))
		text = sv_from(text, length);
	for (;;) {
		size_t at = text.n;
		while (at > 0 && ((unsigned char)text.at[at - 1] & 0xc0) == 0x80)
			at--;
		if (at == 0 || !is_space(sv_from(text, at - 1)))
			return cel_string(text);
		text.n = at - 1;
	}
}

/* ---- pieces ---- */

struct pieces {
	struct cel_call *call;
	struct cel_value *at;
	size_t n, room;
};

static bool add_piece(struct pieces *pieces, struct sv text)
{
	if (pieces->n == pieces->room) {
		size_t room = pieces->room ? 2 * pieces->room : 8;
		struct cel_value *at = arena_array(pieces->call->arena, room, sizeof(*at));
		if (!at || !cel_charge(pieces->call, room))
			return false;
		if (pieces->n)
			memcpy(at, pieces->at, pieces->n * sizeof(*at));
		pieces->at = at;
		pieces->room = room;
	}
	pieces->at[pieces->n++] = cel_string(text);
	return true;
}

/* Where the next piece ends: at the separator, or behind each character when that is empty. */
static size_t piece_length(struct sv rest, struct sv separator)
{
	if (separator.n == 0)
		return utf8_length(rest) < rest.n ? MAX_OF(utf8_length(rest), (size_t)1)
		                                  : rest.n + 1;
	return find(rest, separator, 0);
}

FUNCTION(split)
{
	struct pieces pieces = {.call = call};
	struct sv rest = cel_text(a[0]), separator = cel_text(a[1]);
	int64_t limit = n > 2 ? a[2].i : -1;
	if (!cel_charge(call, rest.n / 8))
		return cel_over();
	if (limit == 0 || (rest.n == 0 && separator.n == 0))
		return cel_list(NULL, 0);
	while (limit < 0 || (int64_t)pieces.n + 1 < limit) {
		size_t length = piece_length(rest, separator);
		if (length > rest.n)
			break;
		if (!add_piece(&pieces, sv_first(rest, length)))
			return cel_out_of_memory(call);
		rest = sv_from(rest, length + separator.n);
	}
	return add_piece(&pieces, rest) ? cel_list(pieces.at, pieces.n) : cel_out_of_memory(call);
}

struct joining {
	struct cel_call *call;
	char *at;
	size_t n, room;
};

static bool put(struct joining *j, struct sv text)
{
	if (j->n + text.n > j->room || !j->at) {
		size_t room = 2 * (j->n + text.n) + 64;
		char *at =
			cel_charge(j->call, room / 16) ? arena_alloc(j->call->arena, room) : NULL;
		if (!at)
			return false;
		if (j->n)
			memcpy(at, j->at, j->n);
		j->at = at;
		j->room = room;
	}
	if (text.n)
		memcpy(j->at + j->n, text.at, text.n);
	j->n += text.n;
	return true;
}

static struct cel_value joined(struct joining *j)
{
	return j->n > UINT32_MAX ? cel_out_of_memory(j->call)
	                         : cel_string((struct sv){j->at, j->n});
}

FUNCTION(join)
{
	struct joining j = {.call = call};
	struct sv separator = n > 1 ? cel_text(a[1]) : (struct sv){0};
	for (uint32_t i = 0; i < a[0].n; i++) {
		if (a[0].items[i].kind != CEL_STRING)
			return cel_no_overload();
		if (!put(&j, i ? separator : (struct sv){0}) || !put(&j, cel_text(a[0].items[i])))
			return cel_out_of_memory(call);
	}
	return j.n ? joined(&j) : cel_string(SVL(""));
}

FUNCTION(replace)
{
	struct joining j = {.call = call};
	struct sv rest = cel_text(a[0]), from = cel_text(a[1]), to = cel_text(a[2]);
	int64_t limit = n > 3 ? a[3].i : -1;
	if (!cel_charge(call, rest.n / 8))
		return cel_over();
	for (; limit != 0; limit--) {
		/* an empty text stands before every character, and at the end */
		size_t length = from.n ? find(rest, from, 0) : 0;
		size_t one = from.n ? 0 : rest.n ? MAX_OF(utf8_length(rest), (size_t)1) : 0;
		if (length > rest.n)
			break;
		if (!put(&j, sv_first(rest, length)) || !put(&j, to) ||
		    !put(&j, sv_first(sv_from(rest, length), one)))
			return cel_out_of_memory(call);
		bool is_last = from.n == 0 && rest.n == 0;
		rest = sv_from(rest, length + from.n + one);
		if (is_last)
			break;
	}
	return put(&j, rest) ? joined(&j) : cel_out_of_memory(call);
}

FUNCTION(quote)
{
	(void)n;
	static const char from[] = "\a\b\f\n\r\t\v\\\"", into[] = "abfnrtv\\\"";
	struct joining j = {.call = call};
	struct sv rest = cel_text(a[0]);
	bool good = put(&j, SVL("\""));
	while (good && rest.n > 0) {
		const char *special = rest.at[0] ? strchr(from, rest.at[0]) : NULL;
		size_t length = utf8_length(rest);
		const char escaped[] = {'\\', special ? into[special - from] : 0};
		good = special ? put(&j, (struct sv){escaped, 2})
		               : put(&j, length ? sv_first(rest, length) : SVL("\xef\xbf\xbd"));
		rest = sv_from(rest, length ? length : 1);
	}
	return good && put(&j, SVL("\"")) ? joined(&j) : cel_out_of_memory(call);
}

#define RECEIVER(name, args, result, call, does)                      \
	{                                                             \
		name, CEL_RECEIVER, args, result, call, does, 0, NULL \
	}

static const struct cel_function rows[] = {
	RECEIVER("contains", "string, string", "bool", contains, "is the text in it"),
	RECEIVER("startsWith", "string, string", "bool", starts_with, "does it begin so"),
	RECEIVER("endsWith", "string, string", "bool", ends_with, "does it end so"),
	RECEIVER("charAt", "string, int", "string", char_at, "the character at that index, from 0"),
	RECEIVER("indexOf", "string, string", "int", index_of,
                 "where the text begins in it, or -1"),
	RECEIVER("indexOf", "string, string, int", "int", index_of, "the same from that index on"),
	RECEIVER("lastIndexOf", "string, string", "int", last_index_of,
                 "where the text begins in it for the last time, or -1"),
	RECEIVER("lastIndexOf", "string, string, int", "int", last_index_of,
                 "the same, not behind that index"),
	RECEIVER("substring", "string, int", "string", substring, "the text from that index on"),
	RECEIVER("substring", "string, int, int", "string", substring,
                 "the text from the first index up to before the second"),
	RECEIVER("lowerAscii", "string", "string", lower_ascii, "A to Z in lower case"),
	RECEIVER("upperAscii", "string", "string", upper_ascii, "a to z in upper case"),
	RECEIVER("trim", "string", "string", trim, "without white space around it"),
	RECEIVER("reverse", "string", "string", reverse, "its characters, the last one first"),
	RECEIVER("split", "string, string", "list(string)", split,
                 "the pieces between a separator"),
	RECEIVER("split", "string, string, int", "list(string)", split,
                 "the same, at most so many pieces"),
	RECEIVER("join", "list(string)", "string", join, "all texts one behind the other"),
	RECEIVER("join", "list(string), string", "string", join, "the same with a text between"),
	RECEIVER("replace", "string, string, string", "string", replace,
                 "with each occurrence of the first text replaced by the second"),
	RECEIVER("replace", "string, string, string, int", "string", replace,
                 "the same for so many occurrences"),
	RECEIVER("format", "string, list(dyn)", "string", cel_format,
                 "with %s %d %f %e %b %o %x %X replaced by the elements"),
	{"strings.quote", CEL_GLOBAL, "string", "string", quote, "in quotes, with escapes", 0,
         NULL},
};

const struct cel_functions cel_functions_strings = {"Strings", rows, ARRAY_LEN(rows)};
