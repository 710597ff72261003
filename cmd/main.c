/* signet: one program; the first word says what to do. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/admin.h"
#include "cmd/check.h"
#include "cmd/init.h"
#include "cmd/ledger.h"
#include "cmd/perspective.h"
#include "cmd/run.h"
#include "ipc/role.h"
#include "lib/memory.h"
#include "pebble-compat/challtestsrv/challtestsrv.h"
#include "pebble-compat/command.h"
#include "proc/proc.h"

static int
role_command(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	proc_main(role_by_name(argv[1]));
}

struct command {
	const char	*name;
	const char	*summary;	/* NULL: not for people */
	int		(*run)(int argc, char **argv);
};

static const struct command commands[] = {
	{ "init", "make a new CA: keys, root, intermediate and signet.yaml", init_command },
	{ "run", "run the server in the foreground", run_command },
	{ "check", "tell all that is wrong with the configuration and the files it names", check_command },
	{ "cert", "list, show and revoke certificates of the running server", cert_command },
	{ "account", "list, show and deactivate its accounts", account_command },
	{ "eab", "make, list and revoke keys for external account binding", eab_command },
	{ "limit", "show and lift rate limits and pauses", limit_command },
	{ "authz", "show an authorization: what was seen of a name, and from where", authz_command },
	{ "try", "tell whether a name could be validated now", try_command },
	{ "perspective", "make a perspective: a validation authority on another machine", perspective_command },
	{ "va", "run a perspective, on its machine", va_command },
	{ "ledger", "read and verify the record of everything the CA signed", ledger_command },
	{ "pebble", "a test CA that takes Pebble's command line and looks like it to clients", pebble_command },
	{ "challtestsrv", "answer validations as a client's tests say: pebble-challtestsrv", challtestsrv_command },
	{ "role", NULL, role_command },
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

/* Names of the program that stand for a command: its arguments are then all the program's. */
static const struct command programs[] = {
	{ "pebble", NULL, pebble_command },
	{ "pebble-challtestsrv", NULL, challtestsrv_command },
};

static const struct command *
program_find(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (strcmp(name, programs[i].name) == 0)
			return &programs[i];
	}
	return NULL;
}

static void
print_usage(FILE *out)
{
	fputs("usage: signet COMMAND [OPTION]...\n\n"
	      "An ACME server (RFC 8555) and certificate authority.\n\n", out);
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (commands[i].summary != NULL)
			fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].summary);
	}
	fputs("\n`signet COMMAND --help` tells the options. `signet --version` tells the version.\n", out);
}

static bool
is_for_people(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (commands[i].summary != NULL && strcmp(name, commands[i].name) == 0)
			return true;
	}
	return false;
}

/* Who starts a program without them, as some suites do, has its sockets take their numbers, and the log goes there. */
static void
standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int
main(int argc, char **argv)
{
	const struct command	*program = program_find(argc > 0 ? argv[0] : "");
	const char		*name = argc > 1 ? argv[1] : "";

	standard_files();
	memory_strict();
	if (program != NULL)
		return program->run(argc, argv);
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		print_usage(stdout);
		return 0;
	}
	/* Of the program or of any command: there is one version. */
	if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0 ||
	    (argc > 2 && strcmp(argv[2], "--version") == 0 && is_for_people(name) && strcmp(name, "pebble") != 0)) {
		puts("signet " SIGNET_VERSION);
		return 0;
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	if (name[0] != '\0')
		fprintf(stderr, "signet: unknown command: %s\n\n", name);
	print_usage(stderr);
	return 2;
}
