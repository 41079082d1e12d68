/* YAML from outside as JSON: the part of YAML 1.2 that has one meaning. No aliases, no tags, no doubled keys, no keys
 * that are no text; bounded in depth and size. The only home of yaml.h.
 */
#ifndef CORE_YAMLLOAD_H
#define CORE_YAMLLOAD_H

#include "core/macros.h"
#include "core/sv.h"

#include <jansson.h>
#include <stddef.h>

enum { YAML_MAX_DEPTH = 64, YAML_MAX_NODES = 500000 };

struct yaml_problem {
	size_t line, column; /* from 1 */
	const char *message; /* static */
};

/* yaml_load - all documents of a text.
 *
 * out     *ret: an owned array of documents; *ret_lines: an owned array of the same length, the line on which each
 *         begins, from 1; *problem on -EINVAL
 * errors  0, -EINVAL, -ENOMEM
 * source  YAML 1.2.2, 10.3 (core schema): plain scalars are null, true, false, numbers or text; quoted ones are text
 */
MUST_CHECK int yaml_load(struct sv text, json_t **ret, json_t **ret_lines,
                         struct yaml_problem *problem);

#endif
