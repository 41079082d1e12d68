/* Values in JSON: plain, as documents have them, and typed, with nothing lost: {"type":"int","value":"7"}. */
#ifndef AUTHZ_CEL_JSON_H
#define AUTHZ_CEL_JSON_H

#include "authz/cel/value.h"

#include <jansson.h>

/* cel_of_json - a JSON value as CEL sees it: whole numbers are int, others double; objects are maps that are laid out
 * when somebody looks. null is null.
 *
 * lifetime  views the JSON, which has to stay; a map's context is the object itself
 */
struct cel_value cel_of_json(struct cel_call *call, const json_t *json);

/* cel_of_typed - of the typed form. int, uint and double are decimal texts (NaN, Infinity, -0), bytes base64, a list is
 * an array of typed values, a map one of [key, value], timestamp and duration {"seconds":"...","nanos":n}, type a
 * name; null, bool and string are as they are.
 *
 * errors  an error value that says what is wrong
 */
struct cel_value cel_of_typed(struct cel_call *call, const json_t *json);

/* cel_to_typed - the reverse, owned. NULL: no memory, or a value that has no such form. */
json_t *cel_to_typed(struct cel_call *call, struct cel_value value);

#endif
