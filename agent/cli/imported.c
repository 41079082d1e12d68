#include "cli/imported.h"

#include "core/fileio.h"
#include "core/yamlload.h"
#include "policy/load.h"
#include "policy/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { FILE_MAX_BYTES = 8 * 1024 * 1024 };

int imported_status(int r)
{
	return r == 0 ? EX_OK : r == -EINVAL ? EX_DATAERR : EX_OSERR;
}

int imported_read(const char *path, char **ret, size_t *ret_n)
{
	int r = file_read(path, FILE_MAX_BYTES, ret, ret_n);
	if (r != 0)
		(void)fprintf(stderr, "haward import: %s: %s\n", path, strerrordesc_np(-r));
	return r == 0 ? EX_OK : EX_NOINPUT;
}

int imported_yaml(const char *path, struct sv text, json_t **ret_documents, json_t **ret_lines)
{
	struct yaml_problem problem;
	int r = yaml_load(text, ret_documents, ret_lines, &problem);
	if (r == -EINVAL)
		(void)fprintf(stderr, "%s:%zu:%zu: %s\n", path, problem.line, problem.column,
		              problem.message);
	return imported_status(r);
}

const json_t *imported_from(const json_t *origins, const struct diag_item *item,
                            const char **ret_rest)
{
	unsigned i;
	int n = 0;
	const char *pointer = item->pointer ? item->pointer : "";
	bool is_policy = sscanf(pointer, "/policies/%u%n", &i, &n) == 1;
	*ret_rest = pointer + n;
	return is_policy ? json_array_get(origins, i) : NULL;
}

static int check(const char *path, const char *text, imported_tell *tell, const void *import)
{
	struct policy *policy = NULL;
	const struct policy_env offline = {0};
	struct diag d = diag_over(path, sv_of(text));
	int r = policy_load(sv_of(text), &offline, 0, &d, &policy);
	for (size_t i = 0; r != 0 && i < d.n; i++)
		tell(path, import, &d.items[i]);
	policy_unref(policy);
	diag_fini(&d);
	return imported_status(r);
}

int imported_write(const char *path, const json_t *set, imported_tell *tell, const void *import)
{
	CLEANUP(freep) char *text = json_dumps(set, JSON_INDENT(2));
	int status = text ? check(path, text, tell, import) : EX_OSERR;
	if (status != EX_OK)
		return status;
	return puts(text) == EOF || fflush(stdout) != 0 ? EX_IOERR : EX_OK;
}
