#include "authn/apikey.h"
#include "cli/cli.h"
#include "cli/desk.h"
#include "core/clock.h"
#include "core/secret.h"
#include "policy/apikeys.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { KEY_DATA = 'd', KEY_OWNER = 'o', KEY_CLIENT = 'c', KEY_NOTE = 'n', KEY_EXPIRES = 'e' };
enum { KEY_GROUP = 'g', KEY_SCOPE = 's', KEY_SERVICE = 'S', KEY_NETWORK = 'N', KEY_OVERLAP = 'l' };
enum { ABOUT_BYTES = 160, WRONG_WORDS = -EDOM /* said already */ };

static const int64_t second_us = 1000000, overlap_default_us = INT64_C(86400) * 1000000;

/* A list of the command line, as it is kept: '\n' between its items. */
struct list {
	char text[APIKEY_LIST_MAX_BYTES + 1];
	size_t n;
	bool too_long;
};

struct key_arguments {
	const char *data, *owner, *client, *note, *expires, *overlap;
	struct list groups, scopes, services, networks;
	const char *words[2]; /* the act, the key's id */
	size_t n_words;
};

struct task {
	struct desk desk;
	struct policy_tables_env env;
	const struct key_arguments *a;
	struct sv id;
	int64_t now_us;
	char operator[DESK_NAME_BYTES];
};

static void close_task(struct task *task)
{
	desk_close(&task->desk);
}

/* Bad words of the command line; the exit status is that of a usage error. */
static int wrong(const struct task *task, const char *text)
{
	(void)fprintf(stderr, "%s: %s\n", task->desk.command, text);
	return WRONG_WORDS;
}

/* ---- times ---- */

/* "90d", "12h", "30m", "45s", or nothing else. */
static bool read_span(struct sv text, int64_t *ret_us)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	unsigned long long n;
	if (text.n < 2 || !sv_to_u64(sv_first(text, text.n - 1), &n) || n > 100000)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (text.at[text.n - 1] == units[i].unit) {
			*ret_us = (int64_t)n * units[i].seconds * second_us;
			return true;
		}
	return false;
}

static int read_expiry(const struct task *task, int64_t *ret_us)
{
	struct sv text = sv_of(task->a->expires);
	int64_t span_us;
	if (text.n == 0 || sv_eq(text, SVL("never"))) {
		*ret_us = 0;
		return 0;
	}
	if (read_span(text, &span_us)) {
		*ret_us = task->now_us + span_us;
		return 0;
	}
	if (!clock_parse(text, ret_us) || *ret_us <= task->now_us)
		return wrong(task, "--expires: a time to come is expected, as 2027-01-31, "
		                   "2027-01-31T12:00:00Z or 90d, or never");
	return 0;
}

/* ---- what is shown ---- */

