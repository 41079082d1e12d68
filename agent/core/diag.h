/* What is wrong with a document an operator wrote: where (JSON pointer, line, column) and what to
 * do. */
#ifndef CORE_DIAG_H
#define CORE_DIAG_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdio.h>

struct diag_item {
	char *pointer;    /* RFC 6901; "" is the whole document */
	unsigned line;    /* from 1; 0 when not known */
	unsigned column;  /* from 1, in bytes; 0 when not known */
	const char *code; /* stable and static, e.g. "unknown_key" */
	char *message;    /* one sentence: what is wrong and what to do */
};

struct diag {
	struct sv text;   /* the document, borrowed, to find lines; may be empty */
	const char *file; /* its name for people, borrowed; NULL is "-" */
	struct diag_item *items;
	size_t n;
	size_t n_dropped; /* beyond DIAG_MAX_ITEMS */
};

/* diag_over - an empty report about a document. lifetime: text and file are borrowed until
 * diag_fini(). */
struct diag diag_over(const char *file, struct sv text);
void diag_fini(struct diag *d);

/* diag_add - reports one error at pointer; line and column are found in the text. d may be NULL. */
void diag_add(struct diag *d, const char *pointer, const char *code, const char *format, ...)
	PRINTF_LIKE(4, 5);
/* diag_add_at - the same where only the line and column are known, as for text that is not JSON. */
void diag_add_at(struct diag *d, unsigned line, unsigned column, const char *code,
                 const char *format, ...) PRINTF_LIKE(5, 6);

/* diag_print - "file:line:column: pointer: message", one a line. */
void diag_print(const struct diag *d, FILE *to);

#endif
