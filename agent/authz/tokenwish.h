/* The `token` of a service. Internal to this folder. */
#ifndef AUTHZ_TOKENWISH_H
#define AUTHZ_TOKENWISH_H

#include "authz/compile.h"
#include "model/tokenwish.h"

/* authz_tokenwish_compile - errors are reported in c. returns memory of the set; NULL after an error */
const struct token_wish *authz_tokenwish_compile(struct compile *c, const json_t *value,
                                                 const struct compile_place *at);

#endif
