#include "core/jsonpos.h"

#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>

/* A scanner that only skips; on text that is not JSON it stops where it no longer understands. */
struct scan {
	struct sv text;
	size_t at;
};

static char peek(const struct scan *s)
{
	return s->at < s->text.n ? s->text.at[s->at] : '\0';
}

static void skip_space(struct scan *s)
{
	while (s->at < s->text.n && strchr(" \t\r\n", s->text.at[s->at]) && s->text.at[s->at])
		s->at++;
}

static struct sv skip_string(struct scan *s)
{
	size_t start = ++s->at;
	while (s->at < s->text.n && s->text.at[s->at] != '"')
		s->at += s->text.at[s->at] == '\\' ? 2 : 1;
	size_t end = s->at < s->text.n ? s->at : s->text.n;
	s->at = end < s->text.n ? end + 1 : end;
	return (struct sv){s->text.at + start, end > start ? end - start : 0};
}

/* Brackets are counted and strings stepped over, so no recursion is needed. */
static void skip_value(struct scan *s)
{
	size_t depth = 0;
	do {
		skip_space(s);
		char c = peek(s);
		if (c == '"') {
			(void)skip_string(s);
		} else if (c == '{' || c == '[') {
			depth++;
			s->at++;
		} else if (c == '}' || c == ']') {
			if (depth == 0)
				return;
			depth--;
			s->at++;
		} else if (depth && (c == ',' || c == ':')) {
			s->at++;
		} else {
			size_t start = s->at;
			while (s->at < s->text.n && !strchr(",:]}[{\" \t\r\n", peek(s)))
				s->at++;
			if (s->at == start)
				return;
		}
	} while (depth && s->at < s->text.n);
}

/* Moves to the value of the member called key; back to where it was when there is none. */
static bool enter_member(struct scan *s, struct sv key)
{
	size_t back = s->at++;
	for (;;) {
		skip_space(s);
		if (peek(s) != '"')
			break;
		struct sv name = skip_string(s);
		skip_space(s);
		if (peek(s) != ':')
			break;
		s->at++;
		skip_space(s);
		if (sv_eq(name, key))
			return true;
		skip_value(s);
		skip_space(s);
		if (peek(s) != ',')
			break;
		s->at++;
	}
	s->at = back;
	return false;
}

static bool enter_element(struct scan *s, struct sv token)
{
	unsigned long long index;
	size_t back = s->at++;
	if (!sv_to_u64(token, &index)) {
		s->at = back;
		return false;
	}
	for (skip_space(s); index > 0 && peek(s) != ']' && s->at < s->text.n; index--) {
		skip_value(s);
		skip_space(s);
		if (peek(s) != ',')
			break;
		s->at++;
		skip_space(s);
	}
	if (index == 0 && s->at < s->text.n && peek(s) != ']')
		return true;
	s->at = back;
	return false;
}

/* "~1" and "~0" of RFC 6901; the result is never longer than the token. */
static struct sv unescape(struct sv token, char *room)
{
	size_t n = 0;
	for (size_t i = 0; i < token.n; i++) {
		char c = token.at[i];
		if (c == '~' && i + 1 < token.n)
			c = token.at[++i] == '1' ? '/' : '~';
		room[n++] = c;
	}
	return (struct sv){room, n};
}

static bool enter(struct scan *s, struct sv token)
{
	char key[256];
	if (token.n > sizeof(key))
		return false;
	struct sv plain = unescape(token, key);
	if (peek(s) == '{')
		return enter_member(s, plain);
	return peek(s) == '[' && enter_element(s, plain);
}

void json_position(struct sv text, const char *pointer, unsigned *line, unsigned *column)
{
	struct scan s = {.text = text};
	struct sv rest = sv_of(pointer), token;
	skip_space(&s);
	if (rest.n && rest.at[0] == '/') {
		rest = (struct sv){rest.at + 1, rest.n - 1};
		while (sv_cut(&rest, '/', &token) && enter(&s, token))
			skip_space(&s);
	}
	*line = 1;
	*column = 1;
	for (size_t i = 0; i < s.at && i < text.n; i++) {
		*line += text.at[i] == '\n';
		*column = text.at[i] == '\n' ? 1 : *column + 1;
	}
}

bool json_pointer_add(char *pointer, size_t size, struct sv token)
{
	size_t n = strlen(pointer), start = n;
	if (n + 2 > size)
		return false;
	pointer[n++] = '/';
	for (size_t i = 0; i < token.n; i++) {
		const char *escaped = token.at[i] == '~' ? "~0" : token.at[i] == '/' ? "~1" : NULL;
		size_t need = escaped ? 2 : 1;
		if (n + need + 1 > size) {
			pointer[start] = '\0';
			return false;
		}
		if (escaped)
			memcpy(pointer + n, escaped, 2);
		else
			pointer[n] = token.at[i];
		n += need;
	}
	pointer[n] = '\0';
	return true;
}
