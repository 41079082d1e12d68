#include "cli/program.h"
#include "core/clock.h"
#include "core/encode.h"
#include "core/fileio.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/log.h"
#include "policy/cases.h"
#include "policy/policy.h"
#include "policy/slot.h"
#include "state/state.h"
#include "state/versions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* The author that versions from policy.file carry; accounts cannot have a name with a blank. */
static const char file_author[] = "policy file";

static const char deny_all[] =
	"{\n  \"apiVersion\": \"haward/v1\",\n  \"defaultAction\": \"DENY\",\n"
	"  \"issuers\": [],\n  \"services\": [],\n  \"policies\": []\n}\n";

static void log_items(const char *event, const struct diag *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct diag_item *item = &d->items[i];
		char words[LOG_QUOTED_BYTES], place[LOG_QUOTED_BYTES];
		log_event(LOG_ERROR, event, "file=%s line=%u column=%u pointer=%s message=%s",
		          d->file ? d->file : "-", item->line, item->column,
		          log_quote(sv_of(item->pointer ? item->pointer : ""), place),
		          log_quote(sv_of(item->message ? item->message : item->code), words));
	}
}

static int failed(const char *event, int r)
{
	char words[128];
	log_event(LOG_ERROR, event, "error=\"%s\"", strerror_r(-r, words, sizeof(words)));
	return r;
}

/* Finds the newest version that came from the file. */
struct last_import {
	char digest[DIGEST_HEX_BYTES];
	bool found;
};

static int see_version(void *user, const struct state_version *version)
{
	struct last_import *last = user;
	if (strcmp(version->author, file_author) != 0)
		return 0;
	memcpy(last->digest, version->digest, sizeof(last->digest));
	last->found = true;
	return 1;
}

static bool is_news(const struct state *state, struct sv text)
{
	struct last_import last = {0};
	uint8_t digest[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];
	int r = state_version_list(state, 0, SIZE_MAX, see_version, &last);
	if (r < 0 || !last.found || !sha256_of(text, digest))
		return true;
	(void)hex_encode((struct sv){(char *)digest, sizeof(digest)}, hex);
	return strcmp(hex, last.digest) != 0;
}

static int add_version(struct program *p, struct sv text, const char *author, const char *message)
{
	struct state_version current, fresh = {0}, stored;
	uint64_t number = 0;
	int r = state_version_current(p->state, &current);
	if (r == 0)
		number = current.number;
	else if (r != -ENOENT)
		return r;
	(void)snprintf(fresh.author, sizeof(fresh.author), "%s", author);
	(void)snprintf(fresh.message, sizeof(fresh.message), "%s", message);
	r = state_version_add(p->state, number, &fresh, text, &stored);
	if (r)
		return r;
	log_event(LOG_NOTICE, "policy_imported", "version=%llu author=\"%s\"",
	          (unsigned long long)stored.number, author);
	state_version_fini(&stored);
	return 0;
}

static int import_text(struct program *p, struct sv text)
{
	struct diag d = diag_over(p->policy_file, text);
	struct policy *judged = NULL;
	int r = policy_load(text, &p->env, 0, &d, &judged);
	if (r == 0)
		r = policy_cases_report(judged, clock_real_us(), &d);
	if (r)
		log_items("policy_file_refused", &d);
	diag_fini(&d);
	policy_unref(judged);
	return r ? r : add_version(p, text, file_author, "Imported from the policy file");
}

int program_import_policy(struct program *p)
{
	struct state_version current;
	CLEANUP(freep) char *text = NULL;
	size_t n;
	int r = state_version_current(p->state, &current);
	if (r && r != -ENOENT)
		return failed("policy_versions_unreadable", r);
	if (!p->policy_file) {
		if (r == 0)
			return 0;
		r = add_version(p, sv_of(deny_all), "haward",
		                "Denies everything until a policy set is published");
		return r ? failed("policy_not_stored", r) : 0;
	}
	r = file_read(p->policy_file, DOCUMENT_MAX_BYTES, &text, &n);
	if (r) {
		char words[128];
		log_event(LOG_ERROR, "policy_file_unreadable", "file=%s error=\"%s\"",
		          p->policy_file, strerror_r(-r, words, sizeof(words)));
		return r;
	}
	struct sv view = {text, n};
	if (!is_news(p->state, view))
		return 0;
	r = import_text(p, view);
	return r && r != -EINVAL ? failed("policy_not_stored", r) : r;
}

int program_load_policy(struct program *p)
{
	struct state_version version;
	struct policy *policy = NULL;
	int r = state_version_get(p->state, 0, &version);
	if (r)
		return failed("policy_unreadable", r);
	struct diag d = diag_over("policy set", (struct sv){version.text, version.n_bytes});
	r = policy_load((struct sv){version.text, version.n_bytes}, &p->env, version.number, &d,
	                &policy);
	if (r)
		log_items("policy_refused", &d);
	diag_fini(&d);
	uint64_t number = version.number;
	state_version_fini(&version);
	if (r)
		return r;
	policy_slot_publish(p->slot, policy);
	if (p->server)
		server_wake(p->server);
	log_event(LOG_NOTICE, "policy_in_force", "version=%llu", (unsigned long long)number);
	return 0;
}
