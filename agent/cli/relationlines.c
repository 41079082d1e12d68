#include "cli/relationlines.h"

#include "core/jsonload.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

static struct sv member(const json_t *json, size_t i)
{
	static const char *const names[] = {"object", "relation", "subject"};
	const json_t *one =
		json_is_array(json) ? json_array_get(json, i) : json_object_get(json, names[i]);
	if (!one && i == 2)
		one = json_object_get(json, "user"); /* as OpenFGA calls it */
	return json_string_sv(one);
}

static bool read_tuple(struct sv line, json_t **ret_json, struct relation_tuple *ret,
                       const char **why, size_t *at)
{
	if (line.at[0] != '{' && line.at[0] != '[' && line.at[0] != '"')
		return relation_tuple_parse(line, ret, why, at);
	json_error_t error;
	*at = 0;
	*why = "this is no JSON";
	*ret_json = json_loadb(line.at, line.n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
	if (!*ret_json)
		return false;
	if (json_is_string(*ret_json))
		return relation_tuple_parse(json_string_sv(*ret_json), ret, why, at);
	return relation_tuple_make(member(*ret_json, 0), member(*ret_json, 1), member(*ret_json, 2),
	                           ret, why, at);
}

int relation_line(struct sv line, const char *path, size_t number, relation_take *take, void *user)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	struct relation_tuple tuple;
	const char *why;
	size_t at;
	if (read_tuple(line, &json, &tuple, &why, &at))
		return take(user, &tuple, number);
	(void)fprintf(stderr, "%s:%zu:%zu: %s\n", path, number, at + 1, why);
	return -EINVAL;
}

int relation_lines(FILE *from, const char *path, relation_take *take, void *user)
{
	char *line = NULL;
	size_t room = 0, number = 0;
	ssize_t n;
	int r = 0;
	while (r == 0 && (n = getline(&line, &room, from)) >= 0) {
		struct sv text = sv_trim((struct sv){line, (size_t)n});
		while (text.n > 0 && (text.at[text.n - 1] == '\n' || text.at[text.n - 1] == '\r'))
			text.n--;
		number++;
		if (text.n > 0)
			r = relation_line(text, path, number, take, user);
	}
	free(line);
	if (r == 0 && ferror(from))
		r = -EIO;
	return r;
}
