/* JSON from outside, strictly: one value, no doubled members, no NUL, well-formed UTF-8, bounded
 * depth. */
#ifndef CORE_JSONLOAD_H
#define CORE_JSONLOAD_H

#include "core/diag.h"
#include "core/macros.h"
#include "core/sv.h"

#include <jansson.h>

/* json_load_strict - parses the whole text.
 *
 * in      max_depth: of nested arrays and objects; 0 takes JSON_MAX_DEPTH
 * out     d: on failure one item with line and column; may be NULL
 * returns an owned value (json_decref), or NULL
 */
MUST_CHECK json_t *json_load_strict(struct sv text, unsigned max_depth, struct diag *d);

/* CLEANUP(json_decrefp) json_t *x: jansson has json_decrefp() itself. */

/* json_string_sv - view of a JSON string; empty when value is not one. lifetime: the value's. */
struct sv json_string_sv(const json_t *value);

/* json_depth_within - whether the text nests at most max deep, counted without recursion. */
bool json_depth_within(struct sv text, unsigned max);

#endif
