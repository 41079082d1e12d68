#ifndef CLI_DURATION_H
#define CLI_DURATION_H

#include "core/macros.h"

#include <stdbool.h>
#include <stdint.h>

/* duration_read - "90d", "12h", "30m", "600s". out: *ret_s: seconds. returns false when it is no such text */
MUST_CHECK bool duration_read(const char *text, int64_t *ret_s);

#endif
