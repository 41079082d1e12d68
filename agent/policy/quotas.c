#include "policy/quotas.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/cursor.h"
#include "core/log.h"
#include "core/outbuf.h"
#include "core/secret.h"
#include "policy/asklane.h"
#include "state/quotas.h"
#include "state/state.h"

#include <errno.h>
#include <openssl/hmac.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The ask's one part: key, end of the period and quota, 8 bytes each. */
enum { ASK_BYTES = 24, BLOCK_MAX = 1000, BLOCKS = 100, EXPIRE_S = 3600, SETTLED = 1024 };

struct quotas {
	struct state *state;
	struct quota *table;
	struct hash_key
		secret; /* out of the state's, so that a count is found again after a restart */
	struct asklane lane;
	/* of the lane's thread */
	struct state_quota wishes[POLICY_ASKS_MAX];
	int64_t expired_s;

	atomic_uint_fast64_t n_reserved, n_failed;
};

/* ---- counting ---- */

struct quota_count quotas_count_of(const struct quotas *quotas, struct sv counted,
                                   enum quota_period period, uint64_t max, int64_t now_s)
{
	struct quota_count count = {.ends_s = quota_ends(period, now_s), .max = max};
	/* another period is another key; the end is no secret, so it needs no place in the hash */
	count.key = hash_sip13(quotas->secret, counted) ^
	            (uint64_t)count.ends_s * UINT64_C(0x9e3779b97f4a7c15);
	return count;
}

enum quota_outcome quotas_take(struct quotas *quotas, struct quota_count *count)
{
	return quota_take(quotas->table, count->key, count->max, &count->n_left);
}

void quotas_give_back(struct quotas *quotas, const struct quota_count *count)
{
	quota_give_back(quotas->table, count->key);
}

/* Each request asks for itself: two that wait for one block would be told both that it is there. */
bool quotas_ask(const struct quota_count *count, uint64_t serial, struct arena *arena,
                struct authn_ask *ret)
{
	void *room = arena_alloc(arena, ASK_BYTES);
	struct outbuf out = outbuf_over(room, room ? ASK_BYTES : 0);
	*ret = (struct authn_ask){.kind = AUTHN_ASK_QUOTA, .serial = serial};
	outbuf_u64be(&out, count->key);
	outbuf_u64be(&out, (uint64_t)count->ends_s);
	outbuf_u64be(&out, count->max);
	ret->parts[0] = outbuf_sv(&out);
	return !out.failed && secret_random(ret->key, sizeof(ret->key));
}

/* ---- reserving ---- */

static struct state_quota wish_of(const struct policy_ask *ask)
{
	struct cursor c = cursor_over(ask->asked.parts[0]);
	struct state_quota wish = {.key = cursor_u64be(&c)};
	wish.ends_s = (int64_t)cursor_u64be(&c);
	wish.max = cursor_u64be(&c);
	wish.want = MIN_OF(MAX_OF(wish.max / BLOCKS, UINT64_C(1)), (uint64_t)BLOCK_MAX);
	return wish;
}

static int publish(struct quotas *q, const struct state_quota *got, int64_t now_s)
{
	return quota_reserve(q->table, got->key, got->ends_s, got->before,
	                     got->before + got->granted, now_s);
}

static void done(struct quotas *q, struct policy_ask *ask, int r)
{
	struct authn_answer answer = {.is_good = r == 0, .why = REASON_INTERNAL};
	atomic_fetch_add_explicit(r ? &q->n_failed : &q->n_reserved, 1, memory_order_relaxed);
	policy_ask_done(ask, &answer);
}

static void reserve_all(void *user, struct policy_ask *const *asks, size_t n)
{
	struct quotas *q = user;
	struct state_quota *wishes = q->wishes;
	int64_t now_s = clock_real_us() / 1000000;
	for (size_t i = 0; i < n; i++) {
		wishes[i] = wish_of(asks[i]);
		/* the block is for those to come: whoever waits beside the first needs one */
		for (size_t k = 0; k < i && wishes[i].want > 1; k++)
			if (wishes[k].key == wishes[i].key)
				wishes[i].want = 1;
	}
	int r = state_quotas_reserve(q->state, wishes, n);
	if (r)
		log_event(LOG_ERROR, "quota_not_reserved", "errno=%d n=%zu", -r, n);
	for (size_t i = 0; i < n; i++)
		done(q, asks[i], r ? r : publish(q, &wishes[i], now_s));
	if (now_s - q->expired_s < EXPIRE_S)
		return;
	q->expired_s = now_s;
	r = state_quotas_expire(q->state, now_s - EXPIRE_S);
	if (r)
		log_event(LOG_WARNING, "quotas_not_expired", "errno=%d", -r);
}

struct policy_performer quotas_performer(struct quotas *quotas)
{
	return asklane_performer(&quotas->lane);
}

/* ---- its life ---- */

static bool make_secret(struct quotas *q)
{
	static const char label[] = "haward quotas 1";
	unsigned char mac[SHA256_BYTES];
	bool good = HMAC(EVP_sha256(), state_mask_key(q->state), STATE_MASK_KEY_BYTES,
	                 (const unsigned char *)label, sizeof(label) - 1, mac, NULL);
	if (good)
		memcpy(&q->secret, mac, sizeof(q->secret));
	secret_wipe(mac, sizeof(mac));
	return good;
}

int quotas_start(struct state *state, size_t n_keys, struct quotas **ret)
{
	struct quotas *q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->state = state;
	asklane_init(&q->lane, reserve_all, q);
	int r = make_secret(q) ? quota_new(n_keys, &q->table) : -EIO;
	if (r == 0)
		r = asklane_start(&q->lane, "quotas");
	if (r == 0)
		*ret = q;
	else
		quotas_free(q);
	return r;
}

/* Some at a time, of periods that are not over. */
struct settling {
	struct quotas *quotas;
	struct state_quota at[SETTLED];
	size_t n;
	int64_t now_s;
};

static void settle_now(struct settling *s)
{
	int r = s->n ? state_quotas_settle(s->quotas->state, s->at, s->n) : 0;
	if (r)
		log_event(LOG_WARNING, "quotas_not_settled", "errno=%d n=%zu", -r, s->n);
	s->n = 0;
}

static void settle_one(void *user, uint64_t key, int64_t ends_s, uint64_t used)
{
	struct settling *s = user;
	if (ends_s <= s->now_s)
		return;
	s->at[s->n++] = (struct state_quota){.key = key, .ends_s = ends_s, .before = used};
	if (s->n == SETTLED)
		settle_now(s);
}

void quotas_end(struct quotas *q)
{
	if (!q)
		return;
	asklane_end(&q->lane);
	struct settling *s = calloc(1, sizeof(*s));
	if (!s)
		return; /* then it is as after a crash */
	s->quotas = q;
	s->now_s = clock_real_us() / 1000000;
	quota_each(q->table, settle_one, s);
	settle_now(s);
	free(s);
}

void quotas_free(struct quotas *q)
{
	if (!q)
		return;
	quota_free(q->table);
	asklane_fini(&q->lane);
	secret_wipe(&q->secret, sizeof(q->secret));
	free(q);
}

void quotas_stats(const struct quotas *q, struct quotas_stats *ret)
{
	*ret = (struct quotas_stats){
		.n_reserved = atomic_load_explicit(&q->n_reserved, memory_order_relaxed),
		.n_failed = atomic_load_explicit(&q->n_failed, memory_order_relaxed)};
	quota_stats(q->table, &ret->table);
}
