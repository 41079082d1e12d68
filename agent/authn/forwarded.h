/* Whom the settings trust to say in a header whose certificate they saw: proxies in front of HAProxy that end TLS.
 * From everybody else such headers are as if they were not there.
 * source  settings authn.trusted_proxies
 */
#ifndef AUTHN_FORWARDED_H
#define AUTHN_FORWARDED_H

#include "authn/certheader.h"
#include "core/jsonfields.h"
#include "core/netaddr.h"
#include "model/request.h"

enum forwarded_format {
	FORWARDED_CLIENT_CERT, /* RFC 9440 */
	FORWARDED_XFCC,        /* Envoy's */
	FORWARDED_FORMAT_COUNT,
};

/* The options as written: networks of proxies that use a format. */
struct forwarded_options {
	struct json_strings networks[FORWARDED_FORMAT_COUNT];
};
enum { FORWARDED_N_FIELDS = FORWARDED_FORMAT_COUNT };
extern const struct json_field forwarded_fields[FORWARDED_N_FIELDS];

struct forwarded;

/* forwarded_new - the options compiled; immutable, shared by all workers.
 *
 * in      pointer: where they stand in the settings
 * out     *ret: owned (forwarded_free); NULL when there is no network: nobody is trusted; d: every error found
 * errors  0, -EINVAL, -ENOMEM
 */
MUST_CHECK int forwarded_new(const struct forwarded_options *options, const char *pointer,
                             struct diag *d, struct forwarded **ret);
void forwarded_free(struct forwarded *forwarded);

enum forwarded_outcome {
	FORWARDED_REFUSED, /* a trusted proxy says something that cannot be read, or two things at once */
	FORWARDED_NOTHING, /* not from a trusted proxy, or it says nothing */
	FORWARDED_FOUND,
};

/* forwarded_find - what a trusted proxy says of its client. in: forwarded: NULL trusts nobody */
MUST_CHECK enum forwarded_outcome forwarded_find(const struct forwarded *forwarded,
                                                 const struct request *req, struct arena *arena,
                                                 struct certheader *ret);

#endif
