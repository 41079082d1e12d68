#include "authz/authz.h"
#include "model/verdict.h"
#include "policy/hits.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "policy/slot.h"
#include "support/cmocka_prelude.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct policy *load(const char *text)
{
	struct diag d = diag_over("test", sv_of(text));
	struct policy *policy = NULL;
	int r = policy_load(sv_of(text), NULL, 1, &d, &policy);
	if (r != 0)
		diag_print(&d, stderr);
	assert_int_equal(r, 0);
	diag_fini(&d);
	return policy;
}

static const char first[] =
	"{\"policies\":[{\"name\":\"a\",\"action\":\"ALLOW\"},"
	"{\"name\":\"b\",\"action\":\"ALLOW\"}],"
	"\"roles\":[{\"name\":\"r\",\"permissions\":[{\"operations\":[{\"paths\":"
	"[\"/x\"]}]},{\"operations\":[{\"paths\":[\"/y\"]}]}]}]}";
static const char second[] = "{\"policies\":[{\"name\":\"c\",\"action\":\"ALLOW\"},"
			     "{\"name\":\"a\",\"action\":\"ALLOW\"}]}";

static struct verdict hit(uint32_t policy, bool decided, bool would_change)
{
	return (struct verdict){.hits = {{policy, decided, would_change}}, .n_hits = 1};
}

static struct policy_hit_counts get(struct policy_slot *slot, const char *name)
{
	struct policy_hit_counts counts;
	assert_true(policy_hits_get(policy_slot_hits(slot), sv_of(name), &counts));
	return counts;
}

static void counts_are_summed_and_go_on_over_a_publish(void **state)
{
	(void)state;
	struct policy_slot *slot = policy_slot_new();
	assert_non_null(slot);
	struct policy_hits_row *one = policy_hits_row(policy_slot_hits(slot));
	policy_slot_publish(slot, load(first));
	struct policy_hits_row *two = policy_hits_row(policy_slot_hits(slot)); /* a late worker */
	assert_true(one && two);
	struct policy *policy = policy_slot_get(slot);
	struct verdict v = hit(0, true, false);
	policy_hits_count(one, policy, &v, 1000);
	policy_hits_count(two, policy, &v, 3000);
	v = hit(1, false, true);
	policy_hits_count(two, policy, &v, 2000);
	v = hit(2, true, false);
	policy_hits_count(two, policy, &v, 2000);
	v = hit(3, true, false); /* the role's other permission */
	policy_hits_count(one, policy, &v, 2000);

	struct policy_hit_counts a = get(slot, "a");
	assert_int_equal(a.n_matched, 2);
	assert_int_equal(a.n_decided, 2);
	assert_int_equal(a.n_would_change, 0);
	assert_int_equal(a.last_at_us, 3000);
	assert_true(a.since_us > 0);
	assert_int_equal(get(slot, "b").n_would_change, 1);
	assert_int_equal(get(slot, "b").n_decided, 0);
	assert_int_equal(get(slot, "role:r").n_decided, 2);
	policy_unref(policy);

	policy_slot_publish(slot, load(second));
	policy = policy_slot_get(slot);
	v = hit(1, true, false); /* "a" has another number here */
	policy_hits_count(one, policy, &v, 4000);
	assert_int_equal(get(slot, "a").n_decided, 3);
	assert_int_equal(get(slot, "a").last_at_us, 4000);
	assert_int_equal(get(slot, "c").n_matched, 0);
	assert_int_equal(get(slot, "c").last_at_us, 0);
	assert_int_equal(get(slot, "b").n_matched, 1); /* and is there when it comes back */
	struct policy_hit_counts ignored;
	assert_false(policy_hits_get(policy_slot_hits(slot), SVL("nobody"), &ignored));
	policy_unref(policy);
	policy_slot_free(slot);
}

struct seen {
	char text[256];
};

static void note(void *user, struct sv name, const struct policy_hit_counts *counts)
{
	struct seen *seen = user;
	size_t n = strlen(seen->text);
	(void)snprintf(seen->text + n, sizeof(seen->text) - n, "%.*s=%d ", SV_ARG(name),
	               (int)counts->n_matched);
}

static void names_past_a_bound_are_summed(void **state)
{
	(void)state;
	struct policy_slot *slot = policy_slot_new();
	assert_non_null(slot);
	struct policy_hits_row *row = policy_hits_row(policy_slot_hits(slot));
	policy_slot_publish(slot, load(first));
	struct policy *policy = policy_slot_get(slot);
	for (uint32_t i = 0; i < 3; i++) {
		struct verdict v = hit(i, false, false);
		for (uint32_t k = 0; k <= i; k++)
			policy_hits_count(row, policy, &v, 1);
	}
	struct seen seen = {""};
	policy_hits_each(policy_slot_hits(slot), 1, note, &seen);
	assert_string_equal(seen.text, "a=1 =5 ");
	seen.text[0] = 0;
	policy_hits_each(policy_slot_hits(slot), 8, note, &seen);
	assert_string_equal(seen.text, "a=1 b=2 role:r=3 ");
	policy_unref(policy);
	policy_slot_free(slot);
}

/* Many names, so that the table grows and places are made, while workers count. */
enum { ROUNDS = 20, POLICIES = 300, COUNTS = 3000 };

static void *count_away(void *user)
{
	struct policy_slot *slot = user;
	struct policy_hits_row *row = policy_hits_row(policy_slot_hits(slot));
	struct policy *policy = NULL;
	struct verdict v = hit(0, true, false);
	for (int i = 0; i < COUNTS; i++) {
		policy = policy_slot_refresh(slot, policy);
		policy_hits_count(row, policy, &v, i + 1);
	}
	policy_unref(policy);
	return NULL;
}

static struct policy *round_of(int round)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	assert_non_null(f);
	fputs("{\"policies\":[{\"name\":\"always\",\"action\":\"ALLOW\"}", f);
	for (int i = 0; i < POLICIES; i++)
		fprintf(f, ",{\"name\":\"p%d-%d\",\"action\":\"ALLOW\"}", round, i);
	fputs("]}", f);
	fclose(f);
	struct policy *policy = load(text);
	free(text);
	return policy;
}

static void workers_count_while_others_publish(void **state)
{
	(void)state;
	struct policy_slot *slot = policy_slot_new();
	assert_non_null(slot);
	pthread_t threads[2];
	policy_slot_publish(slot, round_of(0));
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_away, slot), 0);
	for (int round = 1; round < ROUNDS; round++)
		policy_slot_publish(slot, round_of(round));
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(get(slot, "always").n_decided, COUNTS * ARRAY_LEN(threads));
	policy_slot_free(slot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_summed_and_go_on_over_a_publish),
		cmocka_unit_test(names_past_a_bound_are_summed),
		cmocka_unit_test(workers_count_while_others_publish),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
