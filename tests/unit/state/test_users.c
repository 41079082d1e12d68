/* Users of services: what is kept of them, what is taken from htpasswd, and hashes that others made. */
#include "state/crypthash.h"
#include "state/htpasswd.h"
#include "state/state.h"
#include "state/users.h"
#include "temp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* source: crypt_blowfish 1.3, wrapper.c; Ulrich Drepper, Unix crypt using SHA-512, test vectors */
#define BCRYPT "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
#define SHA512_                                              \
	"$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/" \
	"O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
#define ROUNDS                                                                            \
	"$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/" \
	"UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v."

static void published_vectors_hold(void **state)
{
	static const struct {
		const char *hash, *password;
	} rows[] = {{BCRYPT, "U*U"}, {SHA512_, "Hello world!"}, {ROUNDS, "Hello world!"}};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char other[128];
		assert_true(crypthash_verify(sv_of(rows[i].password), rows[i].hash));
		assert_false(crypthash_verify(SVL("hello world!"), rows[i].hash));
		assert_false(crypthash_verify(SVL(""), rows[i].hash));
		assert_false(crypthash_verify(SVL("U*U\0x"), rows[i].hash)); /* no text */
		(void)snprintf(other, sizeof(other), "%s", rows[i].hash);
		char *last = &other[strlen(other) - 1];
		*last = *last == 'x' ? 'y' : 'x';
		assert_false(crypthash_verify(sv_of(rows[i].password), other));
	}
}

static void only_what_is_strong_and_bounded_is_a_hash(void **state)
{
	static const struct {
		const char *text;
		enum crypthash_kind kind;
	} rows[] = {
		{BCRYPT, CRYPTHASH_BCRYPT},
		{SHA512_, CRYPTHASH_SHA512},
		{ROUNDS, CRYPTHASH_SHA512},
		{"$2y$14$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", CRYPTHASH_BCRYPT},
		{"$2y$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", CRYPTHASH_COSTLY},
		{"$2y$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", CRYPTHASH_COSTLY},
		{"$2y$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", CRYPTHASH_NONE},
		{"$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", CRYPTHASH_NONE},
		{"$2y$5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWxx", CRYPTHASH_NONE},
		{"$2y$05$short", CRYPTHASH_NONE},
		{"$6$rounds=999999999$saltstringsaltst$OW1/"
	         "O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/"
	         "y3RnOaw5v.",
	         CRYPTHASH_COSTLY},
		{"$6$rounds=x$salt$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/"
	         "YTBmSK6H9qs/y3RnOaw5v.",
	         CRYPTHASH_NONE},
		{"$6$salt$", CRYPTHASH_NONE},
		{"$6$", CRYPTHASH_NONE},
		{"$apr1$8sFt66rZ$B/Ch7aY7dGRD4s1HgPz4k1", CRYPTHASH_FOREIGN},
		{"{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=", CRYPTHASH_FOREIGN},
		{"$1$salt$x", CRYPTHASH_FOREIGN},
		{"rqXexS6ZhobKA", CRYPTHASH_FOREIGN},
		{"hunter2", CRYPTHASH_NONE},
		{"", CRYPTHASH_NONE},
		{"*", CRYPTHASH_NONE},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (crypthash_kind(sv_of(rows[i].text)) != rows[i].kind)
			fail_msg("%s", rows[i].text);
		if (rows[i].kind != CRYPTHASH_BCRYPT && rows[i].kind != CRYPTHASH_SHA512)
			assert_false(crypthash_verify(SVL("hunter2"), rows[i].text));
	}
}

