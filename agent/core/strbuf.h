/* Growing text with a ceiling given at birth. Like outbuf, the first refusal sticks. */
#ifndef CORE_STRBUF_H
#define CORE_STRBUF_H

#include "core/macros.h"
#include "core/sv.h"

struct strbuf {
	char *at; /* owned, always terminated once something was added */
	size_t n;
	size_t room;
	size_t max;
	bool failed; /* the ceiling or the heap ran out; the text so far stays */
};

static inline struct strbuf strbuf_with(size_t max_bytes)
{
	return (struct strbuf){.max = max_bytes};
}
void strbuf_fini(struct strbuf *b);
void strbuf_add(struct strbuf *b, struct sv text);
void strbuf_char(struct strbuf *b, char c);
void strbuf_addf(struct strbuf *b, const char *format, ...) PRINTF_LIKE(2, 3);
/* strbuf_json - the text as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD.
 */
void strbuf_json(struct strbuf *b, struct sv text);
/* strbuf_clear - empty again, the memory kept. */
void strbuf_clear(struct strbuf *b);
static inline struct sv strbuf_sv(const struct strbuf *b)
{
	return (struct sv){b->at, b->n};
}
/* strbuf_take - the terminated text, now the caller's to free; NULL when anything was refused. */
MUST_CHECK char *strbuf_take(struct strbuf *b);

#endif
