/* An htpasswd file is refused with a line number, or each of its users may be kept and has a hash that is checked. */
#include "state/crypthash.h"
#include "state/htpasswd.h"

#include <stdlib.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sv text = {(const char *)data, size};
	struct diag d = diag_over("fuzz", text);
	struct state_user *users = NULL;
	size_t n = 0;
	int r = htpasswd_read(text, &d, &users, &n);
	HOLDS((r == 0) == (d.n == 0));
	HOLDS(r == 0 || !users);
	for (size_t i = 0; i < n; i++) {
		enum crypthash_kind kind = crypthash_kind(sv_of(users[i].hash));
		HOLDS(user_name_ok(sv_of(users[i].name)));
		HOLDS(kind == CRYPTHASH_BCRYPT || kind == CRYPTHASH_SHA512);
	}
	free(users);
	diag_fini(&d);
	return 0;
}
