#include "core/diag.h"

#include "core/jsonpos.h"
#include "core/limits.h"

#include <stdarg.h>
#include <stdlib.h>

struct diag diag_over(const char *file, struct sv text)
{
	return (struct diag){.text = text, .file = file};
}

void diag_fini(struct diag *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n; i++) {
		free(d->items[i].pointer);
		free(d->items[i].message);
	}
	free(d->items);
	*d = (struct diag){0};
}

/* An item with room in d, or NULL; a report that runs out of memory still says that it is not
 * empty. */
static struct diag_item *next_item(struct diag *d)
{
	if (d->n < DIAG_MAX_ITEMS) {
		struct diag_item *items = realloc(d->items, (d->n + 1) * sizeof(*items));
		if (items) {
			d->items = items;
			items[d->n] = (struct diag_item){0};
			return &items[d->n++];
		}
	}
	d->n_dropped++;
	return NULL;
}

PRINTF_LIKE(1, 0) static char *vtext(const char *format, va_list args)
{
	char *text = NULL;
	return vasprintf(&text, format, args) < 0 ? NULL : text;
}

void diag_add(struct diag *d, const char *pointer, const char *code, const char *format, ...)
{
	struct diag_item *item = d ? next_item(d) : NULL;
	if (!item)
		return;
	va_list args;
	va_start(args, format);
	item->message = vtext(format, args);
	va_end(args);
	item->pointer = sv_dup(sv_of(pointer));
	item->code = code;
	if (d->text.n)
		json_position(d->text, pointer, &item->line, &item->column);
}

void diag_add_at(struct diag *d, unsigned line, unsigned column, const char *code,
                 const char *format, ...)
{
	struct diag_item *item = d ? next_item(d) : NULL;
	if (!item)
		return;
	va_list args;
	va_start(args, format);
	item->message = vtext(format, args);
	va_end(args);
	item->pointer = sv_dup(SVL(""));
	item->code = code;
	item->line = line;
	item->column = column;
}

void diag_print(const struct diag *d, FILE *to)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct diag_item *item = &d->items[i];
		const char *pointer = item->pointer ? item->pointer : "";
		fprintf(to, "%s:%u:%u: %s%s%s\n", d->file ? d->file : "-", item->line, item->column,
		        pointer, *pointer ? ": " : "", item->message ? item->message : item->code);
	}
	if (d->n_dropped)
		fprintf(to, "%s: and %zu more\n", d->file ? d->file : "-", d->n_dropped);
}
