#include "core/secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <sys/random.h>

bool secret_equal(struct sv a, struct sv b)
{
	return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.at, b.at, a.n) == 0);
}

void secret_wipe(void *at, size_t n)
{
	if (at)
		OPENSSL_cleanse(at, n);
}

bool secret_random(void *at, size_t n)
{
	unsigned char *to = at;
	while (n) {
		ssize_t got = getrandom(to, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		to += got;
		n -= (size_t)got;
	}
	return true;
}
