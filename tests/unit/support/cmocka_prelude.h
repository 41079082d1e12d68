/* cmocka wants these before it; one place says so. */
#ifndef SUPPORT_CMOCKA_PRELUDE_H
#define SUPPORT_CMOCKA_PRELUDE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
