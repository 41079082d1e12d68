#include "policy/learner.h"

#include "authz/learn.h"
#include "core/arena.h"
#include "core/encode.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/secret.h"
#include "model/decision.h"
#include "policy/asklane.h"
#include "policy/tables.h"
#include "state/relations.h"
#include "state/state.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The parts of the ask. */
enum part { PART_OBJECT, PART_RELATION, PART_SUBJECT, PART_POLICY, PART_EVENT, PART_COUNT };
_Static_assert((int)PART_COUNT <= (int)AUTHN_ASK_PARTS, "they fit an ask");

enum { CODE_BYTES = 16, CODE_CHARS = 22 };

/* "CODE.OFFER": the code is a keyed digest of event and offer, in base64url. */
struct learner {
	struct state *state;
	struct policy_tables *tables;
	uint8_t key[SHA256_BYTES];
	struct asklane lane;
	struct state_relation relations[POLICY_ASKS_MAX]; /* of the lane's thread */
};

/* ---- what goes through HAProxy ---- */

/* returns the code's text in room; empty where it cannot be made */
static struct sv code_of(const struct learner *learner, const struct event_id *event,
                         struct sv offer, char room[static BASE64_ENCODED_MAX(CODE_BYTES)])
{
	unsigned char message[EVENT_ID_BYTES + AUTHZ_OFFER_MAX], mac[SHA256_BYTES];
	if (offer.n > AUTHZ_OFFER_MAX)
		return (struct sv){0};
	memcpy(message, event->bytes, EVENT_ID_BYTES);
	memcpy(message + EVENT_ID_BYTES, offer.at, offer.n);
	if (!HMAC(EVP_sha256(), learner->key, sizeof(learner->key), message,
	          EVENT_ID_BYTES + offer.n, mac, NULL))
		return (struct sv){0};
	return base64url_encode((struct sv){(const char *)mac, CODE_BYTES}, room);
}

void learner_seal(const struct learner *learner, struct decision *decision, struct arena *arena)
{
	char room[BASE64_ENCODED_MAX(CODE_BYTES)];
	struct sv offer = decision->verdict.learn, code = {0};
	if (learner && offer.n > 0 && decision->verdict.effect == VERDICT_ALLOW)
		code = code_of(learner, &decision->event, offer, room);
	decision->verdict.learn =
		code.n ? arena_printf(arena, "%.*s.%.*s", SV_ARG(code), SV_ARG(offer))
		       : (struct sv){0};
}

/* returns the offer; empty: it is none of ours */
static struct sv open_offer(const struct learner *learner, const struct lesson *lesson)
{
	char room[BASE64_ENCODED_MAX(CODE_BYTES)];
	struct sv code = sv_first(lesson->learn, CODE_CHARS);
	struct sv offer = sv_from(lesson->learn, CODE_CHARS + 1);
	if (offer.n == 0 || lesson->learn.at[CODE_CHARS] != '.' ||
	    !secret_equal(code, code_of(learner, &lesson->event, offer, room)))
		return (struct sv){0};
	return offer;
}

static bool is_old(const struct event_id *event, int64_t now_us)
{
	int64_t at_ms = (int64_t)event_id_ms(event);
	return now_us / 1000 - at_ms > LEARNER_OFFER_AGE_S * 1000;
}

static bool fill_ask(const struct authz_lesson *learned, const struct lesson *lesson,
                     struct arena *arena, struct authn_ask *ret)
{
	const struct relation_ref *subject = &learned->tuple.subject;
	char room[EVENT_ID_TEXT_BYTES + 1];
	ret->parts[PART_OBJECT] = learned->tuple.object.text;
	ret->parts[PART_RELATION] = learned->tuple.relation;
	ret->parts[PART_SUBJECT] = subject->text; /* a userset is never learned */
	ret->parts[PART_POLICY] = learned->policy;
	return arena_dup(arena, event_id_text(&lesson->event, room), &ret->parts[PART_EVENT]) &&
	       sha256_of(lesson->learn, ret->key);
}