static void names_and_groups(void **state)
{
	static const char *const good[] = {"a", "Bob Smith", "j\xc3\xb6rg@example.com", "x,y"};
	static const char *const bad[] = {"", "a:b", " a", "a ", "a\nb", "\x7f", "\xff"};
	static const char *const groups[] = {"", "a", "a,b c", "\xc3\xb6"};
	static const char *const no_groups[] = {",", "a,", ",a", "a, b", "a\n", "\xff"};
	char long_name[200];
	(void)state;
	memset(long_name, 'a', sizeof(long_name));
	assert_true(user_name_ok((struct sv){long_name, 128}));
	assert_false(user_name_ok((struct sv){long_name, 129}));
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(user_name_ok(sv_of(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(user_name_ok(sv_of(bad[i])));
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		assert_true(user_groups_ok(sv_of(groups[i])));
	for (size_t i = 0; i < ARRAY_LEN(no_groups); i++)
		assert_false(user_groups_ok(sv_of(no_groups[i])));
}

static int count_one(void *context, const struct state_user *user)
{
	(void)user;
	++*(unsigned *)context;
	return 0;
}

static unsigned n_users(const struct state *s)
{
	unsigned n = 0;
	assert_int_equal(state_user_list(s, (struct sv){0}, count_one, &n), 0);
	return n;
}

static void a_user_is_kept_changed_and_removed(void **context)
{
	struct temp *temp = *context;
	struct state *s = temp->state;
	const struct state_user anna = {.name = "anna", .hash = BCRYPT, .groups = "ops,it"};
	struct state_user got;
	assert_int_equal(state_user_get(s, SVL("anna"), &got), -ENOENT);
	assert_int_equal(state_user_add(s, &anna), 0);
	assert_int_equal(state_user_add(s, &anna), -EEXIST);
	assert_int_equal(state_user_add(s, &(struct state_user){.name = "b", .hash = "x"}),
	                 -EINVAL);
	assert_int_equal(state_user_add(s, &(struct state_user){.name = "", .hash = BCRYPT}),
	                 -EINVAL);
	assert_int_equal(state_user_get(s, SVL("anna"), &got), 0);
	assert_string_equal(got.hash, BCRYPT);
	assert_string_equal(got.groups, "ops,it");
	/* only if nobody changed it meanwhile */
	assert_int_equal(state_user_set_hash(s, SVL("anna"), SHA512_, ROUNDS, 5), -EAGAIN);
	assert_int_equal(state_user_set_hash(s, SVL("anna"), BCRYPT, ROUNDS, 5), 0);
	assert_int_equal(state_user_set_hash(s, SVL("bert"), NULL, ROUNDS, 5), -ENOENT);
	assert_int_equal(state_user_set_groups(s, SVL("anna"), "", 6), 0);
	assert_int_equal(state_user_set_groups(s, SVL("anna"), ",", 6), -EINVAL);
	assert_int_equal(state_user_get(s, SVL("anna"), &got), 0);
	assert_string_equal(got.hash, ROUNDS);
	assert_string_equal(got.groups, "");
	assert_int_equal(got.changed_us, 6);
	assert_int_equal(n_users(s), 1);
	assert_int_equal(state_user_remove(s, SVL("anna")), 0);
	assert_int_equal(state_user_remove(s, SVL("anna")), -ENOENT);
	assert_int_equal(n_users(s), 0);
}

static void an_import_is_whole_or_not_at_all(void **context)
{
	struct temp *temp = *context;
	struct state *s = temp->state;
	struct state_user users[2] = {{.name = "anna", .hash = BCRYPT},
	                              {.name = "bert", .hash = SHA512_}};
	struct state_user got;
	size_t n_added = 0;
	assert_int_equal(
		state_user_add(
			s, &(struct state_user){.name = "anna", .hash = ROUNDS, .groups = "ops"}),
		0);
	assert_int_equal(state_users_import(s, users, 2, 9, &n_added), 0);
	assert_int_equal(n_added, 1);
	assert_int_equal(state_user_get(s, SVL("anna"), &got), 0);
	assert_string_equal(got.hash, BCRYPT);
	assert_string_equal(got.groups, "ops");
	snprintf(users[0].name, sizeof(users[0].name), "carl");
	users[1].hash[0] = 'x';
	assert_int_equal(state_users_import(s, users, 2, 9, &n_added), -EINVAL);
	assert_int_equal(n_users(s), 2);
}

static const struct {
	const char *text, *code; /* code NULL: good */
	size_t n;
} files[] = {
	{"", NULL, 0},
	{"# users\n\nanna:" BCRYPT "\r\nbert:" SHA512_, NULL, 2},
	{"anna:" BCRYPT "\nanna:" SHA512_ "\n", "line 2: this user stands twice", 0},
	{"anna\n", "line 1: a name, a colon", 0},
	{":" BCRYPT "\n", "line 1: this is no name", 0},
	{"anna:\n", "line 1: there is no hash", 0},
	{"anna:" BCRYPT ":x\n", "line 1: there is no hash", 0},
	{"\n\nanna:$apr1$8sFt66rZ$B/Ch7aY7dGRD4s1HgPz4k1\n", "line 3: this kind of hash", 0},
	{"anna:$2y$20$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
         "line 1: the hash takes too long", 0},
};

static void htpasswd_line_by_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct diag d = diag_over("htpasswd", sv_of(files[i].text));
		struct state_user *users = NULL;
		size_t n = 0;
		int r = htpasswd_read(sv_of(files[i].text), &d, &users, &n);
		assert_int_equal(r, files[i].code ? -EINVAL : 0);
		assert_int_equal(n, files[i].n);
		if (files[i].code)
			assert_non_null(strstr(d.items[0].message, files[i].code));
		for (size_t k = 0; k < d.n; k++)
			assert_null(strstr(d.items[k].message, "$")); /* no piece of a hash */
		diag_fini(&d);
		free(users);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors_hold),
		cmocka_unit_test(only_what_is_strong_and_bounded_is_a_hash),
		cmocka_unit_test(names_and_groups),
		cmocka_unit_test_setup_teardown(a_user_is_kept_changed_and_removed, temp_setup,
	                                        temp_teardown),
		cmocka_unit_test_setup_teardown(an_import_is_whole_or_not_at_all, temp_setup,
	                                        temp_teardown),
		cmocka_unit_test(htpasswd_line_by_line),
	};
	return cmocka_run_group_tests_name("state/users", tests, NULL, NULL);
}
