/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Plain runner of a fuzz target: replays the seeds in NAME.in and the old crashes in NAME.repro, or
 * the files named on the command line: no input may crash a parser (P-21). libFuzzer brings its own
 * main() instead.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Larger than any message or record. */
#define INPUT_MAX (256 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned number;

static void replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *room = malloc(INPUT_MAX);
	if (file == NULL || room == NULL) {
		printf("not ok %u - %s cannot be read\n", ++number, path);
		exit(1);
	}
	size_t size = fread(room, 1, INPUT_MAX, file);
	fclose(file);
	/* An exact copy, so that a sanitizer sees the first octet too far. */
	uint8_t *data = malloc(size > 0 ? size : 1);
	memcpy(data, room, size);
	free(room);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	const char *name = strrchr(path, '/');
	printf("ok %u - %s\n", ++number, name != NULL ? name + 1 : path);
}

static void replay_folder(const char *base, const char *suffix)
{
	char folder[2048], path[4096];
	const char *srcdir = getenv("srcdir");
	snprintf(folder, sizeof(folder), "%s/tests/fuzz/%s%s", srcdir != NULL ? srcdir : ".", base,
	         suffix);
	DIR *dir = opendir(folder);
	struct dirent *entry;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
			replay(path);
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
}

int main(int argc, char *argv[])
{
	for (int i = 1; i < argc; i++) {
		replay(argv[i]);
	}
	if (argc == 1) {
		const char *base = strrchr(argv[0], '/');
		base = base != NULL ? base + 1 : argv[0];
		base += strncmp(base, "lt-", 3) == 0 ? 3 : 0;
		replay_folder(base, ".in");
		replay_folder(base, ".repro");
	}
	printf("1..%u\n", number);
	return number == 0;
}
