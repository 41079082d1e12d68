#include "audit/query.h"
#include "core/clock.h"

#include <errno.h>

static bool read_duration(struct sv text, uint64_t *ret_us)
{
	static const struct {
		char unit;
		uint64_t us;
	} units[] = {{'s', 1000000},
	             {'m', 60000000},
	             {'h', 3600000000},
	             {'d', 86400000000},
	             {'w', 604800000000}};
	unsigned long long n;
	if (text.n < 2 || !sv_to_u64(sv_first(text, text.n - 1), &n) || n > 100000)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (units[i].unit != text.at[text.n - 1])
			continue;
		*ret_us = n * units[i].us;
		return true;
	}
	return false;
}

int audit_time_parse(struct sv text, int64_t now_us, uint64_t *ret_us)
{
	unsigned long long seconds;
	uint64_t back = 0;
	int64_t at_us;
	if (sv_starts(text, SVL("now"))) {
		if (text.n > 3 && (text.at[3] != '-' || !read_duration(sv_from(text, 4), &back)))
			return -EINVAL;
		*ret_us = (uint64_t)now_us > back ? (uint64_t)now_us - back : 0;
		return 0;
	}
	if (sv_to_u64(text, &seconds) && seconds < 100000000000) {
		*ret_us = seconds * 1000000;
		return 0;
	}
	if (!clock_parse(text, &at_us) || at_us < 0)
		return -EINVAL;
	*ret_us = (uint64_t)at_us;
	return 0;
}
