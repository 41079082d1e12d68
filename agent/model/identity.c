#include "model/identity.h"

const char *const auth_method_names[AUTH_METHOD_COUNT] = {
	[AUTH_NONE] = "none",       [AUTH_JWT] = "jwt",
	[AUTH_MTLS] = "mtls",       [AUTH_INTROSPECTION] = "introspection",
	[AUTH_API_KEY] = "api_key", [AUTH_SESSION] = "session",
	[AUTH_BASIC] = "basic",
};

/* source: Istio's SPIFFE layout, spiffe://<trust domain>/ns/<namespace>/sa/<service account> */
void identity_set_workload(struct identity *who, struct sv spiffe_id)
{
	static const struct sv scheme = SV("spiffe://");
	struct sv rest = sv_from(spiffe_id, sv_starts(spiffe_id, scheme) ? scheme.n : 0);
	struct sv part, key = {0};
	who->workload = spiffe_id;
	if (who->workload_method == AUTH_NONE)
		who->workload_method = AUTH_MTLS;
	(void)sv_cut(&rest, '/', &who->trust_domain);
	while (sv_cut(&rest, '/', &part)) {
		if (sv_eq(key, SVL("ns")))
			who->namespace = part;
		else if (sv_eq(key, SVL("sa")))
			who->service_account = part;
		bool is_key = key.n == 0 && (sv_eq(part, SVL("ns")) || sv_eq(part, SVL("sa")));
		key = is_key ? part : (struct sv){0};
	}
}
