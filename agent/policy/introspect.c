#include "policy/introspect.h"

#include "authn/issuer.h"
#include "core/clock.h"
#include "core/encode.h"
#include "core/form.h"
#include "core/secret.h"
#include "fetch/fetch.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	ENDPOINTS_MAX = 64, /* whose state is kept; more are asked, but not shown */
	TIMEOUT_MS = 2000,  /* an answer behind the verdict's deadline still warms the caches */
	ERROR_BYTES = 160,
};

struct endpoint {
	char *url;
	struct introspect_status status; /* without url and error */
	char error[ERROR_BYTES];
};

struct introspect {
	struct fetch *fetch;
	pthread_mutex_t lock; /* of all below */
	struct endpoint endpoints[ENDPOINTS_MAX];
	size_t n_endpoints;
};

/* One question on the wire. */
struct asking {
	struct introspect *introspect;
	struct policy_ask *ask;
};

int introspect_new(struct fetch *fetch, struct introspect **ret)
{
	struct introspect *introspect = calloc(1, sizeof(*introspect));
	if (!introspect)
		return -ENOMEM;
	introspect->fetch = fetch;
	(void)pthread_mutex_init(&introspect->lock, NULL);
	*ret = introspect;
	return 0;
}

void introspect_free(struct introspect *introspect)
{
	if (!introspect)
		return;
	for (size_t i = 0; i < introspect->n_endpoints; i++)
		free(introspect->endpoints[i].url);
	(void)pthread_mutex_destroy(&introspect->lock);
	free(introspect);
}

/* ---- what is remembered of endpoints; under the lock ---- */

static struct endpoint *endpoint_of(struct introspect *introspect, const char *url)
{
	for (size_t i = 0; i < introspect->n_endpoints; i++)
		if (strcmp(introspect->endpoints[i].url, url) == 0)
			return &introspect->endpoints[i];
	if (introspect->n_endpoints == ENDPOINTS_MAX)
		return NULL;
	struct endpoint *fresh = &introspect->endpoints[introspect->n_endpoints];
	fresh->url = sv_dup(sv_of(url));
	if (!fresh->url)
		return NULL;
	introspect->n_endpoints++;
	return fresh;
}

static void count(struct endpoint *endpoint, int64_t now_s, const struct authn_answer *answer,
                  const char *error)
{
	struct introspect_status *s = &endpoint->status;
	s->n_asked++;
	s->n_failed += error != NULL;
	s->n_active += answer->is_good;
	s->n_refused += !answer->is_good && !error;
	if (error)
		s->failed_at = now_s;
	else
		s->good_at = now_s;
	(void)snprintf(endpoint->error, sizeof(endpoint->error), "%s", error ? error : "");
}

void introspect_each(struct introspect *introspect, introspect_each_fn *each, void *user)
{
	(void)pthread_mutex_lock(&introspect->lock);
	for (size_t i = 0; i < introspect->n_endpoints; i++) {
		const struct endpoint *endpoint = &introspect->endpoints[i];
		struct introspect_status status = endpoint->status;
		status.url = endpoint->url;
		status.error = endpoint->error;
		each(user, &status);
	}
	(void)pthread_mutex_unlock(&introspect->lock);
}

/* ---- the answer ---- */

/* source: RFC 7662 2.2: application/json; parameters do not matter */
static bool is_json(struct sv type)
{
	return sv_eq_ci(sv_trim(sv_first(type, sv_find(type, ';'))), SVL("application/json"));
}

static const char *judge(const struct issuer *issuer, const struct fetch_result *result,
                         int64_t now_s, struct authn_answer *answer)
{
	introspection_failed(now_s, answer);
	if (!result->ok)
		return result->error;
	if (!is_json(result->type))
		return "the answer is not of type application/json";
	return introspection_judge(issuer, result->body, now_s, answer);
}

static void answered(void *user, const struct fetch_result *result)
{
	struct asking *asking = user;
	struct introspect *introspect = asking->introspect;
	const struct issuer *issuer = asking->ask->asked.about;
	struct authn_answer answer = {0};
	int64_t now_s = clock_real_us() / 1000000;
	const char *error = judge(issuer, result, now_s, &answer);
	(void)pthread_mutex_lock(&introspect->lock);
	struct endpoint *endpoint = endpoint_of(introspect, issuer->introspection.endpoint);
	if (endpoint)
		count(endpoint, now_s, &answer, error);
	(void)pthread_mutex_unlock(&introspect->lock);
	policy_ask_done(asking->ask, &answer);
	free(asking);
}

/* ---- the question ---- */

static struct sv secret_of(const struct introspection *i)
{
	return sv_of(i->secret);
}

/* source: RFC 6749 2.3.1: both are form-encoded before they are joined */
static struct sv basic_header(const struct introspection *i, struct outbuf *plain,
                              struct outbuf *header)
{
	static const struct sv scheme = SV("Basic ");
	form_encode(plain, sv_of(i->client_id));
	outbuf_u8(plain, ':');
	form_encode(plain, secret_of(i));
	outbuf_put(header, scheme);
	struct sv encoded = {(char *)header->at + header->n, 0};
	encoded = base64_encode(outbuf_sv(plain), (char *)header->at + header->n);
	return (struct sv){(char *)header->at, header->n + encoded.n};
}

static void write_form(const struct introspection *i, struct sv token, struct outbuf *form)
{
	form_add(form, SVL("token"), token);
	form_add(form, SVL("token_type_hint"), SVL("access_token"));
	if (i->auth != INTROSPECTION_POST)
		return;
	form_add(form, SVL("client_id"), sv_of(i->client_id));
	form_add(form, SVL("client_secret"), secret_of(i));
}

/* Room for form, joined credentials and header, in one block that is wiped. */
static int send_question(struct fetch *fetch, const struct issuer *issuer, struct sv token,
                         struct asking *asking)
{
	const struct introspection *i = &issuer->introspection;
	size_t n_who = 3 * (strlen(i->client_id) + strlen(i->secret)) + 64;
	size_t n_form = 3 * token.n + n_who + 128, n_header = 2 * n_who + 64;
	size_t n = n_form + n_who + n_header;
	char *room = malloc(n);
	if (!room)
		return -ENOMEM;
	struct outbuf form = outbuf_over((uint8_t *)room, n_form);
	struct outbuf plain = outbuf_over((uint8_t *)room + n_form, n_who);
	struct outbuf header = outbuf_over((uint8_t *)room + n_form + n_who, n_header);
	struct fetch_request request = {.url = i->endpoint, .timeout_ms = TIMEOUT_MS};
	write_form(i, token, &form);
	request.form = outbuf_sv(&form);
	if (i->auth == INTROSPECTION_BASIC)
		request.authorization = basic_header(i, &plain, &header);
	int r = form.failed || plain.failed || header.failed
	                ? -ENOMEM
	                : fetch_ask(fetch, &request, answered, asking);
	secret_wipe(room, n);
	free(room);
	return r;
}

static int perform(void *user, struct policy_ask *ask)
{
	struct introspect *introspect = user;
	struct asking *asking = malloc(sizeof(*asking));
	if (!asking)
		return -ENOMEM;
	*asking = (struct asking){introspect, ask};
	int r = send_question(introspect->fetch, ask->asked.about, ask->asked.parts[0], asking);
	if (r)
		free(asking);
	return r;
}

struct policy_performer introspect_performer(struct introspect *introspect)
{
	return (struct policy_performer){.perform = perform, .user = introspect};
}
