#include "state/password.h"

#include "core/secret.h"
#include "core/utf8.h"

#include <argon2.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* source: RFC 9106 4 and the OWASP password storage sheet; 38 ms and 19 MiB here */
#define MEMORY_KIB 19456U
#define PASSES     2U
#define LANES      1U
#define SALT_BYTES 16
#define HASH_BYTES 32

/* The longest of what people type when they must type twelve: anything shorter falls to the length.
 */
static const char *const common[] = {
	"000000000000",
	"111111111111",
	"112233445566",
	"121212121212",
	"123123123123",
	"123321123321",
	"1234567890-=",
	"123456789012",
	"1234567890123",
	"12345678901234",
	"123456789abc",
	"1234567890qwertyuiop",
	"123456781234",
	"123456123456",
	"1q2w3e4r5t6y",
	"1q2w3e4r5t6y7u8i9o0p",
	"1qaz2wsx3edc",
	"1qaz2wsx3edc4rfv",
	"987654321098",
	"aaaaaaaaaaaa",
	"abcdefghijkl",
	"abcdefghijklmnopqrstuvwxyz",
	"abc123abc123",
	"admin1234567",
	"adminadminadmin",
	"administrator",
	"administrator1",
	"asdfasdfasdf",
	"asdfghjkl123",
	"changemechangeme",
	"changeme1234",
	"changeme12345",
	"correcthorsebatterystaple",
	"defaultpassword",
	"haproxyhaproxy",
	"haward123456",
	"hawardhaward",
	"helloworld123",
	"iloveyou1234",
	"iloveyouiloveyou",
	"letmein12345",
	"letmeinletmein",
	"passw0rd1234",
	"password1234",
	"password12345",
	"password123456",
	"password1234567",
	"password12345678",
	"passwordpassword",
	"qazwsxedcrfv",
	"qwerty123456",
	"qwertyuiop12",
	"qwertyuiop123",
	"qwertyuiop[]",
	"qwertyuiopasdfghjkl",
	"rootrootroot",
	"secret123456",
	"secretsecret",
	"supersecret1",
	"testtesttest",
	"trustno1trustno1",
	"welcome12345",
	"welcomewelcome",
	"zaq12wsxcde3",
	"zxcvbnm12345",
};

static const char *const faults[PASSWORD_FAULT_COUNT] = {
	[PASSWORD_GOOD] = "The password is good.",
	[PASSWORD_SHORT] = "The password needs at least 12 bytes.",
	[PASSWORD_LONG] = "The password may have at most 1024 bytes.",
	[PASSWORD_COMMON] = "The password is one that many people use.",
	[PASSWORD_LIKE_NAME] = "The password holds the account's name and little else.",
	[PASSWORD_NOT_TEXT] = "The password must be UTF-8 without NUL.",
};

const char *password_fault_text(enum password_fault fault)
{
	return (unsigned)fault < PASSWORD_FAULT_COUNT ? faults[fault] : "?";
}

static bool is_common(struct sv password)
{
	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		if (sv_eq_ci(password, sv_of(common[i])))
			return true;
	for (size_t i = 1; i < password.n; i++)
		if (password.at[i] != password.at[0])
			return false;
	return true;
}

/* The name with fewer than eight bytes around it adds nothing that has to be guessed. */
static bool is_like_name(struct sv password, struct sv name)
{
	if (name.n == 0 || password.n < name.n || password.n >= name.n + 8)
		return false;
	for (size_t i = 0; i + name.n <= password.n; i++)
		if (sv_eq_ci((struct sv){password.at + i, name.n}, name))
			return true;
	return false;
}

enum password_fault password_check(struct sv password, struct sv name)
{
	if (password.n < PASSWORD_MIN_BYTES)
		return PASSWORD_SHORT;
	if (password.n > PASSWORD_MAX_BYTES)
		return PASSWORD_LONG;
	if (sv_find(password, '\0') != password.n || !utf8_valid(password))
		return PASSWORD_NOT_TEXT;
	if (is_common(password))
		return PASSWORD_COMMON;
	return is_like_name(password, name) ? PASSWORD_LIKE_NAME : PASSWORD_GOOD;
}

static int argon2_errno(int code)
{
	switch (code) {
	case ARGON2_OK:
		return 0;
	case ARGON2_MEMORY_ALLOCATION_ERROR:
		return -ENOMEM;
	default:
		return -EINVAL;
	}
}

int password_hash(struct sv password, char ret[static PASSWORD_PHC_BYTES])
{
	uint8_t salt[SALT_BYTES];

	if (password.n < PASSWORD_MIN_BYTES || password.n > PASSWORD_MAX_BYTES)
		return -EINVAL;
	if (!secret_random(salt, sizeof(salt)))
		return -EIO;
	return argon2_errno(argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password.at,
	                                          password.n, salt, sizeof(salt), HASH_BYTES, ret,
	                                          PASSWORD_PHC_BYTES));
}

static bool is_weak(const char *phc)
{
	unsigned memory = 0;
	unsigned passes = 0;
	unsigned lanes = 0;
	/* NOLINTNEXTLINE(cert-err34-c): libargon2 has just read the same numbers */
	if (sscanf(phc, "$argon2id$v=19$m=%u,t=%u,p=%u$", &memory, &passes, &lanes) != 3)
		return true;
	return memory < MEMORY_KIB || passes < PASSES;
}

/* Spends what a real check spends, so that a stranger cannot time which names exist. */
static void spend(struct sv password)
{
	static const char salt[SALT_BYTES] = "no such account";
	uint8_t hash[HASH_BYTES];

	if (argon2id_hash_raw(PASSES, MEMORY_KIB, LANES, password.at, password.n, salt,
	                      sizeof(salt), hash, sizeof(hash)) == ARGON2_OK)
		secret_wipe(hash, sizeof(hash));
}

bool password_verify(struct sv password, const char *phc, bool *ret_weak)
{
	if (password.n == 0 || password.n > PASSWORD_MAX_BYTES)
		return false;
	if (!phc || phc[0] == '\0') {
		spend(password);
		return false;
	}
	if (argon2id_verify(phc, password.at, password.n) != ARGON2_OK)
		return false;
	if (ret_weak)
		*ret_weak = is_weak(phc);
	return true;
}
