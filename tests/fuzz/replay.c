/* Runs a fuzz target over the files it is given, each in a heap block of its exact size. */
#include "core/fileio.h"
#include "core/limits.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
	char *text;
	size_t n;
	if (file_read(path, DOCUMENT_MAX_BYTES, &text, &n) != 0) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return 1;
	}
	uint8_t *exact = malloc(n ? n : 1);
	if (!exact)
		abort();
	memcpy(exact, text, n);
	free(text);
	(void)LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;
	for (int i = 1; i < argc; i++)
		failed |= run_file(argv[i]);
	printf("%d inputs replayed\n", argc - 1);
	return failed;
}
