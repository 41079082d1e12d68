/* string.format(list). source: cel-spec doc/extensions/strings.md, "Format". Internal to cel/. */
#ifndef AUTHZ_CEL_FORMAT_H
#define AUTHZ_CEL_FORMAT_H

#include "authz/cel/function.h"

struct cel_value cel_format(struct cel_call *call, const struct cel_value *args, unsigned n);

#endif
