#include "audit/redact.h"

#include "core/macros.h"

/* Sorted by kind, not searched by size: a query has few parameters. Names with "-" match "_" too. */
static const struct sv secret_names[] = {
	SV("token"),
	SV("access_token"),
	SV("id_token"),
	SV("refresh_token"),
	SV("auth_token"),
	SV("session_token"),
	SV("csrf_token"),
	SV("id_token_hint"),
	SV("login_token"),
	SV("reset_token"),
	SV("invite_token"),
	SV("code"),
	SV("code_verifier"),
	SV("state"),
	SV("nonce"),
	SV("assertion"),
	SV("client_assertion"),
	SV("client_secret"),
	SV("secret"),
	SV("api_key"),
	SV("apikey"),
	SV("api_token"),
	SV("key"),
	SV("access_key"),
	SV("private_key"),
	SV("auth"),
	SV("authorization"),
	SV("jwt"),
	SV("password"),
	SV("passwd"),
	SV("passphrase"),
	SV("pwd"),
	SV("pass"),
	SV("pin"),
	SV("otp"),
	SV("totp"),
	SV("session"),
	SV("sessionid"),
	SV("session_id"),
	SV("sid"),
	SV("sig"),
	SV("signature"),
	SV("hmac"),
	SV("credential"),
	SV("credentials"),
	SV("x_amz_signature"),
	SV("x_amz_credential"),
	SV("x_amz_security_token"),
	SV("x_goog_signature"),
	SV("x_goog_credential"),
	SV("samlresponse"),
	SV("samlrequest"),
	SV("relaystate"),
	SV("ticket"),
	SV("device_code"),
	SV("user_code"),
	SV("request"),
	SV("logout_token"),
	SV("subject_token"),
	SV("actor_token"),
};

enum { NAME_MAX_BYTES = 64 };

static int hex_value(char c)
{
	char lower = sv_lower_char(c);
	if (lower >= '0' && lower <= '9')
		return lower - '0';
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* One decoded character of the name; "%6b" is "k". */
static char next_char(struct sv name, size_t *i)
{
	char c = name.at[(*i)++];
	if (c == '%' && name.n - *i >= 2) {
		int high = hex_value(name.at[*i]), low = hex_value(name.at[*i + 1]);
		if (high >= 0 && low >= 0) {
			*i += 2;
			c = (char)(high * 16 + low);
		}
	}
	return c == '-' || c == '.' ? '_' : sv_lower_char(c);
}

/* A name too long to be compared is secret: nobody can say that it is not. */
static bool is_secret(struct sv name)
{
	char room[NAME_MAX_BYTES];
	size_t n = 0;
	for (size_t i = 0; i < name.n;) {
		if (n == sizeof(room))
			return true;
		room[n++] = next_char(name, &i);
	}
	struct sv plain = {room, n};
	for (size_t i = 0; i < ARRAY_LEN(secret_names); i++)
		if (sv_eq(plain, secret_names[i]))
			return true;
	return sv_ends(plain, SVL("_token")) || sv_ends(plain, SVL("_secret")) ||
	       sv_ends(plain, SVL("_password")) || sv_ends(plain, SVL("[password]"));
}

static size_t parameter_end(struct sv rest)
{
	size_t amp = sv_find(rest, '&'), semicolon = sv_find(sv_first(rest, amp), ';');
	return semicolon < amp ? semicolon : amp;
}

bool audit_redact_query(struct sv query, struct outbuf *out)
{
	while (query.n > 0) {
		size_t end = parameter_end(query);
		struct sv parameter = sv_first(query, end);
		size_t equals = sv_find(parameter, '=');
		bool hide = equals + 1 < parameter.n && is_secret(sv_first(parameter, equals));
		struct sv shown = hide ? sv_first(parameter, equals + 1) : parameter;
		size_t need = shown.n + (hide ? 3 : 0) + (end < query.n ? 1 : 0);
		if (need > outbuf_left(out))
			return false;
		outbuf_put(out, shown);
		if (hide)
			outbuf_put(out, SVL("***"));
		if (end < query.n)
			outbuf_bytes(out, query.at + end, 1);
		query = sv_from(query, end + 1);
	}
	return true;
}
