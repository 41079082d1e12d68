#include "cli/duration.h"

#include "core/sv.h"

bool duration_read(const char *text, int64_t *ret_s)
{
	static const struct {
		char unit;
		int64_t s;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	struct sv all = sv_of(text);
	unsigned long long n;
	if (all.n < 2 || !sv_to_u64(sv_first(all, all.n - 1), &n) || n > 1000000000)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (units[i].unit != all.at[all.n - 1])
			continue;
		*ret_s = (int64_t)n * units[i].s;
		return true;
	}
	return false;
}
