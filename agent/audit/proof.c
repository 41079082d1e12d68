#include "audit/proof.h"

#include "core/clock.h"
#include "core/fileio.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one walk through the book ---- */

struct collection {
	struct sha256 *sha;
	struct merkle_tree tree;
	bool has_size; /* the root of the first `size` is asked for, else of all */
	uint64_t size;
	bool reached; /* the book has so many */
	struct merkle_hash root;

	struct merkle_plan plan;                   /* empty when nothing is to be proved */
	struct merkle_tree parts[MERKLE_PATH_MAX]; /* one a range */
	uint64_t wanted;                           /* seq; 0: none */
	uint8_t record[AUDIT_RECORD_MAX];
	size_t n_record;
};

static void free_collection(struct collection **collection)
{
	if (!*collection)
		return;
	sha256_free((*collection)->sha);
	free(*collection);
}

static struct collection *new_collection(void)
{
	CLEANUP(free_collection) struct collection *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->sha = sha256_new();
	return c->sha ? TAKE(c) : NULL;
}

static bool add_part(struct collection *c, uint64_t index, const struct merkle_hash *leaf)
{
	for (unsigned i = 0; i < c->plan.n; i++)
		if (index >= c->plan.ranges[i].first && index < c->plan.ranges[i].end)
			return merkle_add(&c->parts[i], c->sha, leaf);
	return true;
}

static bool collect(void *user, uint64_t seq, struct sv record)
{
	struct collection *c = user;
	struct merkle_hash leaf;
	if (c->has_size && seq > c->size)
		return true;
	if (seq == c->wanted && record.n <= sizeof(c->record)) {
		memcpy(c->record, record.at, record.n);
		c->n_record = record.n;
	}
	if (!merkle_leaf(c->sha, seq, record, &leaf) || !merkle_add(&c->tree, c->sha, &leaf) ||
	    !add_part(c, seq - 1, &leaf))
		return false;
	c->reached = c->has_size && seq == c->size;
	return true;
}

static int walk(struct audit_store *store, struct collection *c, struct audit_chain_report *report)
{
	int r = audit_chain_walk(store, collect, c, report);
	if (r != 0)
		return r;
	return merkle_root(&c->tree, c->sha, &c->root) ? 0 : -EIO;
}

int audit_checkpoint_make(struct audit_store *store, struct audit_chain_report *report,
                          struct checkpoint *ret)
{
	CLEANUP(free_collection) struct collection *c = new_collection();
	int r = c ? walk(store, c, report) : -ENOMEM;
	if (r != 0)
		return r;
	*ret = (struct checkpoint){.size = c->tree.n, .root = c->root, .at_us = clock_real_us()};
	memcpy(ret->book, report->book, sizeof(ret->book));
	return 0;
}

static const char *compare(const struct collection *c, const struct checkpoint *checkpoint,
                           const struct audit_chain_report *report)
{
	if (memcmp(checkpoint->book, report->book, sizeof(report->book)) != 0)
		return "the checkpoint is of another book";
	if (checkpoint->size > 0 && !c->reached)
		return "the tail is cut: the checkpoint has more records than the book";
	if (memcmp(checkpoint->root.bytes, c->root.bytes, SHA256_BYTES) != 0)
		return "the book was written anew: its records are not those of the checkpoint";
	return NULL;
}

int audit_checkpoint_compare(struct audit_store *store, const struct checkpoint *checkpoint,
                             struct audit_chain_report *report, const char **ret_fault)
{
	CLEANUP(free_collection) struct collection *c = new_collection();
	if (!c)
		return -ENOMEM;
	c->has_size = true;
	c->size = checkpoint->size;
	int r = walk(store, c, report);
	if (r == 0)
		*ret_fault = compare(c, checkpoint, report);
	return r;
}

/* ---- making a proof ---- */

static json_t *hashes_of(const struct collection *c)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < c->plan.n; i++) {
		struct merkle_hash hash;
		char text[BASE64_ENCODED_MAX(SHA256_BYTES)];
		if (!merkle_root(&c->parts[i], c->sha, &hash)) {
			json_decref(list);
			return NULL;
		}
		(void)base64_encode((struct sv){(const char *)hash.bytes, SHA256_BYTES}, text);
		json_array_append_new(list, json_string(text));
	}
	return list;
}

static json_t *inclusion(const struct collection *c, const struct proof_question *q)
{
	char seq[24];
	CLEANUP(freep) char *record = malloc(BASE64_ENCODED_MAX(AUDIT_RECORD_MAX));
	if (!record)
		return NULL;
	(void)snprintf(seq, sizeof(seq), "%" PRIu64, q->seq);
	(void)base64_encode((struct sv){(const char *)c->record, c->n_record}, record);
	return json_pack("{s:s, s:s%, s:s, s:s, s:o}", "type", "inclusion", "checkpoint",
	                 q->text.at, q->text.n, "seq", seq, "record", record, "hashes",
	                 hashes_of(c));
}

static json_t *consistency(const struct collection *c, const struct proof_question *q)
{
	return json_pack("{s:s, s:s%, s:s%, s:o}", "type", "consistency", "since", q->since_text.at,
	                 q->since_text.n, "checkpoint", q->text.at, q->text.n, "hashes",
	                 hashes_of(c));
}

static const char *cannot(const struct proof_question *q)
{
	if (q->seq > q->checkpoint.size)
		return "the event is younger than the checkpoint: make another one";
	if (q->seq > 0)
		return NULL;
	if (memcmp(q->since.book, q->checkpoint.book, sizeof(q->since.book)) != 0)
		return "the two checkpoints are of different books";
	if (q->since.size == 0 || q->since.size > q->checkpoint.size)
		return "--since is empty, or younger than --checkpoint";
	return NULL;
}

