#include "cli/tuplesfile.h"

#include "authz/relation_model.h"
#include "authz/relation_tuples.h"
#include "cli/relationlines.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

struct reading {
	struct relation_tuples *tuples;
	const struct relation_model *model;
	const char *path;
};

static int add_line(void *user, const struct relation_tuple *tuple, size_t number)
{
	const struct reading *r = user;
	const char *why = relation_model_why_not(r->model, tuple);
	if (why)
		(void)fprintf(stderr, "%s:%zu: left out: %s\n", r->path, number, why);
	return why ? 0 : relation_tuples_add(r->tuples, tuple);
}

int tuplesfile_load(const char *command, const char *path, const struct relation_model *model,
                    struct relation_tuples **ret)
{
	FILE *from = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (!from) {
		(void)fprintf(stderr, "%s: %s: %s\n", command, path, strerrordesc_np(errno));
		return EX_NOINPUT;
	}
	struct reading reading = {relation_tuples_new(), model, path};
	int r = reading.tuples ? relation_lines(from, path, add_line, &reading) : -ENOMEM;
	if (from != stdin)
		(void)fclose(from);
	if (r == 0) {
		relation_tuples_seal(reading.tuples);
		*ret = reading.tuples;
		return EX_OK;
	}
	relation_tuples_free(reading.tuples);
	if (r != -EINVAL)
		(void)fprintf(stderr, "%s: %s: %s\n", command, path, strerrordesc_np(-r));
	return r == -EINVAL ? EX_DATAERR : r == -ENOMEM ? EX_OSERR : EX_IOERR;
}
