/* A file of zoneinfo may be anything; what is taken for a zone has an offset at any time. */
#include "authz/cel/timetext.h"
#include "authz/cel/zone.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t times[] = {CEL_TIMESTAMP_MIN_S, -1,         0,
	                                1700000000,          4102444800, CEL_TIMESTAMP_MAX_S};
	struct cel_zone *zone = NULL;
	struct cel_value value;
	struct sv text = {(const char *)data, size};
	if (cel_zone_read(text, &zone))
		for (size_t i = 0; i < ARRAY_LEN(times); i++)
			if (abs(cel_zone_offset(zone, times[i])) > 8 * 86400)
				abort();
	cel_zone_free(zone);
	if (cel_duration_read(text, &value) &&
	    (value.n > 999999999 || llabs((long long)value.i) > CEL_DURATION_MAX_S + 1))
		abort();
	if (cel_timestamp_read(text, &value) && value.n > 999999999)
		abort();
	return 0;
}
