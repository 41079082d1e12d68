/* The request target and the Cookie header of the admin side: what is accepted reads the same twice. */
#include "admin/target.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_text(struct sv text)
{
	for (size_t i = 0; i < text.n; i++)
		must((unsigned char)text.at[i] >= 0x20 && text.at[i] != 0x7f);
}

/* Every byte escaped but the slashes: the one spelling that cannot be misread. */
static size_t encode_path(struct sv path, char *room)
{
	size_t n = 0;
	for (size_t i = 0; i < path.n; i++) {
		if (path.at[i] == '/')
			room[n++] = '/';
		else
			n += (size_t)snprintf(room + n, 4, "%%%02x", (unsigned char)path.at[i]);
	}
	return n;
}

static void check_target(const char *raw, size_t n)
{
	struct target target;
	struct target again;
	char *copy = malloc(n + 1);
	memcpy(copy, raw, n);
	if (target_parse(copy, n, &target)) {
		check_text(target.path);
		must(target.path.n > 0 && target.path.at[0] == '/');
		must(target.n_params <= TARGET_PARAMS_MAX);
		for (size_t i = 0; i < target.n_params; i++) {
			check_text(target.params[i].name);
			check_text(target.params[i].value);
		}
		char *encoded = malloc(3 * target.path.n + 1);
		size_t n_encoded = encode_path(target.path, encoded);
		if (n_encoded <= TARGET_MAX_BYTES) {
			must(target_parse(encoded, n_encoded, &again));
			must(sv_eq(again.path, target.path));
		}
		free(encoded);
	}
	free(copy);
}

static void check_cookie(struct sv header)
{
	struct sv value = {0};
	enum cookie_result result = target_cookie(header, SVL("sid"), &value);
	must(result != COOKIE_FOUND ||
	     (value.n == 0 ||
	      (value.at >= header.at && value.at + value.n <= header.at + header.n)));
	must(result == COOKIE_FOUND || value.at == NULL);
	must(sv_find(value, ';') == value.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_target((const char *)data, size);
	check_cookie((struct sv){(const char *)data, size});
	return 0;
}
