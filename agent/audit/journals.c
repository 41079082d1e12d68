#include "audit/journal_file.h"
#include "core/fileio.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct audit_journals {
	size_t n;
	unsigned n_workers; /* the first so many */
	size_t admin, main; /* places of the others */
	struct audit_journal *all[AUDIT_JOURNALS_MAX];
};

enum { PATH_BYTES = 4096 };

static int add(struct audit_journals *set, const char *dir, const char *name, uint64_t size_bytes)
{
	char path[PATH_BYTES];
	bool shared = strcmp(name, "cli") == 0;
	int n = snprintf(path, sizeof(path), "%s/%s.ring", dir, name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	if (set->n == ARRAY_LEN(set->all))
		return -E2BIG;
	int r = shared ? audit_journal_open_shared(path, size_bytes, &set->all[set->n])
	               : audit_journal_open_own(path, size_bytes, &set->all[set->n]);
	if (r == 0)
		set->n++;
	return r;
}

static bool has(const struct audit_journals *set, struct sv name)
{
	for (size_t i = 0; i < set->n; i++)
		if (sv_eq(name, sv_of(audit_journal_name(set->all[i]))))
			return true;
	return false;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

/* Rings of workers that this run does not have still hold records. */
static int add_left(struct audit_journals *set, const char *path)
{
	CLEANUP(close_dir) DIR *dir = opendir(path);
	const struct dirent *entry;
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		char name[JOURNAL_NAME_BYTES];
		struct sv file = sv_of(entry->d_name), ring = SV(".ring");
		if (!sv_ends(file, ring) || file.n - ring.n >= sizeof(name) || file.n == ring.n)
			continue;
		(void)snprintf(name, sizeof(name), "%.*s", (int)(file.n - ring.n), file.at);
		int r = has(set, sv_of(name)) ? 0 : add(set, path, name, 0);
		if (r != 0)
			return r;
	}
	return 0;
}

static int open_all(struct audit_journals *set, const struct audit_journals_options *options)
{
	uint64_t size = options->size_bytes ? options->size_bytes : AUDIT_JOURNAL_BYTES;
	int r = dir_make(options->dir, 0700);
	for (unsigned i = 0; r == 0 && i < options->n_workers; i++) {
		char name[JOURNAL_NAME_BYTES];
		(void)snprintf(name, sizeof(name), "worker-%u", i);
		r = add(set, options->dir, name, size);
	}
	set->n_workers = options->n_workers;
	set->admin = options->n_workers;
	set->main = options->n_workers + 1;
	if (r == 0)
		r = add(set, options->dir, "admin", size / 4);
	if (r == 0)
		r = add(set, options->dir, "main", size);
	if (r == 0)
		r = add(set, options->dir, "cli", AUDIT_JOURNAL_MIN_BYTES);
	return r == 0 ? add_left(set, options->dir) : r;
}

static void close_journals(struct audit_journals **set)
{
	audit_journals_close(*set);
}

int audit_journals_open(const struct audit_journals_options *options, struct audit_journals **ret)
{
	CLEANUP(close_journals) struct audit_journals *set = calloc(1, sizeof(*set));
	if (!set)
		return -ENOMEM;
	if (options->n_workers > AUDIT_JOURNALS_MAX / 2)
		return -E2BIG;
	int r = open_all(set, options);
	if (r != 0)
		return r;
	*ret = TAKE(set);
	return 0;
}

void audit_journals_close(struct audit_journals *journals)
{
	if (!journals)
		return;
	for (size_t i = 0; i < journals->n; i++)
		audit_journal_close(journals->all[i]);
	free(journals);
}

struct audit_journal *audit_journals_worker(struct audit_journals *journals, unsigned worker)
{
	return worker < journals->n_workers ? journals->all[worker] : NULL;
}

struct audit_journal *audit_journals_admin(struct audit_journals *journals)
{
	return journals->all[journals->admin];
}

struct audit_journal *audit_journals_main(struct audit_journals *journals)
{
	return journals->all[journals->main];
}

size_t audit_journals_count(const struct audit_journals *journals)
{
	return journals->n;
}

struct audit_journal *audit_journals_at(struct audit_journals *journals, size_t i)
{
	return i < journals->n ? journals->all[i] : NULL;
}