int audit_prove(struct audit_store *store, const struct proof_question *question,
                struct audit_chain_report *report, char **ret_json, const char **ret_fault)
{
	CLEANUP(free_collection) struct collection *c = new_collection();
	if (!c)
		return -ENOMEM;
	*ret_fault = cannot(question);
	if (*ret_fault) {
		*report = (struct audit_chain_report){.holds = true};
		return 0;
	}
	c->has_size = true;
	c->size = question->checkpoint.size;
	c->wanted = question->seq;
	if (question->seq)
		merkle_plan_inclusion(question->seq - 1, c->size, &c->plan);
	else
		merkle_plan_consistency(question->since.size, c->size, &c->plan);
	int r = walk(store, c, report);
	if (r != 0 || !report->holds)
		return r;
	*ret_fault = compare(c, &question->checkpoint, report);
	if (*ret_fault)
		return 0;
	json_t *json = question->seq ? inclusion(c, question) : consistency(c, question);
	*ret_json = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
	json_decref(json);
	return *ret_json ? 0 : -ENOMEM;
}

/* ---- checking one ---- */

struct hashes {
	struct merkle_hash at[MERKLE_PATH_MAX];
	size_t n;
};

static bool read_hashes(const json_t *list, struct hashes *ret)
{
	size_t i;
	json_t *item;
	ret->n = json_array_size(list);
	if (!json_is_array(list) || ret->n > MERKLE_PATH_MAX)
		return false;
	json_array_foreach(list, i, item)
	{
		uint8_t room[BASE64_DECODED_MAX(BASE64_ENCODED_MAX(SHA256_BYTES))];
		struct sv text = {json_string_value(item), json_string_length(item)};
		size_t n;
		if (!json_is_string(item) || text.n >= BASE64_ENCODED_MAX(SHA256_BYTES) ||
		    !base64_decode(text, room, &n) || n != SHA256_BYTES)
			return false;
		memcpy(ret->at[i].bytes, room, SHA256_BYTES);
	}
	return true;
}

static int check_inclusion(const json_t *json, const struct checkpoint_keys *keys,
                           struct sha256 *sha, struct proof_answer *ret)
{
	const char *text, *seq, *record, *type;
	size_t n_text, n_seq, n_record, n;
	json_t *list;
	struct hashes hashes;
	unsigned long long number;
	struct merkle_hash leaf;
	if (json_unpack((json_t *)(uintptr_t)json, "{s:s, s:s%, s:s%, s:s%, s:o !}", "type", &type,
	                "checkpoint", &text, &n_text, "seq", &seq, &n_seq, "record", &record,
	                &n_record, "hashes", &list) != 0 ||
	    !read_hashes(list, &hashes) || !sv_to_u64((struct sv){seq, n_seq}, &number) ||
	    n_record >= BASE64_ENCODED_MAX(AUDIT_RECORD_MAX) ||
	    !base64_decode((struct sv){record, n_record}, ret->room, &n))
		return -EBADMSG;
	struct sv bytes = {(const char *)ret->room, n};
	int r = checkpoint_open((struct sv){text, n_text}, keys, &ret->checkpoint);
	if (r == 0)
		r = audit_record_decode(bytes, &ret->record);
	if (r != 0)
		return r;
	ret->is_inclusion = true;
	ret->seq = number;
	bool good = number > 0 && merkle_leaf(sha, number, bytes, &leaf) &&
	            merkle_check_inclusion(sha, number - 1, ret->checkpoint.size, &leaf, hashes.at,
	                                   hashes.n, &ret->checkpoint.root);
	return good ? 0 : -EPROTO;
}

static int check_consistency(const json_t *json, const struct checkpoint_keys *keys,
                             struct sha256 *sha, struct proof_answer *ret)
{
	const char *since, *text, *type;
	size_t n_since, n_text;
	json_t *list;
	struct hashes hashes;
	if (json_unpack((json_t *)(uintptr_t)json, "{s:s, s:s%, s:s%, s:o !}", "type", &type,
	                "since", &since, &n_since, "checkpoint", &text, &n_text, "hashes",
	                &list) != 0 ||
	    !read_hashes(list, &hashes))
		return -EBADMSG;
	int r = checkpoint_open((struct sv){since, n_since}, keys, &ret->since);
	if (r == 0)
		r = checkpoint_open((struct sv){text, n_text}, keys, &ret->checkpoint);
	if (r != 0)
		return r;
	ret->is_inclusion = false;
	bool good = memcmp(ret->since.book, ret->checkpoint.book, sizeof(ret->since.book)) == 0 &&
	            merkle_check_consistency(sha, ret->since.size, ret->checkpoint.size,
	                                     &ret->since.root, hashes.at, hashes.n,
	                                     &ret->checkpoint.root);
	return good ? 0 : -EPROTO;
}

int audit_proof_check(struct sv text, const struct checkpoint_keys *keys, struct proof_answer *ret)
{
	json_t *json = json_loadb(text.at, text.n, JSON_REJECT_DUPLICATES, NULL);
	const char *type = json_string_value(json_object_get(json, "type"));
	struct sha256 *sha = sha256_new();
	int r = -EBADMSG;
	if (!sha)
		r = -ENOMEM;
	else if (type && strcmp(type, "inclusion") == 0)
		r = check_inclusion(json, keys, sha, ret);
	else if (type && strcmp(type, "consistency") == 0)
		r = check_consistency(json, keys, sha, ret);
	sha256_free(sha);
	json_decref(json);
	return r;
}