/* Names may hold what a terminal takes for commands. */
static void print_text(struct sv text)
{
	for (size_t i = 0; i < text.n; i++)
		(void)putchar((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f ? '?'
		                                                                     : text.at[i]);
}

static void print_line(const char *name, struct sv text)
{
	if (text.n == 0)
		return;
	(void)printf("%-13s", name);
	print_text(text);
	(void)putchar('\n');
}

static void print_list(const char *name, struct sv list)
{
	struct sv item;
	while (list.n && sv_cut(&list, '\n', &item)) {
		print_line(name, item);
		name = "";
	}
}

static void print_time(const char *name, int64_t us)
{
	char text[CLOCK_TEXT_BYTES];
	if (us)
		print_line(name, clock_format(us, text));
}

/* The day of last use; "never". */
static struct sv day_text(int64_t day, char text[static CLOCK_TEXT_BYTES])
{
	return day ? sv_first(clock_format(day * 86400 * second_us, text), 10) : SVL("never");
}

static int list_one(void *user, const struct state_apikey *key)
{
	const struct task *task = user;
	char expires[CLOCK_TEXT_BYTES] = "never", used[CLOCK_TEXT_BYTES];
	if (key->expires_us)
		(void)snprintf(expires, sizeof(expires), "%.10s",
		               clock_format(key->expires_us, used).at);
	(void)printf("%.*s %-8s %-10s %-10.*s ", SV_ARG(key->id),
	             state_apikey_state(key, task->now_us), expires,
	             SV_ARG(day_text(key->used_day, used)));
	print_text(key->owner);
	if (key->client.n)
		(void)fputs(" / ", stdout);
	print_text(key->client);
	(void)putchar('\n');
	return 0;
}

static void show(const struct state_apikey *key, int64_t now_us)
{
	char used[CLOCK_TEXT_BYTES];
	print_line("id", key->id);
	print_line("state", sv_of(state_apikey_state(key, now_us)));
	(void)printf("%-13s" APIKEY_ISSUER "/%.*s\n", "principal", SV_ARG(key->id));
	print_line("owner", key->owner);
	print_line("client", key->client);
	print_line("note", key->note);
	print_list("groups", key->groups);
	print_list("scopes", key->scopes);
	print_list("services", key->services.n ? key->services : SVL("any"));
	print_list("networks", key->networks.n ? key->networks : SVL("any"));
	print_time("created", key->created_us);
	print_line("created by", key->created_by);
	print_time("expires", key->expires_us);
	print_time("revoked", key->revoked_us);
	print_line("revoked by", key->revoked_by);
	print_time("disabled", key->disabled_us);
	print_line("disabled by", key->disabled_by);
	print_line("rotated from", key->rotated_from);
	print_line("rotated to", key->rotated_to);
	print_line("last used", day_text(key->used_day, used));
}

/* The key alone on standard output, so that a script can take it; what a person should know beside it. */
static int hand_over(const struct task *task, const struct state_apikey *key, const char *text)
{
	bool good = printf("%s\n", text) > 0 && fflush(stdout) == 0;
	(void)fprintf(stderr, "%s: this is key %.*s; it is not shown again\n", task->desk.command,
	              SV_ARG(key->id));
	return good ? 0 : -EIO;
}

/* ---- the acts ---- */

static int act_list(struct task *task)
{
	return state_apikey_list(task->desk.state, (struct sv){0}, list_one, task);
}

static int act_show(struct task *task)
{
	struct state_apikey key;
	int r = state_apikey_get(task->desk.state, task->id, &key);
	if (r != 0)
		return r;
	show(&key, task->now_us);
	state_apikey_fini(&key);
	return 0;
}

static struct sv list_of(const struct list *list)
{
	return (struct sv){list->text, list->n};
}

static int act_create(struct task *task)
{
	const struct key_arguments *a = task->a;
	char text[APIKEY_TEXT_BYTES];
	struct state_apikey key, wish = {.owner = sv_of(a->owner),
	                                 .client = sv_of(a->client),
	                                 .note = sv_of(a->note),
	                                 .groups = list_of(&a->groups),
	                                 .scopes = list_of(&a->scopes),
	                                 .services = list_of(&a->services),
	                                 .networks = list_of(&a->networks),
	                                 .created_by = sv_of(task->operator),
	                                 .created_us = task->now_us};
	int r = read_expiry(task, &wish.expires_us);
	if (r != 0)
		return r;
	const char *fault = state_apikey_fault(&wish);
	if (fault)
		return wrong(task, fault);
	r = policy_apikey_create(&task->env, &wish, text, &key);
	if (r != 0)
		return r;
	r = desk_record(&task->desk, "apikey.create", key.id, key.owner);
	if (r == 0)
		r = hand_over(task, &key, text);
	secret_wipe(text, sizeof(text));
	state_apikey_fini(&key);
	return r;
}

static int act_rotate(struct task *task)
{
	char text[APIKEY_TEXT_BYTES], about[ABOUT_BYTES];
	struct state_apikey key;
	int64_t overlap_us = overlap_default_us;
	struct state_apikey_rotation how = {.by = sv_of(task->operator), .now_us = task->now_us};
	if (task->a->overlap && !read_span(sv_of(task->a->overlap), &overlap_us))
		return wrong(task, "--overlap: a time is expected, as 30m, 24h or 7d; 0s: none");
	int r = read_expiry(task, &how.expires_us);
	if (r != 0)
		return r;
	how.old_end_us = task->now_us + overlap_us;
	r = policy_apikey_rotate(&task->env, task->id, &how, text, &key);
	if (r != 0)
		return r;
	(void)snprintf(about, sizeof(about), "new key %.*s, overlap %lld s", SV_ARG(key.id),
	               (long long)(overlap_us / second_us));
	r = desk_record(&task->desk, "apikey.rotate", task->id, sv_of(about));
	if (r == 0)
		r = hand_over(task, &key, text);
	secret_wipe(text, sizeof(text));
	state_apikey_fini(&key);
	return r;
}

static int act_revoke(struct task *task)
{
	int r = state_apikey_revoke(task->desk.state, task->id, sv_of(task->operator),
	                            task->now_us);
	return r == 0 ? desk_record(&task->desk, "apikey.revoke", task->id, (struct sv){0}) : r;
}

static int switch_key(struct task *task, bool is_disabled)
{
	int r = state_apikey_switch(task->desk.state, task->id, is_disabled, sv_of(task->operator),
	                            task->now_us);
	return r == 0 ? desk_record(&task->desk, is_disabled ? "apikey.disable" : "apikey.enable",
	                            task->id, (struct sv){0})
	              : r;
}

static int act_disable(struct task *task)
{
	return switch_key(task, true);
}

static int act_enable(struct task *task)
{
	return switch_key(task, false);
}

static const struct {
	const char *name;
	bool needs_id;
	int (*run)(struct task *task);
} acts[] = {
	{"create", false, act_create}, {"list", false, act_list},      {"show", true, act_show},
	{"rotate", true, act_rotate},  {"disable", true, act_disable}, {"enable", true, act_enable},
	{"revoke", true, act_revoke},
};

/* ---- arguments ---- */

static void append(struct list *list, const char *item)
{
	size_t n = strlen(item), n_more = n + (list->n > 0);
	if (list->too_long || n_more > APIKEY_LIST_MAX_BYTES - list->n) {
		list->too_long = true;
		return;
	}
	if (list->n)
		list->text[list->n++] = '\n';
	memcpy(list->text + list->n, item, n);
	list->n += n;
}

static error_t read_text_option(int key, const char *value, struct key_arguments *a)
{
	const struct {
		int key;
		const char **at;
	} texts[] = {{KEY_DATA, &a->data}, {KEY_OWNER, &a->owner},     {KEY_CLIENT, &a->client},
	             {KEY_NOTE, &a->note}, {KEY_EXPIRES, &a->expires}, {KEY_OVERLAP, &a->overlap}};
	const struct {
		int key;
		struct list *list;
	} lists[] = {{KEY_GROUP, &a->groups},
	             {KEY_SCOPE, &a->scopes},
	             {KEY_SERVICE, &a->services},
	             {KEY_NETWORK, &a->networks}};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].key == key) {
			*texts[i].at = value;
			return 0;
		}
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (lists[i].key == key) {
			append(lists[i].list, value);
			return 0;
		}
	return ARGP_ERR_UNKNOWN;
}

