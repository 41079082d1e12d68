/* The bytes of paths, for those who rewrite them. Internal to this folder. */
#ifndef AUTHZ_PATHBYTES_H
#define AUTHZ_PATHBYTES_H

#include "core/sv.h"

#include <stddef.h>
#include <stdint.h>

enum path_byte {
	BYTE_ESCAPE = 0, /* not allowed to stand for itself: kept, but as %XX */
	BYTE_REFUSED,    /* never part of a path */
	BYTE_RESERVED,   /* stands for itself; its escape means something else */
	BYTE_UNRESERVED, /* its escape means the same: RFC 3986 2.3 */
};
extern const uint8_t path_byte_classes[256];

/* path_hex_digit - 0 to 15, or -1. */
int path_hex_digit(char c);

/* path_escape_at - the byte that "%XX" at i stands for, or -1. */
int path_escape_at(struct sv path, size_t i);

/* path_put_escape - writes "%XX" in upper case; returns 3. */
size_t path_put_escape(char *at, uint8_t byte);

/* path_refused - what no mode takes: no leading '/', too long. returns a static text, or NULL */
const char *path_refused(struct sv path);

#endif
