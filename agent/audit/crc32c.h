/* CRC-32C (Castagnoli), by the processor's instruction where it has one. */
#ifndef AUDIT_CRC32C_H
#define AUDIT_CRC32C_H

#include "core/sv.h"

#include <stdint.h>

/* audit_crc32c - continue the sum `crc` (0 at the start) over the bytes.
 * source  RFC 3720 B.4: "123456789" gives 0xe3069283 */
uint32_t audit_crc32c(uint32_t crc, struct sv bytes);
/* The same by table, for processors without the instruction; exported so that a test compares both. */
uint32_t audit_crc32c_plain(uint32_t crc, struct sv bytes);

#endif
