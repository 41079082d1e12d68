/* haward token verify as a script sees it: one answer a line whatever is in the line, and nothing of a token or
 * a secret in what it prints. */
#include "authn/minter.h"
#include "cli/cli.h"
#include "support/cmocka_prelude.h"

#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum { PATH_BYTES = 128, TEXT_BYTES = 65536, MEMBER_MIN_BYTES = 24 };

/* A directory with a key set, a policy set and the standard streams of the last run. */
struct desk {
	char dir[64];
	struct minter hmac, rsa;
	char *secret; /* base64url, as the key set has it */
	char out[TEXT_BYTES], err[TEXT_BYTES];
};

static void path_of(const struct desk *desk, const char *name, char path[PATH_BYTES])
{
	(void)snprintf(path, PATH_BYTES, "%s/%s", desk->dir, name);
}

static void save(const struct desk *desk, const char *name, struct sv bytes)
{
	char path[PATH_BYTES];
	path_of(desk, name, path);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes.at, 1, bytes.n, file), bytes.n);
	assert_int_equal(fclose(file), 0);
}

static void save_keys(struct desk *desk)
{
	char *oct = minter_members(&desk->hmac), *rsa = minter_members(&desk->rsa), *text = NULL;
	assert_true(asprintf(&text, "{\"keys\":[{%s,\"kid\":\"h\"},{%s,\"kid\":\"r\"}]}", oct,
	                     rsa) > 0);
	save(desk, "keys", sv_of(text));
	free(text);
	assert_true(
		asprintf(&text,
	                 "{\"issuers\":[{\"issuer\":\"https://one\",\"audiences\":[\"api\"],"
	                 "\"jwks\":{\"keys\":[{%s,\"kid\":\"r\"}]}},{\"issuer\":\"https://two\","
	                 "\"jwksUri\":\"https://two.example/keys\"}]}",
	                 rsa) > 0);
	save(desk, "policy", sv_of(text));
	free(text);
	free(oct);
	free(rsa);
}

static int setup(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));
	(void)snprintf(desk->dir, sizeof(desk->dir), "/tmp/haward-token-XXXXXX");
	assert_non_null(mkdtemp(desk->dir));
	desk->hmac = minter_make(JWS_HS256);
	desk->rsa = minter_make(JWS_RS256);
	desk->secret = minter_encode(desk->hmac.secret, sizeof(desk->hmac.secret));
	save_keys(desk);
	*state = desk;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	struct desk *desk = *state;
	(void)nftw(desk->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	minter_fini(&desk->hmac);
	minter_fini(&desk->rsa);
	free(desk->secret);
	free(desk);
	return 0;
}

/* ---- running ---- */

static void redirect(const struct desk *desk, const char *name, int flags, int to)
{
	char path[PATH_BYTES];
	path_of(desk, name, path);
	int fd = open(*name == '/' ? name : path, flags, 0600);
	if (fd < 0 || dup2(fd, to) < 0)
		_exit(99);
}

static void read_back(const struct desk *desk, const char *name, char text[TEXT_BYTES])
{
	char path[PATH_BYTES];
	path_of(desk, name, path);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	text[fread(text, 1, TEXT_BYTES - 1, file)] = '\0';
	(void)fclose(file);
}

