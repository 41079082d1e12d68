#include "authn/workloads.h"

#include <errno.h>
#include <stdlib.h>

void workloads_free(struct workloads *workloads)
{
	if (!workloads)
		return;
	certmap_fini(&workloads->map);
	trustdomains_fini(&workloads->domains);
	free(workloads);
}

static void workloads_freep(struct workloads **workloads)
{
	workloads_free(*workloads);
}

int workloads_compile(const json_t *trust_domains, const json_t *identities,
                      const struct authn_env *env, struct diag *d, struct workloads **ret)
{
	CLEANUP(workloads_freep) struct workloads *workloads = calloc(1, sizeof(*workloads));
	if (!workloads)
		return -ENOMEM;
	int domains =
		trustdomains_read(trust_domains, "/trustDomains", env, d, &workloads->domains);
	int map = certmap_read(identities, "/certificateIdentities", &workloads->domains, d,
	                       &workloads->map);
	if (domains || map)
		return domains ? domains : map;
	*ret = TAKE(workloads);
	return 0;
}
