#include "settings.h"

#include "core/fileio.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "core/log.h"
#include "server/address.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* The data directory's default; the rest of the defaults is the text below, read by the same tables. */
static const char defaults[] =
	"{\"data_dir\":\"/var/lib/haward\","
	"\"spop\":{\"listen\":[\"127.0.0.1:12350\"],\"workers\":0,\"max_connections\":4096,"
	"\"max_frame_size\":65536,\"socket_mode\":\"0660\",\"drain_ms\":2000,"
	"\"deadline_ms\":400,\"login_deadline_ms\":4000},"
	"\"accounting\":{\"listen\":[\"127.0.0.1:12514\"]},"
	"\"fetch\":{\"allow_http_hosts\":[\"127.0.0.1\",\"localhost\"],\"default_age_s\":300,"
	"\"floor_s\":10,"
	"\"timeout_ms\":5000},"
	"\"audit\":{\"journal_bytes\":16777216,\"map_bytes\":274877906944,\"commit_interval_ms\":"
	"20},"
	"\"internal_tokens\":{\"issuer\":\"haward\",\"rotate_hours\":168},"
	"\"limits\":{\"rate_keys\":262144,\"quota_keys\":262144},"
	"\"log\":{\"level\":\"info\"}}";

static const struct json_field policy_fields[] = {
	{.name = "file",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct policy_options, file),
         .min = 1,
         .max = 4096,
         .nullable = true},
};

static const struct json_field authn_fields[] = {
	{.name = "trusted_proxies",
         .kind = JSON_FIELD_OBJECT,
         .offset = offsetof(struct authn_settings, trusted_proxies),
         .fields = forwarded_fields,
         .n_fields = FORWARDED_N_FIELDS},
};

static const struct json_field fetch_fields[] = {
	{.name = "allow_http_hosts",
         .kind = JSON_FIELD_STRINGS,
         .offset = offsetof(struct fetch_settings, allow_http_hosts)},
	{.name = "ca_file",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct fetch_settings, ca_file),
         .min = 1,
         .max = 4096,
         .nullable = true},
	{.name = "default_age_s",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct fetch_settings, default_age_s),
         .min = 30,
         .max = 3600},
	{.name = "floor_s",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct fetch_settings, floor_s),
         .min = 1,
         .max = 3600},
	{.name = "timeout_ms",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct fetch_settings, timeout_ms),
         .min = 100,
         .max = 60000},
};

static const struct json_field audit_fields[] = {
	{.name = "journal_bytes",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct audit_settings, journal_bytes),
         .min = AUDIT_JOURNAL_MIN_BYTES,
         .max = (int64_t)1 << 32},
	{.name = "map_bytes",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct audit_settings, map_bytes),
         .min = 1 << 20,
         .max = (int64_t)1 << 46},
	{.name = "commit_interval_ms",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct audit_settings, commit_interval_ms),
         .min = 1,
         .max = 10000},
};

static const struct json_field token_fields[] = {
	{.name = "issuer",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct token_settings, issuer),
         .min = 1,
         .max = 1024},
	{.name = "rotate_hours",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct token_settings, rotate_hours),
         .min = 1,
         .max = 8760},
};

static const struct json_field limit_fields[] = {
	{.name = "rate_keys",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct limit_settings, rate_keys),
         .min = 1024,
         .max = 1 << 26},
	{.name = "quota_keys",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct limit_settings, quota_keys),
         .min = 1024,
         .max = 1 << 26},
};

static const struct json_field log_fields[] = {
	{.name = "level",
         .kind = JSON_FIELD_ENUM,
         .offset = offsetof(struct log_settings, level),
         .names = log_level_names,
         .n_names = LOG_LEVEL_COUNT},
	{.name = "file",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct log_settings, file),
         .min = 1,
         .max = 4096,
         .nullable = true},
};

#define SECTION(member, table, n)                                                               \
	{                                                                                       \
		.name = #member, .kind = JSON_FIELD_OBJECT,                                     \
		.offset = offsetof(struct settings, member), .fields = (table), .n_fields = (n) \
	}

