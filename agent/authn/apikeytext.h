/* The text of an API key: hw_<id>_<secret><checksum>, all but the underscores of A-Z a-z 0-9.
 *
 * The id (16 characters) is public. The secret (43, drawn evenly: 256 bits) is not. The checksum (6) is the CRC-32 of
 * all before it in base 62, so that a scanner for leaks can tell a key from what only looks like one, without asking.
 */
#ifndef AUTHN_APIKEYTEXT_H
#define AUTHN_APIKEYTEXT_H

#include "core/hash.h"
#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	APIKEY_TEXT_ID_CHARS = 16,
	APIKEY_TEXT_CHARS = 69,
	APIKEY_TEXT_BYTES = APIKEY_TEXT_CHARS + 1,
	APIKEY_PEPPER_BYTES = 32,
};

/* apikey_text_make - a new key, terminated. returns false when there is no randomness: then there is no key */
MUST_CHECK bool apikey_text_make(char ret[static APIKEY_TEXT_BYTES]);

/* apikey_text_begins - does it begin as a key? Then it is none of a token's kinds. */
bool apikey_text_begins(struct sv text);

/* apikey_text_id - out: *ret: the id, a view. returns false when the text has another form */
MUST_CHECK bool apikey_text_id(struct sv text, struct sv *ret);

/* apikey_text_check - is the checksum right? in: a text that apikey_text_id() took */
MUST_CHECK bool apikey_text_check(struct sv text);

/* apikey_text_mac - what is kept of a key: HMAC-SHA-256 of its whole text, so that a secret is bound to its id.
 * returns false when OpenSSL fails: then refuse */
MUST_CHECK bool apikey_text_mac(const uint8_t pepper[static APIKEY_PEPPER_BYTES], struct sv text,
                                uint8_t ret[static SHA256_BYTES]);

#endif