static error_t read_option(int key, char *value, struct argp_state *state)
{
	struct key_arguments *a = state->input;
	if (key == ARGP_KEY_ARG && a->n_words < ARRAY_LEN(a->words))
		a->words[a->n_words++] = value;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "unknown argument %s", value);
	else if (key == ARGP_KEY_END && a->n_words == 0)
		argp_error(state,
		           "say what to do: create, list, show, rotate, disable, enable or revoke");
	else if (key == ARGP_KEY_END && !a->data)
		argp_error(state, "--data is missing");
	else
		return read_text_option(key, value, a);
	return 0;
}

static const struct argp_option options[] = {
	{"data", KEY_DATA, "DIR", 0, "the agent's data directory", 0},
	{"owner", KEY_OWNER, "NAME", 0, "the user the key stands for", 0},
	{"client", KEY_CLIENT, "NAME", 0, "the program that holds it", 0},
	{"note", KEY_NOTE, "TEXT", 0, "for people", 0},
	{"group", KEY_GROUP, "NAME", 0, "a group it stands for; may be given again, as below", 0},
	{"scope", KEY_SCOPE, "NAME", 0, "a scope it is good for", 0},
	{"service", KEY_SERVICE, "NAME", 0, "a service it is good for; any when not given", 0},
	{"network", KEY_NETWORK, "CIDR", 0,
         "where it may be used from, as 10.0.0.0/8; anywhere when not given", 0},
	{"expires", KEY_EXPIRES, "TIME", 0,
         "when it ends: 2027-01-31, 2027-01-31T12:00:00Z, 90d, never; never when not given", 0},
	{"overlap", KEY_OVERLAP, "TIME", 0,
         "how long the old key is good beside the new one: 30m, 24h, 7d; 24h when not given", 0},
	{0},
};
static const struct argp key_argp = {
	.options = options,
	.parser = read_option,
	.args_doc =
		"create --owner NAME\nlist\nshow ID\nrotate ID\ndisable ID\nenable ID\nrevoke ID",
	.doc = "The API keys. A new key is written to standard output, once: nobody can show it "
	       "again. Works while the agent runs, which follows within a third of a second, and "
	       "while it does not; every act is in the book.",
};

