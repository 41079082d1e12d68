/* haward.json: what needs a restart to change. Each section's struct and table live in its own module.
 * source  schema/settings.schema.json
 */
#ifndef AGENT_SETTINGS_H
#define AGENT_SETTINGS_H

#include "admin/admin.h"
#include "authn/forwarded.h"
#include "core/diag.h"
#include "server/server.h"

struct policy_options {
	char *file; /* imported as a version when its content is new; NULL: only API and dashboard publish */
};

struct fetch_settings {
	struct json_strings allow_http_hosts;
	char *ca_file;
	int64_t default_age_s, floor_s, timeout_ms;
};

struct audit_settings {
	int64_t journal_bytes;      /* of each worker */
	int64_t map_bytes;          /* ceiling of the events file */
	int64_t commit_interval_ms; /* most a record waits for the disk */
};

struct token_settings {
	char *issuer; /* iss of internal tokens */
	int64_t rotate_hours;
};

struct limit_settings {
	int64_t rate_keys, quota_keys; /* counts that can be had at once */
};

struct log_settings {
	unsigned level; /* enum log_level */
	char *file;     /* NULL: standard error */
};

struct authn_settings {
	struct forwarded_options trusted_proxies;
};

struct settings {
	char *schema_uri; /* "$schema", for editors; nothing here follows it */
	char *data_dir;
	struct spop_options spop;
	struct accounting_options accounting;
	struct admin_options admin;
	struct policy_options policy;
	struct authn_settings authn;
	struct fetch_settings fetch;
	struct audit_settings audit;
	struct token_settings internal_tokens;
	struct limit_settings limits;
	struct log_settings log;
};

/* settings_default - what holds without a file. errors: 0 or -ENOMEM. settings_fini() after it either way */
MUST_CHECK int settings_default(struct settings *ret);

/* settings_load - the defaults, and over them a file.
 *
 * in      d: made with diag_over(path, ...) by the caller; its text is set here so that errors have lines
 * out     *ret, to be released with settings_fini() also after an error; *ret_text: the file's text, owned,
 *         which d borrows
 * errors  0; -EINVAL when d says why; -errno of reading
 */
MUST_CHECK int settings_load(const char *path, struct diag *d, char **ret_text,
                             struct settings *ret);

void settings_fini(struct settings *settings);

/* settings_fields - the table of the whole document, which schema/settings.schema.json is held to. */
enum { SETTINGS_N_FIELDS = 12 };
void settings_fields(struct json_field ret[static SETTINGS_N_FIELDS]);

/* settings_beside - path as it stands when absolute, else beside the directory of file. owned; NULL: no memory */
MUST_CHECK char *settings_beside(const char *file, const char *path);

#endif
