#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/ledger.h"
#include "cmd/ledger.h"
#include "config/config.h"
#include "lib/clock.h"
#include "lib/file.h"

static const char usage[] =
    "usage: signet ledger verify|list [--dir DIR | --config FILE]\n"
    "\n"
    "Reads the record of everything the CA signed. The server may run meanwhile.\n"
    "\n"
    "  verify         checks that no record was changed or taken out, and tells how many there are\n"
    "  list           the same, after one line for each: time, order (\"server\" for the server's own; a "
    "certificate that\n"
    "                 the server renews by itself has an id of its own), serial\n"
    "  --dir DIR      the folder that `signet init` made, with signet.yaml in it (default: .)\n"
    "  --config FILE  another configuration file\n"
    "\n"
    "Exit codes: 0 sound, 1 broken or unreadable, 2 wrong usage.\n";

static bool
record_print(const struct ledger_record *record, void *arg)
{
	char time[CLOCK_RFC3339_SIZE], order[ID_TEXT_SIZE] = "server";
	size_t i;

	(void)arg;
	clock_rfc3339(record->time_ms / 1000, time);
	if (record->kind == LEDGER_ORDER)
		id_text(record->order, order);
	printf("%s %s ", time, order);
	for (i = 0; i < record->serial.len; i++)
		printf("%02x", record->serial.data[i]);
	putchar('\n');
	return true;
}

/* The ledger's folder as the configuration names it; owned, NULL when there is none. */
static char *
folder_find(const char *dir, const char *file)
{
	struct config *config = NULL;
	char *path = file != NULL ? strdup(file) : file_join(dir, "signet.yaml");
	char *folder = NULL;
	enum err err;

	if (path == NULL)
		return NULL;
	if ((err = config_read(path, &config, stderr)) == ERR_OK)
		folder = file_join(config->dir, config->ledger);
	else if (err != ERR_CONFIG)
		fprintf(stderr, "%s: %s\n", path, err_text(err));
	config_free(config);
	free(path);
	return folder;
}

int
ledger_command(int argc, char **argv)
{
	static const struct option options[] = { { "dir", required_argument, NULL, 'd' },
		{ "config", required_argument, NULL, 'c' }, { "help", no_argument, NULL, 'h' }, { 0 } };
	const char *dir = ".", *file = NULL;
	struct reason reason = { "" };
	uint64_t count;
	char *folder;
	enum err err;
	bool list;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'd':
			dir = optarg;
			break;
		case 'c':
			file = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	list = optind + 1 == argc && strcmp(argv[optind], "list") == 0;
	if (!list && !(optind + 1 == argc && strcmp(argv[optind], "verify") == 0)) {
		fputs(usage, stderr);
		return 2;
	}
	if ((folder = folder_find(dir, file)) == NULL)
		return 1;
	err = ledger_each(folder, list ? record_print : NULL, NULL, &count, &reason);
	free(folder);
	if (err != ERR_OK) {
		fprintf(stderr, "%s\n", reason.text[0] != '\0' ? reason.text : err_text(err));
		return 1;
	}
	if (!list)
		printf("%llu records, the chain is whole\n", (unsigned long long)count);
	return 0;
}
