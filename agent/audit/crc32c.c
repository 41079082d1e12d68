#include "audit/crc32c.h"

#include <pthread.h>

static uint32_t table[256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void table_fill(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78U : 0);
		table[i] = crc;
	}
}

uint32_t audit_crc32c_plain(uint32_t crc, struct sv bytes)
{
	(void)pthread_once(&table_once, table_fill);
	crc = ~crc;
	for (size_t i = 0; i < bytes.n; i++)
		crc = crc >> 8 ^ table[(crc ^ (uint8_t)bytes.at[i]) & 0xff];
	return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, struct sv bytes)
{
	uint64_t sum = ~crc;
	const char *at = bytes.at;
	size_t n = bytes.n;
	for (; n >= 8; n -= 8, at += 8) {
		uint64_t word;
		memcpy(&word, at, 8);
		sum = __builtin_ia32_crc32di(sum, word);
	}
	uint32_t rest = (uint32_t)sum;
	for (; n > 0; n--, at++)
		rest = __builtin_ia32_crc32qi(rest, (unsigned char)*at);
	return ~rest;
}

uint32_t audit_crc32c(uint32_t crc, struct sv bytes)
{
	return __builtin_cpu_supports("sse4.2") ? by_instruction(crc, bytes)
	                                        : audit_crc32c_plain(crc, bytes);
}
#else
uint32_t audit_crc32c(uint32_t crc, struct sv bytes)
{
	return audit_crc32c_plain(crc, bytes);
}
#endif