bool learner_ask(const struct learner *learner, const struct lesson *lesson, uint64_t serial,
                 int64_t now_us, struct arena *arena, struct authn_ask *ret, const char **ret_why)
{
	struct authz_lesson learned;
	*ret_why = NULL;
	*ret = (struct authn_ask){.kind = AUTHN_ASK_LEARN, .serial = serial};
	if (lesson->status < 200 || lesson->status > 299)
		return false;
	struct sv offer = open_offer(learner, lesson);
	*ret_why = "it is not what the verdict of this event said";
	if (offer.n == 0)
		return false;
	*ret_why = "the verdict is too old";
	if (is_old(&lesson->event, now_us))
		return false;
	if (!authz_learn_from(offer, lesson->headers, arena, &learned, ret_why))
		return false;
	*ret_why = "memory is out";
	return fill_ask(&learned, lesson, arena, ret);
}

/* ---- writing ---- */

static struct state_relation relation_of(const struct policy_ask *ask)
{
	const struct sv *parts = ask->asked.parts;
	return (struct state_relation){parts[PART_OBJECT], parts[PART_RELATION],
	                               parts[PART_SUBJECT]};
}

static json_t *claims_of(const struct policy_ask *ask)
{
	const struct sv *parts = ask->asked.parts;
	char tuple[RELATION_TUPLE_MAX_BYTES + 1];
	(void)snprintf(tuple, sizeof(tuple), "%.*s#%.*s@%.*s", SV_ARG(parts[PART_OBJECT]),
	               SV_ARG(parts[PART_RELATION]), SV_ARG(parts[PART_SUBJECT]));
	return json_pack("{s:s, s:s%, s:s%}", LEARNER_TUPLE, tuple, LEARNER_POLICY,
	                 parts[PART_POLICY].at, parts[PART_POLICY].n, LEARNER_EVENT,
	                 parts[PART_EVENT].at, parts[PART_EVENT].n);
}

static void done(struct policy_ask *ask, int r)
{
	struct authn_answer answer = {
		.is_good = r == 0, .why = REASON_INTERNAL, .claims = claims_of(ask)};
	if (r)
		log_event(LOG_ERROR, "relation_not_learned", "errno=%d event=%.*s", -r,
		          SV_ARG(ask->asked.parts[PART_EVENT]));
	policy_ask_done(ask, &answer);
}

static int write_one(struct learner *l, const struct policy_ask *ask)
{
	const struct state_relation relation = relation_of(ask);
	size_t n_new;
	return state_relations_add(l->state, &relation, 1, &n_new);
}

static int write_all(struct learner *l, struct policy_ask *const *asks, size_t n)
{
	size_t n_new;
	for (size_t i = 0; i < n; i++)
		l->relations[i] = relation_of(asks[i]);
	return state_relations_add(l->state, l->relations, n, &n_new);
}

/* In one step; but one that cannot be kept must not keep the others out. */
static void write_batch(void *user, struct policy_ask *const *asks, size_t n)
{
	struct learner *l = user;
	int results[POLICY_ASKS_MAX] = {0};
	bool changed;
	if (write_all(l, asks, n) != 0)
		for (size_t i = 0; i < n; i++)
			results[i] = write_one(l, asks[i]);
	int r = policy_tables_poll(l->tables, &changed);
	if (r)
		log_event(LOG_ERROR, "table_failed", "errno=%d cause=\"learned relations\"", -r);
	for (size_t i = 0; i < n; i++)
		done(asks[i], results[i]);
}

struct policy_performer learner_performer(struct learner *learner)
{
	return asklane_performer(&learner->lane);
}

/* A key of its own out of the state's: another agent on the same state understands the offers too. */
static bool make_key(struct learner *l)
{
	static const char label[] = "haward learned ownership 1";
	return HMAC(EVP_sha256(), state_mask_key(l->state), STATE_MASK_KEY_BYTES,
	            (const unsigned char *)label, sizeof(label) - 1, l->key, NULL);
}

int learner_start(struct state *state, struct policy_tables *tables, struct learner **ret)
{
	struct learner *l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->state = state;
	l->tables = tables;
	asklane_init(&l->lane, write_batch, l);
	int r = make_key(l) ? asklane_start(&l->lane, "learn") : -EIO;
	if (r == 0)
		*ret = l;
	else
		learner_free(l);
	return r;
}

void learner_end(struct learner *l)
{
	if (l)
		asklane_end(&l->lane);
}

void learner_free(struct learner *l)
{
	if (!l)
		return;
	asklane_fini(&l->lane);
	secret_wipe(l->key, sizeof(l->key));
	free(l);
}