/* A process of its own, as a usage error ends it; files named in words are the desk's. */
static int run_to(struct desk *desk, const char *out, const char *const *words)
{
	int status = 0;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char *argv[16] = {(char[]){"token"}, (char[]){"verify"}};
		int argc = 2;
		for (; words[argc - 2]; argc++)
			argv[argc] = (char *)(uintptr_t)words[argc - 2];
		redirect(desk, "in", O_RDONLY, STDIN_FILENO);
		redirect(desk, out, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
		redirect(desk, "err", O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
		if (chdir(desk->dir) != 0)
			_exit(98);
		int r = cli_token(argc, argv);
		(void)fflush(NULL);
		_exit(r);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (*out != '/')
		read_back(desk, out, desk->out);
	read_back(desk, "err", desk->err);
	return WEXITSTATUS(status);
}
#define RUN(desk, ...) run_to(desk, "out", (const char *const[]){__VA_ARGS__, NULL})

static const char *line_of(bool good, const char *reason)
{
	static char line[96];
	(void)snprintf(line, sizeof(line), "{\"valid\":%s,\"reason\":\"%s\"}\n",
	               good ? "true" : "false", reason);
	return line;
}

/* One token, these options, this answer and nothing else. */
static void expect(struct desk *desk, const char *token, const char *reason,
                   const char *const *words)
{
	save(desk, "in", sv_of(token));
	assert_int_equal(run_to(desk, "out", words), EX_OK);
	assert_string_equal(desk->out, line_of(strcmp(reason, "valid") == 0, reason));
}
#define EXPECT(desk, token, reason, ...) \
	expect(desk, token, reason, (const char *const[]){__VA_ARGS__, NULL})

static char *rsa_token(const struct desk *desk, const char *claims)
{
	return minter_token(&desk->rsa, SVL("{\"alg\":\"RS256\",\"kid\":\"r\"}"), sv_of(claims));
}

#define CLAIMS "{\"iss\":\"https://one\",\"sub\":\"anna\",\"aud\":\"api\",\"exp\":2000}"

/* ---- what it answers ---- */

static void each_option_asks_for_its_own(void **state)
{
	struct desk *desk = *state;
	char *token = rsa_token(desk, CLAIMS);
	EXPECT(desk, token, "valid", "--jwks", "keys", "--now", "1999");
	EXPECT(desk, token, "token_expired", "--jwks", "keys", "--now", "2000");
	EXPECT(desk, token, "token_expired", "--jwks", "keys");
	EXPECT(desk, token, "valid", "--jwks", "keys", "--no-time");
	EXPECT(desk, token, "valid", "--jwks", "keys", "--no-time", "--issuer", "https://one",
	       "--audience", "api");
	EXPECT(desk, token, "issuer_unknown", "--jwks", "keys", "--no-time", "--issuer",
	       "https://one/");
	EXPECT(desk, token, "audience_mismatch", "--jwks", "keys", "--no-time", "--audience", "ap");
	EXPECT(desk, token, "valid", "--jwks", "keys", "--jws");
	EXPECT(desk, token, "valid", "--policy", "policy", "--now", "1999");
	EXPECT(desk, token, "token_expired", "--policy", "policy", "--now", "2000");
	free(token);
}

static void the_policy_set_judges_as_the_agent_does(void **state)
{
	struct desk *desk = *state;
	static const struct {
		const char *claims, *reason;
	} rows[] = {
		{"{\"iss\":\"https://one\",\"aud\":\"other\",\"exp\":2000}", "audience_mismatch"},
		{"{\"iss\":\"https://one\",\"aud\":\"api\"}", "token_claims"},
		{"{\"iss\":\"https://two\",\"exp\":2000}", "keys_unavailable"},
		{"{\"iss\":\"https://three\",\"exp\":2000}", "issuer_unknown"},
		{"{\"iss\":\"https://one\",\"aud\":\"api\",\"exp\":2000,\"nbf\":1000}",
	         "token_not_yet_valid"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *token = rsa_token(desk, rows[i].claims);
		EXPECT(desk, token, rows[i].reason, "--policy", "policy", "--now", "999");
		free(token);
	}
	/* the key set of the command line may hold oct keys, the policy set's may not */
	char *token =
		minter_token(&desk->hmac, SVL("{\"alg\":\"HS256\",\"kid\":\"h\"}"), SVL(CLAIMS));
	EXPECT(desk, token, "valid", "--jwks", "keys", "--now", "999");
	EXPECT(desk, token, "algorithm_not_allowed", "--policy", "policy", "--now", "999");
	free(token);
}

/* The signature alone: a payload that is no JSON, or nothing, or binary. */
static void jws_takes_any_payload(void **state)
{
	struct desk *desk = *state;
	static const struct sv payloads[] = {
		SV(""), SV("Hello"), SV("[]"), SV("{\"exp\":1}"), {"\0\xff\n", 3}};
	static const struct sv header = SV("{\"alg\":\"RS256\",\"typ\":\"anything\"}");
	for (size_t i = 0; i < ARRAY_LEN(payloads); i++) {
		char *token = minter_token(&desk->rsa, header, payloads[i]);
		EXPECT(desk, token, "valid", "--jwks", "keys", "--jws");
		token[strlen(token) - 5] ^= 1; /* still the alphabet's, or another refusal */
		save(desk, "in", sv_of(token));
		assert_int_equal(RUN(desk, "--jwks", "keys", "--jws"), EX_OK);
		assert_true(strcmp(desk->out, line_of(false, "signature_invalid")) == 0 ||
		            strcmp(desk->out, line_of(false, "token_malformed")) == 0);
		free(token);
	}
}

static unsigned n_lines(const char *text)
{
	unsigned n = 0;
	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

/* Whatever the lines are, the answer to each stands at its own place. */
static void there_is_an_answer_for_each_line(void **state)
{
	struct desk *desk = *state;
	char *token = rsa_token(desk, CLAIMS);
	enum { LONG = 200000 };
	char *in = malloc(LONG + 8192), *at = in;
	at = mempcpy(at, "\n\r\n \n", 5);              /* 1 to 3: nothing */
	at = mempcpy(at, "\0\xff\x80.\1.\2\n", 8);     /* 4: binary */
	at += sprintf(at, "%s\n%s\r\n", token, token); /* 5, 6: good */
	at += sprintf(at, "%s \n %s\n", token, token); /* 7, 8: blanks are no part of one */
	at += sprintf(at, "%s\r\r\n", token);          /* 9: one line end is enough */
	memset(at, 'a', LONG);                         /* 10: long */
	at += LONG;
	at += sprintf(at, "\n%s\n\"%s\"\n%s", token, token, token); /* 11, 12, 13: no end */
	save(desk, "in", (struct sv){in, (size_t)(at - in)});
	assert_int_equal(RUN(desk, "--jwks", "keys", "--no-time"), EX_OK);
	static const char *const reasons[] = {"token_malformed",
	                                      "token_malformed",
	                                      "token_malformed",
	                                      "token_malformed",
	                                      "valid",
	                                      "valid",
	                                      "token_malformed",
	                                      "token_malformed",
	                                      "token_malformed",
	                                      "token_too_large",
	                                      "valid",
	                                      "token_malformed",
	                                      "valid"};
	assert_int_equal(n_lines(desk->out), ARRAY_LEN(reasons));
	const char *answer = desk->out;
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		const char *line = line_of(strcmp(reasons[i], "valid") == 0, reasons[i]);
		if (strncmp(answer, line, strlen(line)) != 0)
			fail_msg("line %zu: %s", i + 1, answer);
		answer += strlen(line);
	}
	assert_string_equal(desk->err, "");
	save(desk, "in", SVL(""));
	assert_int_equal(RUN(desk, "--jwks", "keys"), EX_OK);
	assert_string_equal(desk->out, "");
	free(in);
	free(token);
}

/* At the length that is still a token, and at the next. */
static void the_longest_line_is_the_longest_token(void **state)
{
	struct desk *desk = *state;
	static char in[JWS_TOKEN_MAX_BYTES + 3];
	static const char *const ends[] = {"", "\n", "\r\n"};
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		for (size_t more = 0; more < 2; more++) {
			size_t n = JWS_TOKEN_MAX_BYTES + more;
			memset(in, 'a', n);
			size_t n_end = strlen(ends[i]);
			memcpy(in + n, ends[i], n_end);
			save(desk, "in", (struct sv){in, n + n_end});
			assert_int_equal(RUN(desk, "--jwks", "keys", "--jws"), EX_OK);
			assert_string_equal(desk->out, line_of(false, more ? "token_too_large"
			                                                   : "token_malformed"));
		}
}

/* ---- what it does not say ---- */

/* No piece of text that is long enough to matter stands in what was printed. */
static void assert_keeps(const struct desk *desk, const char *text)
{
	char piece[MEMBER_MIN_BYTES + 1] = "";
	for (size_t i = 0; strlen(text + i) >= MEMBER_MIN_BYTES; i += 8) {
		memcpy(piece, text + i, MEMBER_MIN_BYTES);
		if (strstr(desk->out, piece) || strstr(desk->err, piece))
			fail_msg("told: %s", piece);
	}
}

static void neither_token_nor_secret_is_repeated(void **state)
{
	struct desk *desk = *state;
	static const char *const broken[] = {
		"{\"keys\":[{\"kty\":\"oct\",\"k\":\"%s\" \"kid\":\"x\"}]}",
		"{\"keys\":[{\"kty\":\"oct\",\"%s\":1,\"%s\":2}]}",
		"{\"keys\":[{\"kty\":\"oct\",\"k\":\"%s",
		"{\"keys\":[{\"kty\":\"oct\",\"k\":\"\\q%s\"}]}",
		"%s",
		"{\"keys\":[{\"kty\":\"oct\",\"alg\":\"RS256\",\"k\":\"%s\"}]}",
		"{\"keys\":\"%s\"}",
	};
	char *token = rsa_token(desk, CLAIMS);
	save(desk, "in", sv_of(token));
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		char text[1024];
		struct sv rest = sv_of(broken[i]), part;
		size_t n = 0;
		for (bool first = true; sv_cut(&rest, '%', &part); first = false)
			n += (size_t)snprintf(
				text + n, sizeof(text) - n, "%s%.*s", first ? "" : desk->secret,
				(int)(part.n - (first ? 0 : 1)), part.at + (first ? 0 : 1));
		save(desk, "broken", (struct sv){text, n});
		int r = RUN(desk, "--jwks", "broken");
		assert_int_equal(r, i == 5 ? EX_OK : EXIT_FAILURE); /* 5: a set without a key */
		assert_true(strncmp(desk->err, "broken:", 7) == 0);
		assert_keeps(desk, desk->secret);
		assert_keeps(desk, token);
	}
	free(token);
}

/* A set without a usable key is one that nothing was signed with. */
static void without_a_usable_key_nothing_is_valid(void **state)
{
	struct desk *desk = *state;
	char *token = rsa_token(desk, CLAIMS);
	save(desk, "none", SVL("{\"keys\":[]}"));
	EXPECT(desk, token, "key_unknown", "--jwks", "none", "--no-time");
	EXPECT(desk, token, "key_unknown", "--jwks", "none", "--jws");
	free(token);
}

static void what_cannot_be_asked_is_refused(void **state)
{
	struct desk *desk = *state;
	save(desk, "in", SVL("x\n"));
	assert_int_equal(RUN(desk, "--jwks", "keys", "--policy", "policy"), EX_USAGE);
	assert_int_equal(RUN(desk, "--no-time"), EX_USAGE);
	assert_int_equal(RUN(desk, "--policy", "policy", "--no-time"), EX_USAGE);
	assert_int_equal(RUN(desk, "--policy", "policy", "--jws"), EX_USAGE);
	assert_int_equal(RUN(desk, "--policy", "policy", "--issuer", "https://one"), EX_USAGE);
	assert_int_equal(RUN(desk, "--jwks", "keys", "--jws", "--audience", "api"), EX_USAGE);
	assert_int_equal(RUN(desk, "--jwks", "keys", "--issuer", ""), EX_USAGE);
	assert_int_equal(RUN(desk, "--jwks", "keys", "--audience", ""), EX_USAGE);
	assert_int_equal(RUN(desk, "--jwks", "keys", "--now", "-1"), EX_USAGE);
	assert_int_equal(RUN(desk, "--jwks", "keys", "--now", "99999999999999999999"), EX_USAGE);
	assert_int_equal(RUN(desk, "--jwks", "keys", "again"), EX_USAGE);
	assert_string_equal(desk->out, "");
	assert_int_equal(RUN(desk, "--jwks", "absent"), EXIT_FAILURE);
	assert_non_null(strstr(desk->err, "absent: No such file"));
	assert_int_equal(RUN(desk, "--policy", "keys"), EX_OK); /* a policy set without issuers */
	assert_string_equal(desk->out, line_of(false, "token_malformed"));
}

/* Who counts answers learns that one is missing. */
static void an_answer_that_is_lost_is_said(void **state)
{
	struct desk *desk = *state;
	static const char *const words[] = {"--jwks", "keys", NULL};
	save(desk, "in", SVL("x\n"));
	assert_int_equal(run_to(desk, "/dev/full", words), EX_IOERR);
	assert_non_null(strstr(desk->err, "cannot be written"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_option_asks_for_its_own),
		TEST(the_policy_set_judges_as_the_agent_does),
		TEST(jws_takes_any_payload),
		TEST(there_is_an_answer_for_each_line),
		TEST(the_longest_line_is_the_longest_token),
		TEST(neither_token_nor_secret_is_repeated),
		TEST(without_a_usable_key_nothing_is_valid),
		TEST(what_cannot_be_asked_is_refused),
		TEST(an_answer_that_is_lost_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
