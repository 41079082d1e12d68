/* A path is refused, or brought to a normal form that stays as it is, and that holds nothing a second
 * reader would read otherwise. The first line is a path, the second a template. */
#include "authz/path.h"
#include "authz/template.h"
#include "core/limits.h"

#include <stdint.h>
#include <stdlib.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool contains(struct sv text, const char *what)
{
	return text.n > 0 && memmem(text.at, text.n, what, strlen(what));
}

static void check_normal(struct sv normal, struct arena *scratch)
{
	struct authz_path again;
	const char *why = NULL;
	HOLDS(normal.n > 0 && normal.at[0] == '/');
	HOLDS(normal.n <= 3 * PATH_MAX_BYTES);
	HOLDS(!contains(normal, "//") && !contains(normal, "/../") && !contains(normal, "/./"));
	HOLDS(!contains(normal, "%2F") && !contains(normal, "%2f") && !contains(normal, "%5C"));
	HOLDS(!contains(normal, "\\") && !contains(normal, "%00") && !contains(normal, "?"));
	if (normal.n > PATH_MAX_BYTES)
		return;
	HOLDS(authz_path_normalise(normal, scratch, &again, &why));
	HOLDS(sv_eq(again.normal, normal) && sv_eq(again.written, normal) && !again.differs);
}

/* What a template captures is part of the path, in order, and never a slash for {*}. */
static void check_template(struct sv pattern, struct sv path, struct arena *scratch)
{
	struct authz_template t;
	struct authz_captures found = {0};
	const char *why = NULL;
	if (!authz_template_parse(pattern, scratch, &t, &why)) {
		HOLDS(why);
		return;
	}
	if (!authz_template_holds(&t, path, &found) || !found.template)
		return;
	const char *at = path.at;
	for (size_t i = 0; i < t.n_names; i++) {
		struct sv value;
		HOLDS(authz_captures_find(&found, t.names[i], &value));
		HOLDS(value.at >= at && value.at + value.n <= path.at + path.n);
		at = value.at + value.n;
	}
	for (size_t i = 0; i < t.n_segments; i++) {
		if (t.segments[i].kind != AUTHZ_SEGMENT_ONE || t.segments[i].capture < 0)
			continue;
		struct sv value = found.values[t.segments[i].capture];
		HOLDS(value.n > 0 && sv_find(value, '/') == value.n);
	}
}

/* In each of Istio's modes the form stays as it is, has what the mode says, and its other spelling is a pattern's. */
static void check_mode(enum authz_path_mode mode, struct sv raw, struct arena *scratch)
{
	struct authz_path path, again;
	const char *why = NULL;
	if (!authz_path_normalise_as(mode, raw, scratch, &path, &why)) {
		HOLDS(why);
		return;
	}
	struct sv normal = path.normal;
	HOLDS(normal.n > 0 && normal.at[0] == '/' && normal.n <= 3 * PATH_MAX_BYTES);
	HOLDS(!contains(normal, "%00") && !contains(normal, "?") && !contains(normal, "#"));
	HOLDS(mode == AUTHZ_PATH_NONE ||
	      !(contains(normal, "/../") || contains(normal, "/./") || contains(normal, "\\")));
	HOLDS(!authz_path_merges(mode) || !contains(normal, "//"));
	HOLDS(path.differs == !sv_eq(normal, path.written) && !path.has_parameters);
	if (normal.n > PATH_MAX_BYTES)
		return;
	HOLDS(authz_path_normalise_as(mode, normal, scratch, &again, &why));
	HOLDS(sv_eq(again.normal, normal));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sv rest = {(const char *)data, size};
	struct sv path_text;
	struct arena scratch;
	struct authz_path path;
	const char *why = NULL;
	(void)sv_cut(&rest, '\n', &path_text);
	HOLDS(arena_init(&scratch, 1 << 20) == 0);
	if (authz_path_normalise(path_text, &scratch, &path, &why)) {
		check_normal(path.normal, &scratch);
		check_normal(path.bare, &scratch);
		HOLDS(path.differs == !sv_eq(path.normal, path.written));
		HOLDS(path.has_parameters == !sv_eq(path.normal, path.bare));
		HOLDS(!contains(path.bare, ";"));
		check_template(rest, path.normal, &scratch);
		check_template(rest, path.written, &scratch);
		check_template(rest, path.bare, &scratch);
	} else {
		HOLDS(why);
	}
	for (unsigned mode = AUTHZ_PATH_NONE; mode < AUTHZ_PATH_MODE_COUNT; mode++)
		check_mode((enum authz_path_mode)mode, path_text, &scratch);
	arena_fini(&scratch);
	return 0;
}