/* The tables of other modules are of sizes known there only, so this one is filled in when asked for. */
void settings_fields(struct json_field ret[static SETTINGS_N_FIELDS])
{
	const struct json_field fields[] = {
		{.name = "$schema",
	         .kind = JSON_FIELD_STRING,
	         .offset = offsetof(struct settings, schema_uri)},
		{.name = "data_dir",
	         .kind = JSON_FIELD_STRING,
	         .offset = offsetof(struct settings, data_dir),
	         .min = 1,
	         .max = 3072},
		SECTION(spop, spop_option_fields, n_spop_option_fields),
		SECTION(accounting, accounting_option_fields, n_accounting_option_fields),
		SECTION(admin, admin_option_fields, n_admin_option_fields),
		SECTION(policy, policy_fields, ARRAY_LEN(policy_fields)),
		SECTION(authn, authn_fields, ARRAY_LEN(authn_fields)),
		SECTION(fetch, fetch_fields, ARRAY_LEN(fetch_fields)),
		SECTION(audit, audit_fields, ARRAY_LEN(audit_fields)),
		SECTION(internal_tokens, token_fields, ARRAY_LEN(token_fields)),
		SECTION(limits, limit_fields, ARRAY_LEN(limit_fields)),
		SECTION(log, log_fields, ARRAY_LEN(log_fields)),
	};
	static_assert(ARRAY_LEN(fields) == SETTINGS_N_FIELDS, "a row a member");
	memcpy(ret, fields, sizeof(fields));
}

static int read_over(struct sv text, struct diag *d, struct settings *settings)
{
	struct json_field fields[SETTINGS_N_FIELDS];
	CLEANUP(json_decrefp) json_t *document = json_load_strict(text, 0, d);
	if (!document)
		return -EINVAL;
	settings_fields(fields);
	return json_fields_read(document, fields, SETTINGS_N_FIELDS, "", d, settings);
}

int settings_default(struct settings *ret)
{
	*ret = (struct settings){0};
	int r = admin_options_default(&ret->admin);
	return r ? r : read_over(sv_of(defaults), NULL, ret);
}

void settings_fini(struct settings *settings)
{
	struct json_field fields[SETTINGS_N_FIELDS];
	settings_fields(fields);
	json_fields_free(fields, SETTINGS_N_FIELDS, settings);
}

static bool is_octal_mode(const char *text)
{
	return text[strspn(text, "01234567")] == '\0';
}

static int check_addresses(const struct json_strings *list, const char *section, struct diag *d)
{
	int result = 0;
	for (size_t i = 0; i < list->n; i++) {
		struct address address;
		char pointer[64];
		if (address_parse(list->at[i], &address))
			continue;
		(void)snprintf(pointer, sizeof(pointer), "/%s/listen/%zu", section, i);
		diag_add(d, pointer, "bad_address",
		         "'%s' is no address: IP:PORT, [IPv6]:PORT, unix@PATH or abns@NAME is "
		         "expected",
		         list->at[i]);
		result = -EINVAL;
	}
	return result;
}

static int check_proxies(const struct authn_settings *s, struct diag *d)
{
	struct forwarded *forwarded = NULL;
	int r = forwarded_new(&s->trusted_proxies, "/authn/trusted_proxies", d, &forwarded);
	forwarded_free(forwarded);
	return r;
}

/* What the tables cannot say. */
static int check(const struct settings *s, struct diag *d)
{
	int result = check_addresses(&s->spop.listen, "spop", d);
	if (check_addresses(&s->accounting.listen, "accounting", d))
		result = -EINVAL;
	if (check_proxies(&s->authn, d))
		result = -EINVAL;
	if (!is_octal_mode(s->spop.socket_mode)) {
		diag_add(d, "/spop/socket_mode", "bad_mode",
		         "octal permissions are expected, as \"0660\"");
		result = -EINVAL;
	}
	if (s->spop.listen.n == 0) {
		diag_add(d, "/spop/listen", "no_listener", "at least one address is expected");
		result = -EINVAL;
	}
	return admin_options_check(&s->admin, d) ? -EINVAL : result;
}

int settings_load(const char *path, struct diag *d, char **ret_text, struct settings *ret)
{
	size_t n;
	int r = settings_default(ret);
	if (r)
		return r;
	r = file_read(path, DOCUMENT_MAX_BYTES, ret_text, &n);
	if (r)
		return r;
	d->text = (struct sv){*ret_text, n};
	r = read_over(d->text, d, ret);
	return r ? r : check(ret, d);
}

char *settings_beside(const char *file, const char *path)
{
	const char *slash = path[0] == '/' ? NULL : strrchr(file, '/');
	char *joined = NULL;
	if (!slash)
		return sv_dup(sv_of(path));
	return asprintf(&joined, "%.*s/%s", (int)(slash - file), file, path) < 0 ? NULL : joined;
}