/* ---- running ---- */

static int complain(const struct task *task, int r)
{
	const char *words = policy_apikey_error_text(r);
	if (r == WRONG_WORDS)
		return EX_USAGE;
	if (r == -ENOENT)
		(void)fprintf(stderr, "%s: there is no key %.*s\n", task->desk.command,
		              SV_ARG(task->id));
	else if (words)
		(void)fprintf(stderr, "%s: %s\n", task->desk.command, words);
	else
		desk_complain(&task->desk, task->a->data, r);
	return EXIT_FAILURE;
}

static int check_words(const struct task *task, size_t act)
{
	const struct key_arguments *a = task->a;
	const struct list *lists[] = {&a->groups, &a->scopes, &a->services, &a->networks};
	if (act == ARRAY_LEN(acts))
		return wrong(task,
		             "create, list, show, rotate, disable, enable and revoke are known");
	if (acts[act].needs_id != (a->n_words == 2))
		return wrong(task,
		             acts[act].needs_id ? "the key's id is missing" : "this takes no id");
	if (acts[act].run == act_create && !a->owner)
		return wrong(task, "--owner is missing: the user the key stands for");
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (lists[i]->too_long)
			return wrong(task, "too many groups, scopes, services or networks");
	return 0;
}

static char own_name[] = "haward key"; /* for the usage text */

int cli_key(int argc, char **argv)
{
	static struct key_arguments a; /* large */
	size_t act = 0;
	CLEANUP(close_task)
	struct task task = {.desk.command = own_name, .a = &a, .now_us = clock_real_us()};
	a = (struct key_arguments){0};
	argv[0] = own_name;
	if (argp_parse(&key_argp, argc, argv, 0, NULL, &a) != 0)
		return EX_USAGE;
	while (act < ARRAY_LEN(acts) && strcmp(acts[act].name, a.words[0]) != 0)
		act++;
	task.id = sv_of(a.words[1]);
	int r = check_words(&task, act);
	if (r != 0)
		return complain(&task, r);
	desk_operator(task.operator);
	r = desk_open(&task.desk, own_name, a.data);
	task.env = (struct policy_tables_env){.state = task.desk.state, .data_dir = a.data};
	if (r == 0)
		r = acts[act].run(&task);
	return r == 0 ? EXIT_SUCCESS : complain(&task, r);
}
