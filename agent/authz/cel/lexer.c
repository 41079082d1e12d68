#include "authz/cel/lexer.h"

#include "core/utf8.h"

#include <errno.h>
#include <stdlib.h>

static char peek(const struct cel_lexer *l, size_t ahead)
{
	return l->at + ahead < l->source.n ? l->source.at[l->at + ahead] : 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c = sv_lower_char(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void skip_blanks(struct cel_lexer *l)
{
	while (l->at < l->source.n) {
		char c = peek(l, 0);
		if (c == '/' && peek(l, 1) == '/')
			while (l->at < l->source.n && peek(l, 0) != '\n')
				l->at++;
		else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f')
			l->at++;
		else
			return;
	}
}

static struct cel_token fail(struct cel_token token, const char *why)
{
	token.kind = CEL_TOKEN_ERROR;
	token.why = why;
	return token;
}

/* ---- numbers ---- */

enum { NUMBER_MAX_BYTES = 400 }; /* longer ones say nothing more */

static struct cel_token whole_number(struct cel_lexer *l, struct cel_token token, struct sv digits,
                                     unsigned base)
{
	uint64_t number = 0;
	bool is_uint = sv_lower_char(peek(l, 0)) == 'u';
	if (is_uint)
		l->at++;
	for (size_t i = 0; i < digits.n; i++)
		if (__builtin_mul_overflow(number, (uint64_t)base, &number) ||
		    __builtin_add_overflow(number, (uint64_t)hex_value(digits.at[i]), &number))
			return fail(token, "the number is too large");
	token.kind = CEL_TOKEN_NUMBER;
	token.constant = is_uint ? cel_uint(number) : cel_int((int64_t)number);
	token.is_min = !is_uint && number == (uint64_t)INT64_MAX + 1;
	if (!is_uint && number > (uint64_t)INT64_MAX && !token.is_min)
		return fail(token, "the number is too large for an int; a uint has u behind it");
	return token;
}

static size_t count_digits(const struct cel_lexer *l, size_t from)
{
	size_t n = from;
	while (is_digit(peek(l, n)))
		n++;
	return n;
}

/* Length of a floating point literal from here, 0 when it is none. */
static size_t float_length(const struct cel_lexer *l)
{
	size_t n = count_digits(l, 0);
	bool has_point = peek(l, n) == '.' && is_digit(peek(l, n + 1));
	if (has_point)
		n = count_digits(l, n + 1);
	size_t sign = peek(l, n + 1) == '+' || peek(l, n + 1) == '-' ? 1 : 0;
	bool has_exponent = sv_lower_char(peek(l, n)) == 'e' && is_digit(peek(l, n + 1 + sign));
	if (has_exponent)
		n = count_digits(l, n + 1 + sign);
	return has_point || has_exponent ? n : 0;
}

static struct cel_token lex_number(struct cel_lexer *l, struct cel_token token)
{
	char text[NUMBER_MAX_BYTES + 1];
	size_t n = float_length(l);
	if (n > NUMBER_MAX_BYTES)
		return fail(token, "the number is too long");
	if (n > 0) {
		memcpy(text, l->source.at + l->at, n);
		text[n] = '\0';
		l->at += n;
		token.kind = CEL_TOKEN_NUMBER;
		token.constant = cel_double(strtod(text, NULL));
		return token;
	}
	bool is_hex =
		peek(l, 0) == '0' && sv_lower_char(peek(l, 1)) == 'x' && hex_value(peek(l, 2)) >= 0;
	size_t from = l->at += is_hex ? 2 : 0;
	while (is_hex ? hex_value(peek(l, 0)) >= 0 : is_digit(peek(l, 0)))
		l->at++;
	struct sv digits = {l->source.at + from, l->at - from};
	return whole_number(l, token, digits, is_hex ? 16 : 10);
}

/* ---- text ---- */

struct text_form {
	bool is_raw, is_bytes;
	char quote;
	unsigned n_quotes; /* 1 or 3 */
};

static size_t put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (size_t i = n; i > 1; i--) {
		to[i - 1] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	to[0] = (char)(heads[n] | c);
	return n;
}

/* A code of so many digits; -1 when they are not there. */
static int64_t read_code(struct cel_lexer *l, size_t n_digits, unsigned base)
{
	int64_t code = 0;
	for (size_t i = 0; i < n_digits; i++) {
		int digit = hex_value(peek(l, i));
		if (digit < 0 || (unsigned)digit >= base)
			return -1;
		code = code * base + digit;
	}
	l->at += n_digits;
	return code;
}

/* The escape behind a backslash that was passed. NULL, or what is wrong. */
static const char *read_escape(struct cel_lexer *l, const struct text_form *form, char *to,
                               size_t *n)
{
	static const char from[] = "abfnrtv\\?\"'`", into[] = "\a\b\f\n\r\t\v\\?\"'`";
	char c = peek(l, 0);
	const char *simple = c ? strchr(from, c) : NULL;
	if (simple) {
		l->at++;
		to[(*n)++] = into[simple - from];
		return NULL;
	}
	bool is_octal = c >= '0' && c <= '3';
	bool is_unicode = c == 'u' || c == 'U';
	if (!is_octal)
		l->at++;
	int64_t code = is_octal               ? read_code(l, 3, 8)
	               : c == 'x' || c == 'X' ? read_code(l, 2, 16)
	               : c == 'u'             ? read_code(l, 4, 16)
	               : c == 'U'             ? read_code(l, 8, 16)
	                                      : -1;
	if (code < 0)
		return "this is no escape; a backslash is written as \\\\";
	if (is_unicode && form->is_bytes)
		return "bytes have no \\u; write their octets as \\xHH";
	if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return "this code is no character";
	if (form->is_bytes)
		to[(*n)++] = (char)code;
	else
		*n += put_utf8(to + *n, (uint32_t)code);
	return NULL;
}

static bool ends_here(const struct cel_lexer *l, const struct text_form *form)
{
	for (unsigned i = 0; i < form->n_quotes; i++)
		if (peek(l, i) != form->quote)
			return false;
	return true;
}

/* Octets up to the closing quote, and whether an escape is among them. */
static size_t text_length(const struct cel_lexer *l, const struct text_form *form, bool *has_escape)
{
	struct cel_lexer ahead = *l;
	*has_escape = false;
	while (ahead.at < ahead.source.n && !ends_here(&ahead, form)) {
		bool is_escape = !form->is_raw && ahead.source.at[ahead.at] == '\\';
		*has_escape = *has_escape || is_escape;
		ahead.at += is_escape ? 2 : 1;
	}
	return MIN_OF(ahead.at, ahead.source.n) - l->at;
}

/* What is written takes no more room than its source. */
static const char *read_escaped(struct cel_lexer *l, const struct text_form *form, size_t n_source,
                                struct sv *ret)
{
	size_t n = 0, end = l->at + n_source;
	char *to = arena_alloc(l->keep, n_source + 1);
	if (!to)
		return "the expression needs more memory than it may have";
	while (l->at < end) {
		char c = l->source.at[l->at++];
		const char *why = c == '\\' ? read_escape(l, form, to, &n) : NULL;
		if (why)
			return why;
		if (c != '\\')
			to[n++] = c;
	}
	*ret = (struct sv){to, n};
	return NULL;
}

static bool has_line_break(struct sv text)
{
	return sv_find(text, '\n') < text.n || sv_find(text, '\r') < text.n;
}

static struct cel_token lex_text(struct cel_lexer *l, struct cel_token token,
                                 const struct text_form *form)
{
	bool has_escape;
	size_t n = text_length(l, form, &has_escape);
	struct sv text = {l->source.at + l->at, n};
	if (form->n_quotes == 1 && has_line_break(text))
		return fail(token,
		            "a text ends before the end of its line; a line break is written "
		            "as \\n, or between triple quotes");
	if (l->at + n >= l->source.n)
		return fail(token, "this text has no closing quote");
	const char *why = has_escape ? read_escaped(l, form, n, &text) : NULL;
	if (why) {
		token.offset = (uint32_t)(l->at - 1);
		return fail(token, why);
	}
	l->at = has_escape ? l->at : l->at + n;
	l->at += form->n_quotes;
	token.kind = CEL_TOKEN_TEXT;
	token.constant = form->is_bytes ? cel_bytes(text) : cel_string(text);
	return token;
}

/* Letters in front of a quote; false: this begins no text. */
static bool text_begins(struct cel_lexer *l, struct text_form *form)
{
	size_t n = 0;
	*form = (struct text_form){0};
	for (; n < 2; n++) {
		char c = sv_lower_char(peek(l, n));
		if (c == 'r' && !form->is_raw)
			form->is_raw = true;
		else if (c == 'b' && !form->is_bytes)
			form->is_bytes = true;
		else
			break;
	}
	form->quote = peek(l, n);
	if (form->quote != '"' && form->quote != '\'')
		return false;
	bool is_triple = peek(l, n + 1) == form->quote && peek(l, n + 2) == form->quote;
	form->n_quotes = is_triple ? 3 : 1;
	l->at += n + form->n_quotes;
	return true;
}

/* ---- the rest ---- */

static struct cel_token lex_quoted(struct cel_lexer *l, struct cel_token token)
{
	size_t from = ++l->at;
	while (peek(l, 0) && peek(l, 0) != '`' && peek(l, 0) != '\n')
		l->at++;
	token.text = (struct sv){l->source.at + from, l->at - from};
	if (peek(l, 0) != '`' || token.text.n == 0)
		return fail(token, "this name has no closing `");
	l->at++;
	token.kind = CEL_TOKEN_QUOTED;
	return token;
}

static struct cel_token lex_sign(struct cel_lexer *l, struct cel_token token)
{
	static const char *const signs[] = {"&&", "||", "==", "!=", "<=", ">=", "<", ">",
	                                    "+",  "-",  "*",  "/",  "%",  "!",  "?", ":",
	                                    ",",  ".",  "(",  ")",  "[",  "]",  "{", "}"};
	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		if (!sv_starts(sv_from(l->source, l->at), sv_of(signs[i])))
			continue;
		token.kind = CEL_TOKEN_SIGN;
		token.text = sv_of(signs[i]);
		l->at += token.text.n;
		return token;
	}
	char c = peek(l, 0);
	if (c == '=')
		return fail(token, "equality is written as ==");
	return fail(token, c == '&' || c == '|' ? "and is written as &&, or as ||"
	                                        : "this character means nothing here");
}

struct cel_token cel_lex(struct cel_lexer *l)
{
	struct text_form form;
	skip_blanks(l);
	struct cel_token token = {.offset = (uint32_t)l->at};
	char c = peek(l, 0);
	if (l->at >= l->source.n) {
		token.kind = CEL_TOKEN_END;
	} else if (text_begins(l, &form)) {
		token = lex_text(l, token, &form);
	} else if (is_letter(c)) {
		while (is_letter(peek(l, 0)) || is_digit(peek(l, 0)))
			l->at++;
		token.kind = CEL_TOKEN_IDENT;
		token.text = (struct sv){l->source.at + token.offset, l->at - token.offset};
	} else if (is_digit(c) || (c == '.' && is_digit(peek(l, 1)))) {
		token = lex_number(l, token);
	} else if (c == '`') {
		token = lex_quoted(l, token);
	} else {
		token = lex_sign(l, token);
	}
	token.end = (uint32_t)l->at;
	return token;
}

bool cel_is_reserved(struct sv name)
{
	static const struct sv words[] = {
		SV("as"),   SV("break"),     SV("const"), SV("continue"), SV("else"),   SV("false"),
		SV("for"),  SV("function"),  SV("if"),    SV("import"),   SV("in"),     SV("let"),
		SV("loop"), SV("namespace"), SV("null"),  SV("package"),  SV("return"), SV("true"),
		SV("var"),  SV("void"),      SV("while"),
	};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (sv_eq(words[i], name))
			return true;
	return false;
}
