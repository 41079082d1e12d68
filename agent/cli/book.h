/* The book, for commands that read it beside a running agent or without one. */
#ifndef CLI_BOOK_H
#define CLI_BOOK_H

#include "core/macros.h"

#include <stdint.h>

struct audit_store;
struct audit_chain_report;

/* book_open - in: command: for messages, "haward audit"; data_dir: the agent's
 *
 * returns the exit status (sysexits.h); EX_OK: *ret is set. Else standard error says why
 */
MUST_CHECK int book_open(const char *command, const char *data_dir, struct audit_store **ret);
void book_close(struct audit_store **store);

/* book_status - the exit status of reading it, by 0 or -errno. */
int book_status(int r);

/* book_time - a time of the command line; NULL leaves *ret as it is. errors: -EINVAL, told on standard error */
MUST_CHECK int book_time(const char *command, const char *option, const char *text, uint64_t *ret);

/* book_print_chain - what verifying found, a fact a line, on standard output. */
void book_print_chain(const struct audit_chain_report *report);

#endif
