#include "core/throttle.h"

#include "core/hash.h"
#include "core/secret.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define N_BUCKETS          4096
#define N_PROBES           8
#define FORGET_US          (INT64_C(15) * 60 * 1000000) /* without a failure */
#define ACCOUNT_FREE       3
#define ACCOUNT_WAIT_MAX_S 15 /* short: a stranger must not keep the owner out */
#define NETWORK_FREE       10
#define NETWORK_WAIT_MAX_S 60

struct bucket {
	uint64_t key; /* 0 = free */
	unsigned n_failures;
	int64_t last_us;
};

struct throttle {
	pthread_mutex_t lock;
	struct hash_key key; /* a stranger cannot aim at one bucket */
	struct bucket buckets[N_BUCKETS];
};

int throttle_new(struct throttle **ret)
{
	struct throttle *throttle = calloc(1, sizeof(*throttle));
	if (!throttle)
		return -ENOMEM;
	if (!secret_random(&throttle->key, sizeof(throttle->key))) {
		free(throttle);
		return -EIO;
	}
	pthread_mutex_init(&throttle->lock, NULL);
	*ret = throttle;
	return 0;
}

void throttle_free(struct throttle *throttle)
{
	if (!throttle)
		return;
	pthread_mutex_destroy(&throttle->lock);
	free(throttle);
}

static uint64_t account_key(const struct throttle *throttle, struct sv account)
{
	return hash_sip13(throttle->key, account) | 1; /* odd: accounts */
}

static uint64_t network_key(const struct throttle *throttle, const struct netaddr *src)
{
	struct sv prefix = {(const char *)src->bytes, src->family == 4 ? 3 : 6};
	uint64_t hash = hash_sip13(throttle->key, prefix) ^ src->family;
	hash &= ~UINT64_C(1); /* even: networks */
	return hash ? hash : 2;
}

/* The key's bucket, or the one to give up for it: free, or the longest without a failure. */
static struct bucket *bucket_of(struct throttle *throttle, uint64_t key)
{
	struct bucket *best = NULL;
	for (size_t i = 0; i < N_PROBES; i++) {
		struct bucket *bucket = &throttle->buckets[((key >> 1) + i) % N_BUCKETS];
		if (bucket->key == key)
			return bucket;
		if (!best || bucket->last_us < best->last_us)
			best = bucket;
	}
	return best;
}

static unsigned wait_of(const struct bucket *bucket, uint64_t key, unsigned n_free, unsigned max_s,
                        int64_t now_us)
{
	if (bucket->key != key || bucket->n_failures < n_free ||
	    now_us - bucket->last_us > FORGET_US)
		return 0;
	unsigned doublings = bucket->n_failures - n_free;
	unsigned delay_s = doublings > 6 ? max_s : 1U << doublings;
	if (delay_s > max_s)
		delay_s = max_s;
	int64_t left_us = bucket->last_us + (int64_t)delay_s * 1000000 - now_us;
	return left_us <= 0 ? 0 : (unsigned)((left_us + 999999) / 1000000);
}

/* Whether the address tells strangers apart. Over the UNIX socket without one, whoever may open it is known
 * to the host; and from loopback comes everybody behind a proxy, whom one of them could keep out. */
static bool tells_apart(const struct netaddr *src)
{
	static const uint8_t loopback_v6[16] = {[15] = 1};
	if (src->family == 4)
		return src->bytes[0] != 127;
	return src->family == 6 && memcmp(src->bytes, loopback_v6, sizeof(loopback_v6)) != 0;
}

static unsigned wait_locked(struct throttle *throttle, struct sv account, const struct netaddr *src,
                            int64_t now_us)
{
	uint64_t key = account_key(throttle, account);
	unsigned wait =
		wait_of(bucket_of(throttle, key), key, ACCOUNT_FREE, ACCOUNT_WAIT_MAX_S, now_us);
	if (!tells_apart(src))
		return wait;
	key = network_key(throttle, src);
	unsigned other =
		wait_of(bucket_of(throttle, key), key, NETWORK_FREE, NETWORK_WAIT_MAX_S, now_us);
	return other > wait ? other : wait;
}

unsigned throttle_wait(struct throttle *throttle, struct sv account, const struct netaddr *src,
                       int64_t now_us)
{
	pthread_mutex_lock(&throttle->lock);
	unsigned wait = wait_locked(throttle, account, src, now_us);
	pthread_mutex_unlock(&throttle->lock);
	return wait;
}

static void count(struct throttle *throttle, uint64_t key, int64_t now_us)
{
	struct bucket *bucket = bucket_of(throttle, key);
	if (bucket->key != key || now_us - bucket->last_us > FORGET_US)
		*bucket = (struct bucket){.key = key};
	if (bucket->n_failures < 1000)
		bucket->n_failures++;
	bucket->last_us = now_us;
}

bool throttle_failed(struct throttle *throttle, struct sv account, const struct netaddr *src,
                     int64_t now_us)
{
	pthread_mutex_lock(&throttle->lock);
	count(throttle, account_key(throttle, account), now_us);
	if (tells_apart(src))
		count(throttle, network_key(throttle, src), now_us);
	bool waits = wait_locked(throttle, account, src, now_us) > 0;
	pthread_mutex_unlock(&throttle->lock);
	return waits;
}

void throttle_good(struct throttle *throttle, struct sv account)
{
	pthread_mutex_lock(&throttle->lock);
	uint64_t key = account_key(throttle, account);
	struct bucket *bucket = bucket_of(throttle, key);
	if (bucket->key == key)
		*bucket = (struct bucket){0};
	pthread_mutex_unlock(&throttle->lock);
}
