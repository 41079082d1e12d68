/* An issuer's discovery document: believed only where it is of this issuer, and each URL in it is one that may stand
 * in a header; what is taken of it for signing in never leaves TLS.
 */
#include "authn/discovery.h"
#include "authn/endpoints.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_url(const char *url, const char *scheme)
{
	if (!url)
		return;
	must(strncmp(url, scheme, strlen(scheme)) == 0);
	for (const char *at = url; *at; at++)
		must((unsigned char)*at > 0x20 && (unsigned char)*at < 0x7f);
}

static void check_endpoints(const struct discovery *document)
{
	struct endpoints *endpoints;
	must(endpoints_new(document, "https://idp", &endpoints) == 0);
	check_url(endpoints->authorization, "https://");
	check_url(endpoints->token, "https://");
	check_url(endpoints->end_session, "https://");
	shared_unref(&endpoints->shared);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sv text = {(const char *)data, size};
	struct diag d = diag_over(NULL, text);
	struct discovery document = {0};
	int r = discovery_read(text, "https://idp", &d, &document);
	must(r == 0 || d.n > 0);
	if (r == 0) {
		must(document.jwks_uri && memmem(data, size, "issuer", 6));
		check_url(document.jwks_uri, "http");
		check_url(document.introspection_endpoint, "http");
		check_endpoints(&document);
	}
	discovery_fini(&document);
	diag_fini(&d);
	return 0;
}
