/* Text forms of bytes: base64url (RFC 4648 5), base64, hex, Crockford base32. Decoders are
 * canonical. */
#ifndef CORE_ENCODE_H
#define CORE_ENCODE_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdint.h>

/* Bytes that n characters can decode to, and characters that n bytes encode to (terminator
 * included). */
#define BASE64_DECODED_MAX(n) ((n) / 4 * 3 + 3)
#define BASE64_ENCODED_MAX(n) (((n) + 2) / 3 * 4 + 1)

/* base64url_decode - strict: no padding, no other alphabet, no spare bits, no white space.
 *
 * in      room: at least BASE64_DECODED_MAX(text.n) bytes
 * out     *ret_n: bytes written
 * returns false when the text is not the one canonical spelling of some bytes (RFC 7515 2)
 */
MUST_CHECK bool base64url_decode(struct sv text, uint8_t *room, size_t *ret_n);
/* base64_decode - the standard alphabet with its padding, as strictly. */
MUST_CHECK bool base64_decode(struct sv text, uint8_t *room, size_t *ret_n);
/* base64url_encode, base64_encode - terminated text into room of BASE64_ENCODED_MAX(bytes.n);
 * returns its view. */
struct sv base64url_encode(struct sv bytes, char *room);
struct sv base64_encode(struct sv bytes, char *room);
/* hex_encode - lower case, terminated, into 2 * bytes.n + 1 characters. */
struct sv hex_encode(struct sv bytes, char *room);
/* hex_decode - either case, even length, into text.n / 2 bytes. */
MUST_CHECK bool hex_decode(struct sv text, uint8_t *room);

#endif
