#include "cli/lines.h"

#include <stdio.h>
#include <sysexits.h>

bool lines_next(char *room, size_t size, struct sv *ret)
{
	size_t n = 0;
	int c;
	while ((c = getc_unlocked(stdin)) != EOF && c != '\n')
		if (n < size)
			room[n++] = (char)c;
	*ret = (struct sv){room, n - (n && room[n - 1] == '\r')};
	return c != EOF || n;
}

int lines_end(const char *name)
{
	if (!ferror(stdin) && !ferror(stdout))
		return EX_OK;
	(void)fprintf(stderr, "haward %s: %s\n", name,
	              ferror(stdin) ? "standard input cannot be read"
	                            : "the answers cannot be written");
	return EX_IOERR;
}
