#include "cli/book.h"

#include "audit/chain.h"
#include "audit/query.h"
#include "audit/store.h"
#include "core/clock.h"
#include "core/encode.h"
#include "core/hash.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { PATH_BYTES = 4096 };

void book_close(struct audit_store **store)
{
	audit_store_close(*store);
}

int book_status(int r)
{
	if (r == 0)
		return EX_OK;
	return r == -EBADMSG || r == -EPROTONOSUPPORT ? EX_DATAERR : EX_IOERR;
}

int book_open(const char *command, const char *data_dir, struct audit_store **ret)
{
	char path[PATH_BYTES];
	int n = snprintf(path, sizeof(path), "%s/audit", data_dir);
	int r = n < 0 || (size_t)n >= sizeof(path)
	                ? -ENAMETOOLONG
	                : audit_store_open(path, AUDIT_STORE_READ, 0, ret);
	if (r == -ENOENT)
		(void)fprintf(stderr, "%s: there is no book in %s\n", command, data_dir);
	else if (r == -EBADMSG)
		(void)fprintf(stderr, "%s: the book in %s is damaged, or is none\n", command,
		              data_dir);
	else if (r == -EPROTONOSUPPORT)
		(void)fprintf(stderr,
		              "%s: the book in %s has a format that only a later version reads\n",
		              command, data_dir);
	else if (r != 0)
		(void)fprintf(stderr, "%s: %s: %s\n", command, data_dir, strerrordesc_np(-r));
	return book_status(r) == EX_IOERR ? EX_NOINPUT : book_status(r);
}

int book_time(const char *command, const char *option, const char *text, uint64_t *ret)
{
	if (!text || audit_time_parse(sv_of(text), clock_real_us(), ret) == 0)
		return 0;
	(void)fprintf(stderr, "%s: --%s: %s is no time\n", command, option, text);
	return -EINVAL;
}

void book_print_chain(const struct audit_chain_report *report)
{
	char head[2 * SHA256_BYTES + 1];
	(void)hex_encode((struct sv){(const char *)report->head, sizeof(report->head)}, head);
	(void)printf("chain %s\nrecords %" PRIu64 "\nfirst %" PRIu64 "\nlast %" PRIu64
	             "\nhead %s\n",
	             report->holds ? "holds" : "broken", report->n_records, report->first_seq,
	             report->last_seq, head);
	if (!report->holds)
		(void)printf("broken_at %" PRIu64 "\nfault %s\n", report->broken_at, report->fault);
}
