/* schema/spoe.md as its tests read it: the one table behind a heading, row by row, and the code blocks by name. */
#ifndef CONTRACT_SPOE_PAGE_H
#define CONTRACT_SPOE_PAGE_H

#include "core/fileio.h"
#include "core/sv.h"
#include "support/cmocka_prelude.h"

#include <stdio.h>
#include <stdlib.h>

enum { PAGE_CELLS = 5, PAGE_PATH_BYTES = 4096 };

static char *page;
static size_t n_page;

static inline void page_path(char room[static PAGE_PATH_BYTES], const char *name)
{
	const char *root =
		getenv("HAWARD_SOURCE_DIR"); /* NOLINT(concurrency-mt-unsafe): one thread */
	(void)snprintf(room, PAGE_PATH_BYTES, "%s/%s", root ? root : ".", name);
}

static inline int page_load(void **state)
{
	char path[PAGE_PATH_BYTES];
	(void)state;
	page_path(path, "schema/spoe.md");
	return file_read(path, 1 << 20, &page, &n_page);
}

static inline int page_unload(void **state)
{
	(void)state;
	free(page);
	return 0;
}

/* The rows of the one table behind a heading. */
struct page_rows {
	struct sv rest;
};

static inline bool page_line(struct page_rows *rows, struct sv *ret)
{
	return rows->rest.n && sv_cut(&rows->rest, '\n', ret);
}

static inline struct page_rows page_rows(const char *heading)
{
	struct page_rows rows = {{page, n_page}};
	struct sv line;
	while (page_line(&rows, &line))
		if (sv_eq(line, sv_of(heading)))
			break;
	while (page_line(&rows, &line) && !sv_starts(line, SVL("|---")))
		continue;
	if (rows.rest.n == 0)
		fail_msg("there is no table behind %s", heading);
	return rows;
}

static inline bool page_row(struct page_rows *rows, struct sv cells[static PAGE_CELLS])
{
	struct sv line, cell;
	if (!page_line(rows, &line) || !sv_starts(line, SVL("| ")))
		return false;
	memset(cells, 0, PAGE_CELLS * sizeof(*cells));
	line = sv_from(line, 1);
	for (size_t i = 0; i < PAGE_CELLS && line.n && sv_cut(&line, '|', &cell); i++)
		cells[i] = sv_trim(cell);
	return true;
}

/* `name` -> name */
static inline struct sv page_code(struct sv cell)
{
	if (cell.n < 3 || cell.at[0] != '`' || cell.at[cell.n - 1] != '`')
		fail_msg("%.*s is not in code", SV_ARG(cell));
	return (struct sv){cell.at + 1, cell.n - 2};
}

/* page_block - the code block of this name: the lines between ```name and ```. */
static inline struct sv page_block(const char *name)
{
	struct page_rows rows = {{page, n_page}};
	struct sv line, fence = SV("```");
	while (page_line(&rows, &line))
		if (sv_starts(line, fence) && sv_eq(sv_from(line, fence.n), sv_of(name)))
			break;
	const char *from = rows.rest.at;
	while (page_line(&rows, &line))
		if (sv_eq(line, fence))
			return (struct sv){from, (size_t)(line.at - from)};
	fail_msg("there is no code block %s", name);
	return (struct sv){0};
}

#endif
