#include "cmd/run.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "lib/file.h"
#include "proc/supervisor.h"

static const char usage[] =
	"usage: signet run [--dir DIR | --config FILE]\n"
	"\n"
	"Runs the server in the foreground until SIGTERM or SIGINT; logs on standard error.\n"
	"SIGHUP reads the configuration again without dropping a request.\n"
	"\n"
	"  --dir DIR      the folder that `signet init` made, with signet.yaml in it (default: .)\n"
	"  --config FILE  another configuration file\n"
	"\n"
	"Exit codes: 0 asked to stop, 1 could not start, 2 wrong usage.\n";

/* The configuration file's path on the heap, or NULL with *code set to what to exit with. */
static char *
parse_arguments(int argc, char **argv, int *code)
{
	static const struct option options[] = {
		{ "dir", required_argument, NULL, 'd' },
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char	*dir = NULL, *file = NULL;
	char		*path;
	int		 option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			dir = optarg;
			break;
		case 'c':
			file = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			*code = 0;
			return NULL;
		default:
			goto wrong;
		}
	}
	if (optind != argc || (dir != NULL && file != NULL)) {
		fputs("signet run: takes --dir or --config, and nothing else\n", stderr);
		goto wrong;
	}
	path = file != NULL ? strdup(file) : file_join(dir != NULL ? dir : ".", "signet.yaml");
	if (path == NULL)
		abort();
	return path;
 wrong:
	fputs(usage, stderr);
	*code = 2;
	return NULL;
}

int
run_command(int argc, char **argv)
{
	struct config	*config;
	int		 code = 0;
	char		*path = parse_arguments(argc, argv, &code);
	enum err	 err;

	if (path == NULL)
		return code;
	err = config_read(path, &config, stderr);
	free(path);
	if (err != ERR_OK) {
		fprintf(stderr, "signet run: not started: %s\n", err_text(err));
		return 1;
	}
	return supervisor_run(config);
}
