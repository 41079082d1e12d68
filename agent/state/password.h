#ifndef STATE_PASSWORD_H
#define STATE_PASSWORD_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stddef.h>

#define PASSWORD_PHC_BYTES 160
#define PASSWORD_MIN_BYTES 12
#define PASSWORD_MAX_BYTES 1024

/* Why a password is refused; 0 = it is good. */
enum password_fault {
	PASSWORD_GOOD = 0,
	PASSWORD_SHORT,
	PASSWORD_LONG,
	PASSWORD_COMMON,
	PASSWORD_LIKE_NAME,
	PASSWORD_NOT_TEXT, /* a NUL byte or bad UTF-8 */
	PASSWORD_FAULT_COUNT,
};

/* password_check - may this become the password of name? Says nothing about its strength beyond the
 * obvious. */
enum password_fault password_check(struct sv password, struct sv name);

/* password_fault_text - one sentence for people. */
const char *password_fault_text(enum password_fault fault);

/* password_hash - argon2id with a fresh salt, as PHC text (RFC 9106 parameters: 19 MiB, 2 passes, 1
 * lane).
 *
 * errors  0, -EINVAL outside the length limits, -ENOMEM, or a negative errno
 * thread  any, takes about 40 ms and 19 MiB: never on a thread that must not wait
 */
MUST_CHECK int password_hash(struct sv password, char ret[static PASSWORD_PHC_BYTES]);

/* password_verify - does password belong to phc? The same time when phc is NULL (no such account),
 * and then false.
 *
 * out     *ret_weak: true when phc was made with less than today's parameters; may be NULL
 * thread  as password_hash()
 */
MUST_CHECK bool password_verify(struct sv password, const char *phc, bool *ret_weak);

#endif
