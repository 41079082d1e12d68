/* The policy set's `certificateIdentities`: certificates without a SPIFFE ID that stand for a workload all the same,
 * by a name they carry. The first rule that matches names it; where none does the certificate names nobody.
 * source  schema/policy.schema.json, certificateIdentities[]
 */
#ifndef AUTHN_CERTMAP_H
#define AUTHN_CERTMAP_H

#include "authn/svid.h"
#include "authn/trustdomains.h"

/* What of a certificate a rule looks at. */
enum certmap_kind { CERTMAP_DNS, CERTMAP_URI, CERTMAP_EMAIL, CERTMAP_SUBJECT, CERTMAP_KIND_COUNT };

struct certmap_rule {
	char *names
		[CERTMAP_KIND_COUNT]; /* exactly one is there: the pattern; '*' is one piece of a name */
	char *workload;               /* SPIFFE ID; '*' in its path is the piece that matched */
	enum certmap_kind kind;
};

struct certmap {
	size_t n;
	struct certmap_rule *rules; /* owned */
};

/* certmap_read - in: list: an array, or NULL for none; domains: those with bundles, whose names no rule may give.
 *
 * out     *ret: to be released with certmap_fini() also after an error; d: every error found
 * errors  0, -EINVAL, -ENOMEM
 */
MUST_CHECK int certmap_read(const json_t *list, const char *pointer,
                            const struct trustdomains *domains, struct diag *d,
                            struct certmap *ret);
void certmap_fini(struct certmap *map);

/* certmap_find - the workload of a certificate without a SPIFFE ID.
 *
 * out     *ret: on SVID_LEAF, in the arena; *why: on SVID_REFUSED: its name made no SPIFFE ID, or memory is out
 * returns SVID_NONE when no rule matches
 */
MUST_CHECK enum svid_outcome certmap_find(const struct certmap *map, X509 *cert,
                                          struct arena *arena, struct sv *ret, enum reason *why);

#endif
