#include "authn/dpoprules.h"

#include "authn/htu.h"

#include <errno.h>
#include <stdio.h>

enum { MAX_AGE_S = 600 };

const struct dpop_rules dpop_rules_default = {.max_age_s = 60};

const struct json_field dpop_rule_fields[N_DPOP_RULE_FIELDS] = {
	{.name = "maxAgeSeconds",
         .kind = JSON_FIELD_INT,
         .offset = JSON_FIELD_AT(struct dpop_rules, max_age_s),
         .min = 1,
         .max = MAX_AGE_S},
	{.name = "nonce",
         .kind = JSON_FIELD_BOOL,
         .offset = JSON_FIELD_AT(struct dpop_rules, nonce)},
	{.name = "baseUrls",
         .kind = JSON_FIELD_STRINGS,
         .offset = JSON_FIELD_AT(struct dpop_rules, base_urls),
         .min = 1,
         .max = 2048},
};

static bool is_base(struct sv text)
{
	struct htu uri;
	return htu_read(text, &uri) && sv_find(text, '?') == text.n && sv_find(text, '#') == text.n;
}

int dpop_rules_check(const struct dpop_rules *rules, const char *pointer, struct diag *d)
{
	char at[256];
	int r = 0;
	for (size_t i = 0; i < rules->base_urls.n; i++) {
		if (is_base(sv_of(rules->base_urls.at[i])))
			continue;
		(void)snprintf(at, sizeof(at), "%.200s/dpop/baseUrls/%zu", pointer, i);
		diag_add(d, at, "not_a_url",
		         "an http or https URL is expected, without '?', '#' and a user");
		r = -EINVAL;
	}
	if (rules->base_urls.n <= DPOP_BASE_URLS_MAX)
		return r;
	(void)snprintf(at, sizeof(at), "%.200s/dpop/baseUrls", pointer);
	diag_add(d, at, "too_many", "at most %d are allowed here", DPOP_BASE_URLS_MAX);
	return -EINVAL;
}
