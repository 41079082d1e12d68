#include "core/strbuf.h"

#include "core/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void strbuf_fini(struct strbuf *b)
{
	if (!b)
		return;
	free(b->at);
	*b = (struct strbuf){0};
}

/* Room for n more bytes and the terminator. */
static bool grow(struct strbuf *b, size_t n)
{
	if (b->failed || b->n > b->max || n > b->max - b->n) {
		b->failed = true;
		return false;
	}
	size_t need = b->n + n + 1;
	if (need <= b->room)
		return true;
	size_t room = b->room ? b->room : 256;
	while (room < need)
		room *= 2;
	char *at = realloc(b->at, room);
	if (!at) {
		b->failed = true;
		return false;
	}
	b->at = at;
	b->room = room;
	return true;
}

void strbuf_add(struct strbuf *b, struct sv text)
{
	if (!grow(b, text.n))
		return;
	if (text.n)
		memcpy(b->at + b->n, text.at, text.n);
	b->n += text.n;
	b->at[b->n] = '\0';
}

void strbuf_char(struct strbuf *b, char c)
{
	strbuf_add(b, (struct sv){&c, 1});
}

void strbuf_addf(struct strbuf *b, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0 || !grow(b, (size_t)n))
		return;
	va_start(args, format);
	(void)vsnprintf(b->at + b->n, (size_t)n + 1, format, args);
	va_end(args);
	b->n += (size_t)n;
}

static void json_ascii(struct strbuf *b, char c)
{
	static const char shorts[128] = {['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
	                                 ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};
	char letter = shorts[(unsigned char)c];
	if (letter)
		strbuf_add(b, (struct sv){(char[]){'\\', letter}, 2});
	else if ((unsigned char)c < 0x20 || c == 0x7f)
		strbuf_addf(b, "\\u%04x", (unsigned)(unsigned char)c);
	else
		strbuf_char(b, c);
}

static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x7f && c != '"' && c != '\\';
}

void strbuf_json(struct strbuf *b, struct sv text)
{
	strbuf_char(b, '"');
	while (text.n) {
		size_t plain = 0;
		while (plain < text.n && is_plain(text.at[plain]))
			plain++;
		strbuf_add(b, sv_first(text, plain));
		text = sv_from(text, plain);
		if (text.n == 0)
			break;
		size_t n = utf8_length(text);
		if (n == 1)
			json_ascii(b, text.at[0]);
		else
			strbuf_add(b, n ? sv_first(text, n) : SVL("\xef\xbf\xbd"));
		text = sv_from(text, n ? n : 1);
	}
	strbuf_char(b, '"');
}

void strbuf_clear(struct strbuf *b)
{
	b->n = 0;
	b->failed = false;
	if (b->at)
		b->at[0] = '\0';
}

char *strbuf_take(struct strbuf *b)
{
	if (b->failed || !grow(b, 0))
		return NULL;
	b->at[b->n] = '\0';
	char *text = TAKE(b->at);
	*b = strbuf_with(b->max);
	return text;
}
