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

static const char va_usage[] =
	"usage: signet va --config FILE\n"
	"\n"
	"Runs a perspective on a machine of its own, in the foreground until SIGTERM or SIGINT; logs on standard error.\n"
	"SIGHUP reads the file again.\n"
	"\n"
	"  --config FILE  what `signet perspective create` wrote beside the server\n"
	"\n"
	"Exit codes: 0 asked to stop, 1 could not start, 2 wrong usage.\n";

/* The configuration file's path on the heap, or NULL with *code set to what to exit with. */
static char *
parse_arguments(int argc, char **argv, const char *text, int *code)
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
			fputs(text, stdout);
			*code = 0;
			return NULL;
		default:
			goto wrong;
		}
	}
	if (optind != argc || (dir != NULL && file != NULL)) {
		fprintf(stderr, "signet %s: takes --dir or --config, and nothing else\n", argv[0]);
		goto wrong;
	}
	path = file != NULL ? strdup(file) : file_join(dir != NULL ? dir : ".", "signet.yaml");
	if (path == NULL)
		abort();
	return path;
 wrong:
	fputs(text, stderr);
	*code = 2;
	return NULL;
}

/* perspective: which of the two kinds of file this command runs. */
static int
run_file(char *path, bool perspective)
{
	struct config	*config;
	enum err	 err = config_read(path, &config, stderr);
	const char	*command = perspective ? "va" : "run";

	if (err != ERR_OK) {
		fprintf(stderr, "signet %s: not started: %s\n", command, err_text(err));
		free(path);
		return 1;
	}
	if (config_is_perspective(config) != perspective) {
		fprintf(stderr, perspective ? "signet va: %s is a server's configuration; run it with `signet run`\n"
					    : "signet run: %s is a perspective's; run it with `signet va --config`\n", path);
		config_free(config);
		free(path);
		return 1;
	}
	free(path);
	return supervisor_run(config);
}

int
run_command(int argc, char **argv)
{
	int	 code = 0;
	char	*path = parse_arguments(argc, argv, usage, &code);

	return path == NULL ? code : run_file(path, false);
}

int
va_command(int argc, char **argv)
{
	int	 code = 0;
	char	*path = parse_arguments(argc, argv, va_usage, &code);

	return path == NULL ? code : run_file(path, true);
}
