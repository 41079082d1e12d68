#ifndef UNIT_ADMIN_WEB_H
#define UNIT_ADMIN_WEB_H

#include "admin/admin.h"
#include "audit/journal.h"
#include "audit/store.h"
#include "audit/writer.h"
#include "core/sv.h"
#include "policy/load.h"
#include "state/state.h"

#include <jansson.h>
#include <stdatomic.h>

/* A whole admin side over a directory of its own, on a free port of loopback. */
struct web {
	char dir[64];
	struct state *state;
	struct audit_store *store;
	struct audit_journals *journals;
	struct audit_writer *writer;
	struct admin_options options;
	struct policy_env env;
	struct admin *admin;
	atomic_uint n_published;
	uint64_t last_published;
};

/* What came back. */
struct answer {
	unsigned status;
	char *text; /* head and body as received */
	size_t n;
	struct sv head;
	char *body; /* chunks joined, terminated */
	size_t n_body;
	bool whole; /* the body ended as its framing says */
};

int web_setup(void **state);
int web_teardown(void **state);

/* web_deps - what the admin side stands on, to start another one with options of its own. */
struct admin_deps web_deps(struct web *web, const struct admin_options *options);

/* web_raw - send bytes as they are, read until the server closes. */
struct answer web_raw(const struct web *web, struct sv request);

/* web_ask - one request with Connection: close. headers: whole lines with CRLF, or "". body: NULL = none */
struct answer web_ask(const struct web *web, const char *method, const char *target,
                      const char *headers, const char *body);
/* web_send - send a request and read nothing; with the smallest receive buffer. Returns the socket. */
int web_send(const struct web *web, const char *method, const char *target, const char *headers);
void answer_fini(struct answer *answer);

/* A header's value; empty when it is not there. */
struct sv answer_header(const struct answer *answer, const char *name);

/* The body as JSON; owned by the caller. */
json_t *answer_json(const struct answer *answer);

/* A signed-in browser: the lines it sends with every request. */
struct login {
	char safe[256];   /* Cookie */
	char unsafe[512]; /* Cookie and X-CSRF */
};

/* web_account - add an account with these roles and sign in. */
struct login web_account(const struct web *web, const char *name, uint32_t roles);

#define WEB_PASSWORD "a quiet river bend"

#endif
