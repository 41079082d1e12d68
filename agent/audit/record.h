#ifndef AUDIT_RECORD_H
#define AUDIT_RECORD_H

#include "audit/list.h"
#include "core/eventid.h"
#include "core/macros.h"
#include "core/netaddr.h"
#include "core/outbuf.h"
#include "core/sv.h"
#include "model/identity.h"
#include "model/verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum audit_kind {
	AUDIT_NONE = 0, /* never stored */
	AUDIT_REQUEST,
	AUDIT_CONNECTION,
	AUDIT_ADMIN,
	AUDIT_SYSTEM,
	AUDIT_OUTCOME,
	AUDIT_UNACCOUNTED, /* HAProxy logged a request that was never decided */
	AUDIT_GAP, /* records were refused because the journal was full, or lost with the machine */
	AUDIT_KIND_COUNT
};
#define AUDIT_KIND_BIT(kind) (1U << (kind))
/* What a list shows when nobody asks for something else: all but the outcomes, which are joined. */
#define AUDIT_KINDS_LISTED                                                  \
	(((1U << AUDIT_KIND_COUNT) - 1U) & ~AUDIT_KIND_BIT(AUDIT_OUTCOME) & \
	 ~AUDIT_KIND_BIT(AUDIT_NONE))

const char *audit_kind_name(enum audit_kind kind);
MUST_CHECK bool audit_kind_find(struct sv name, enum audit_kind *ret);

/* One line of the book. Views are borrowed: from the request when encoding, from the stored bytes
 * when decoded. An empty view, a zero number and a family 0 address mean "not known". Numbers of an
 * outcome are stored plus one, so that 0 stays "not known": read them with audit_number(). */
struct audit_record {
	enum audit_kind kind;
	struct event_id id; /* of the decision it belongs to when kind is AUDIT_OUTCOME */
	uint64_t at_us;     /* Unix time, microseconds; the sequence orders, not this */
	uint64_t boot_us;   /* CLOCK_BOOTTIME */
	bool cut;           /* a text was longer than its limit and is cut */

	bool has_verdict;
	enum verdict_effect effect;
	bool has_shadow;
	enum verdict_effect shadow_effect;
	enum auth_method auth_method;
	uint64_t status, policy_version, took_ns, src_port, dst_port;
	struct netaddr src, dst;

	struct sv user, subject; /* subject only where it differs from user */
	struct sv issuer, client, workload, source_service;
	struct audit_list groups, scopes;
	struct sv service, method, host, path, query, route; /* query: redacted */
	struct sv reason, policy, shadow_policy;
	struct audit_list why; /* AUDIT_WHY_PARTS texts for each step */
	struct sv request_id, user_agent, sni;
	struct sv trace_id; /* 16 raw bytes, or empty */

	/* AUDIT_ADMIN, AUDIT_SYSTEM; the actor is `user` */
	struct sv action, target, result, before, after, detail, roles, channel;

	/* AUDIT_GAP; detail names the journal */
	uint64_t gap_count, gap_first_us, gap_last_us;

	/* AUDIT_OUTCOME, AUDIT_UNACCOUNTED; plus one each */
	uint64_t out_status, bytes_out, bytes_in, duration_ms, queue_ms, connect_ms, response_ms;
	struct sv termination, backend, server;
};

/* The texts of one step of `why`, in this order; held is "1" or "", an empty policy is that of the
 * record. */
enum {
	AUDIT_WHY_POLICY,
	AUDIT_WHY_RULE,
	AUDIT_WHY_CONDITION,
	AUDIT_WHY_VALUE,
	AUDIT_WHY_EXPECTED,
	AUDIT_WHY_HELD,
	AUDIT_WHY_PARTS
};

/* -1 when not known. */
static inline int64_t audit_number(uint64_t stored)
{
	return stored == 0 || stored > INT64_MAX ? -1 : (int64_t)(stored - 1);
}

/* audit_record_encode - append the record in its plain form; texts longer than their limit are cut
 * (at a character's border) and the record says so.
 *
 * errors  none here: out is sticky; AUDIT_RECORD_MAX bytes always suffice
 */
void audit_record_encode(const struct audit_record *record, struct outbuf *out);

/* audit_record_decode - read one record in its plain form from bytes, which may be hostile.
 *
 * out     *ret, its views into bytes; zeroed on an error
 * errors  0, or -EBADMSG: unknown version or kind, bytes missing, bytes left over, a number out of
 *         range
 */
MUST_CHECK int audit_record_decode(struct sv bytes, struct audit_record *ret);

/* The packed form names texts that many records have in common by numbers that its keeper gives. */
#define AUDIT_NOT_SHARED UINT64_MAX
/* The number of a text below 2^63, or AUDIT_NOT_SHARED: it stays in the record. */
typedef uint64_t audit_share_fn(void *user, struct sv text);
/* The text of a number; empty when there is none. */
typedef struct sv audit_shared_fn(void *user, uint64_t number);

/* audit_record_pack - append the packed form of a record that is given in its plain form.
 *
 * errors  0, -EBADMSG: not a plain record; -EMSGSIZE: out is full
 */
MUST_CHECK int audit_record_pack(struct sv plain, audit_share_fn *share, void *user,
                                 struct outbuf *out);

/* audit_record_unpack - read one record in either form; else as audit_record_decode().
 *
 * out     *ret, its views into bytes and into what find() gave
 */
MUST_CHECK int audit_record_unpack(struct sv bytes, audit_shared_fn *find, void *user,
                                   struct audit_record *ret);
bool audit_record_is_packed(struct sv bytes);

/* The fixed head alone, the same in both forms, for scans that look at time and kind first. */
struct audit_head {
	enum audit_kind kind;
	uint64_t at_us;
	struct event_id id;
};
MUST_CHECK int audit_record_head(struct sv bytes, struct audit_head *ret);

#endif
