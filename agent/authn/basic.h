/* Name and password, as browsers and scripts send them: checked by who has the time (AUTHN_ASK_PASSWORD).
 *
 * The identity is as a token of issuer "haward:basic" with the name as subject would give it: principal
 * "haward:basic/<name>", groups as kept with the user.
 * source  RFC 7617
 */
#ifndef AUTHN_BASIC_H
#define AUTHN_BASIC_H

#include "core/diag.h"
#include "core/macros.h"

#include <jansson.h>
#include <stdint.h>

struct authn;
struct authn_answer;
struct authn_ctx;

#define BASIC_ISSUER "haward:basic"

/* Member `basic` of a policy set. */
struct basic_rules {
	char *realm;     /* NULL: the scheme is not taken */
	int64_t cache_s; /* how long a password that was right is not checked again */
};

/* Parts of an ask. */
enum basic_part { BASIC_NAME, BASIC_PASSWORD, BASIC_SOURCE /* a struct netaddr */ };

/* basic_read - in: value: the member, or NULL. out: *ret, to be released with basic_fini() also after an error
 * errors  0, -EINVAL with items in d, -ENOMEM */
MUST_CHECK int basic_read(const json_t *value, struct diag *d, struct basic_rules *ret);
void basic_fini(struct basic_rules *rules);

/* basic_keep - a password that was right; see authn_keep(). One of a user who was changed since is passed over. */
void basic_keep(const struct authn *authn, const struct authn_ctx *ctx,
                const struct authn_answer *answer);

#endif
