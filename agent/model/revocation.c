#include "model/revocation.h"

const char *const revocation_kind_names[REVOCATION_KIND_COUNT] = {
	[REVOCATION_TOKEN] = "token",     [REVOCATION_SUBJECT] = "subject",
	[REVOCATION_CLIENT] = "client",   [REVOCATION_KEY] = "key",
	[REVOCATION_SESSION] = "session",
};
