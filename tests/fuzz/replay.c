/* replay.c: runs a fuzz target, without a fuzzer, over every file of a folder and over a few degenerate
 * inputs, so that `make test` sees every crash that was ever found. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/buf.h"
#include "lib/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define LONG_INPUT 70000	/* over every limit of 64 KiB */
#define INPUT_MAX (1 << 20)

/* A heap copy of exactly the length, so that the address sanitizer sees a read past the end. */
static void
run(const uint8_t *data, size_t len)
{
	uint8_t	*copy = malloc(len);

	if (copy == NULL && len > 0) {
		fprintf(stderr, "replay: out of memory\n");
		exit(1);
	}
	if (len > 0)
		memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void
run_degenerate(void)
{
	static const uint8_t	 fills[] = { 0x00, 0xff, '{', '[', '"', 'A', 0x80, ' ' };
	static uint8_t		 input[LONG_INPUT];

	run(NULL, 0);
	for (size_t i = 0; i < sizeof(fills); i++) {
		memset(input, fills[i], sizeof(input));
		run(input, 1);
		run(input, 255);
		run(input, sizeof(input));
	}
}

static int
run_file(const char *path)
{
	struct buf	 bytes = { 0 };
	struct stat	 st;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return 0;
	if (file_read(path, INPUT_MAX, &bytes) != ERR_OK) {
		fprintf(stderr, "replay: can't read %s\n", path);
		exit(1);
	}
	run(bytes.data, bytes.len);
	buf_free(&bytes);
	return 1;
}

int
main(int argc, char **argv)
{
	struct dirent	*entry;
	DIR		*folder;
	char		*path;
	int		 count = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	if ((folder = opendir(argv[1])) == NULL) {
		perror(argv[1]);
		return 1;
	}
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.' || (path = file_join(argv[1], entry->d_name)) == NULL)
			continue;
		count += run_file(path);
		free(path);
	}
	closedir(folder);
	run_degenerate();
	printf("%s: %d inputs\n", argv[1], count);
	return count > 0 ? 0 : 1;
}
