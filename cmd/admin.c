/* admin.c: from a command line to a request, by the table in ipc/admin.h. */
#include "cmd/admin.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "ipc/admin.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/json.h"

/* What getopt_long() answers with: these, or OPTION_FIRST and the argument's place; '?' when there is no such option, so
 * they begin above all characters. */
enum { OPTION_DIR = 256, OPTION_CONFIG, OPTION_JSON, OPTION_HELP, OPTION_FIRST };
#define OWN_OPTIONS 4

struct line {
	const struct admin_command *command;
	json_t *request;
	const char *dir, *file;
	bool json, help;
};

/* --- help ---------------------------------------------------------------------------------------- */

static const char exit_codes[] = "Exit codes: 0 done, 1 refused or the server is not there, 2 wrong usage.\n";

static void
print_group(FILE *out, const char *group)
{
	fprintf(out, "usage: signet %s VERB [OPTION]...\n\nAsks the running server.\n\n", group);
	for (size_t i = 0; i < ADMIN_VERB_COUNT; i++)
		if (strcmp(admin_commands[i].group, group) == 0)
			fprintf(out, "  %-11s %s\n", admin_commands[i].verb, admin_commands[i].help);
	fprintf(out, "\n`signet %s VERB --help` tells the options.\n\n%s", group, exit_codes);
}

/* What stands for its value; all the words of a choice are no column. */
static const char *
stand_in(const struct admin_argument *argument)
{
	return argument->kind == ADMIN_WORD ? "WORD" : argument->value;
}

static void
print_option(FILE *out, const struct admin_argument *argument)
{
	char left[64];

	if (argument->flags & ADMIN_PLACED)
		snprintf(left, sizeof(left), "%s", stand_in(argument));
	else if (argument->kind == ADMIN_FLAG)
		snprintf(left, sizeof(left), "--%s", argument->name);
	else
		snprintf(left, sizeof(left), "--%s %s", argument->name, stand_in(argument));
	fprintf(out, "  %-24s %s", left, argument->help);
	if (argument->kind == ADMIN_WORD)
		fprintf(out, " (%s)", argument->value);
	fputs(argument->kind == ADMIN_TEXTS ? "; may be given several times\n" : "\n", out);
}

static void
print_usage(FILE *out, const struct admin_command *command)
{
	char name[ADMIN_NAME_SIZE];

	fprintf(out, "usage: signet %s", admin_command_name(command, name));
	for (const struct admin_argument *a = command->arguments; a->name != NULL; a++) {
		bool required = (a->flags & ADMIN_REQUIRED) != 0;

		if (a->flags & ADMIN_PLACED)
			fprintf(out, required ? " %s" : " [%s]", stand_in(a));
		else if (required)
			fprintf(out, " --%s %s", a->name, stand_in(a));
	}
	fprintf(out, " [OPTION]... [--dir DIR | --config FILE]\n\nAsks the running server: it %s.\n\n",
	    command->help);
	for (const struct admin_argument *a = command->arguments; a->name != NULL; a++)
		print_option(out, a);
	fputs("  --json                   one JSON object a line, for scripts\n"
	      "  --dir DIR                the server's folder, with signet.yaml in it (default: .)\n"
	      "  --config FILE            another configuration file\n\n",
	    out);
	fputs(exit_codes, out);
}

/* --- reading ------------------------------------------------------------------------------------- */

static const struct admin_command *
find_command(const char *group, const char *verb)
{
	for (size_t i = 0; i < ADMIN_VERB_COUNT; i++)
		if (strcmp(admin_commands[i].group, group) == 0 && strcmp(admin_commands[i].verb, verb) == 0)
			return &admin_commands[i];
	return NULL;
}

static bool
wrong(const struct line *line, const char *name, const char *why)
{
	char command[ADMIN_NAME_SIZE];

	fprintf(stderr, "signet %s: %s: %s\n", admin_command_name(line->command, command), name, why);
	return false;
}

static bool
read_seconds(const struct line *line, const char *name, const char *text, json_int_t from, json_t **out)
{
	struct reason reason = { "" };
	int64_t seconds;

	if (!config_duration(text, &seconds, &reason))
		return wrong(line, name, reason.text);
	*out = json_integer(from + seconds);
	return true;
}

static bool
read_number(const struct line *line, const char *name, const char *text, json_t **out)
{
	char *end;
	long long number = strtoll(text, &end, 10);

	if (text[0] == '\0' || *end != '\0' || number < 1)
		return wrong(line, name, "has to be a whole number from 1 on");
	*out = json_integer(number);
	return true;
}

static bool
read_argument(const struct line *line, const struct admin_argument *argument, const char *text)
{
	json_t *json = NULL, *list = json_object_get(line->request, argument->name);
	int64_t time;
	bool done = true;

	if (list != NULL && argument->kind != ADMIN_TEXTS)
		return wrong(line, argument->name, "is given twice");
	if (argument->kind == ADMIN_COUNT)
		done = read_number(line, argument->name, text, &json);
	else if (argument->kind == ADMIN_FLAG)
		json = json_true();
	else if (argument->kind == ADMIN_TIME && clock_parse_rfc3339(text, &time))
		json = json_integer(time);
	else if (argument->kind == ADMIN_TIME || argument->kind == ADMIN_DURATION)
		done = read_seconds(line, argument->name, text,
		    argument->kind == ADMIN_TIME ? (json_int_t)clock_now() : 0, &json);
	else if ((json = json_string(text)) == NULL)
		done = wrong(line, argument->name, "is not UTF-8");
	if (!done)
		return false;
	if (argument->kind != ADMIN_TEXTS)
		json_object_set_new(line->request, argument->name, json);
	else if (list != NULL)
		json_array_append_new(list, json);
	else
		json_object_set_new(line->request, argument->name, json_pack("[o]", json));
	return true;
}

static void
list_options(const struct admin_command *command, struct option *out)
{
	static const struct option own[OWN_OPTIONS] = { { "dir", required_argument, NULL, OPTION_DIR },
		{ "config", required_argument, NULL, OPTION_CONFIG }, { "json", no_argument, NULL, OPTION_JSON },
		{ "help", no_argument, NULL, OPTION_HELP } };

	for (size_t i = 0; i < OWN_OPTIONS; i++)
		*out++ = own[i];
	for (int i = 0; command->arguments[i].name != NULL; i++)
		if (!(command->arguments[i].flags & ADMIN_PLACED))
			*out++ = (struct option){ command->arguments[i].name,
				command->arguments[i].kind == ADMIN_FLAG ? no_argument : required_argument, NULL,
				OPTION_FIRST + i };
	*out = (struct option){ NULL, 0, NULL, 0 };
}

static bool
read_options(struct line *line, int argc, char **argv)
{
	struct option options[OWN_OPTIONS + ADMIN_ARGUMENTS_MAX + 1];
	int c;

	list_options(line->command, options);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (c == OPTION_DIR)
			line->dir = optarg;
		else if (c == OPTION_CONFIG)
			line->file = optarg;
		else if (c == OPTION_JSON)
			line->json = true;
		else if (c == OPTION_HELP)
			line->help = true;
		else if (c < OPTION_FIRST ||
		    !read_argument(line, &line->command->arguments[c - OPTION_FIRST], optarg))
			return false;
	if (line->dir != NULL && line->file != NULL)
		return wrong(line, "--dir and --config", "only one of them");
	return true;
}

/* Those without a name, in the table's order; then whether all are there. */
static bool
read_placed(struct line *line, int argc, char **argv)
{
	for (const struct admin_argument *a = line->command->arguments; a->name != NULL; a++) {
		if ((a->flags & ADMIN_PLACED) && optind < argc && !read_argument(line, a, argv[optind++]))
			return false;
		if ((a->flags & ADMIN_REQUIRED) && json_object_get(line->request, a->name) == NULL)
			return wrong(line, a->value, "is missing");
	}
	return optind == argc || wrong(line, argv[optind], "is one word too many");
}

/* --- answering ----------------------------------------------------------------------------------- */

const char *
admin_text(const json_t *row, const char *member)
{
	const char *text = json_member_str(row, member);

	return text != NULL ? text : "";
}

char *
admin_joined(const json_t *array)
{
	struct buf out = { 0 };
	const json_t *item;
	char *text;
	size_t i;

	json_array_foreach(array, i, item) {
		buf_put_str(&out, i > 0 ? ", " : "");
		buf_put_str(&out, json_is_string(item) ? json_string_value(item) : "?");
	}
	if ((text = buf_take_str(&out)) == NULL)
		abort();
	return text;
}

void
admin_print_members(const json_t *row)
{
	const char *name, *text;
	json_t *value;
	char *made;

	json_object_foreach((json_t *)(uintptr_t)row, name, value) {
		made = json_is_array(value) ? admin_joined(value) :
		    json_is_string(value)   ? NULL :
					      json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		text = json_is_string(value) ? json_string_value(value) : made;
		/* A text of several lines, such as PEM, begins on a line of its own. */
		printf(strchr(text, '\n') != NULL ? "%s:\n%s" : "%s: %s\n", name, text);
		free(made);
	}
}

struct printer {
	const struct line *line;
	const struct admin_view *view;	/* or NULL */
	bool begun;
};

static void
print_row(const json_t *row, void *arg)
{
	struct printer *printer = arg;

	if (printer->line->json) {
		json_dumpf(row, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (printer->view != NULL) {
		if (!printer->begun && printer->view->heading != NULL)
			puts(printer->view->heading);
		printer->view->row(row);
	} else {
		admin_print_members(row);
	}
	printer->begun = true;
}

static int
ask(const struct line *line, const struct admin_view *views)
{
	char *file = line->file != NULL ? strdup(line->file) :
					  file_join(line->dir != NULL ? line->dir : ".", "signet.yaml");
	char *text = json_dumps(line->request, JSON_COMPACT), *request = NULL;
	struct printer printer = { .line = line };
	int fd, code = 1;

	while (views->verb != NULL && strcmp(views->verb, line->command->verb) != 0)
		views++;
	printer.view = views->verb != NULL ? views : NULL;
	if (file == NULL || text == NULL || asprintf(&request, "%s\n", text) < 0)
		abort();
	if ((fd = admin_connect(file)) >= 0) {
		code = admin_ask(fd, request, print_row, &printer);
		close(fd);
	}
	free(request);
	free(text);
	free(file);
	return code;
}

static json_t *
begin_request(const struct admin_command *command)
{
	char name[ADMIN_NAME_SIZE];

	return json_pack("{s:s}", "command", admin_command_name(command, name));
}

int
admin_main(const struct admin_view *views, int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	struct line line = { .command = find_command(argv[0], "") };
	int code = 2, words = 0;

	if (line.command == NULL) { /* as nearly all, it has verbs */
		line.command = find_command(argv[0], verb);
		words = 1;
	}

	if (line.command == NULL) {
		bool help = strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0;

		if (!help && verb[0] != '\0')
			fprintf(stderr, "signet %s: unknown: %s\n\n", argv[0], verb);
		print_group(help ? stdout : stderr, argv[0]);
		return help ? 0 : 2;
	}
	if ((line.request = begin_request(line.command)) == NULL)
		abort();
	if (!read_options(&line, argc - words, argv + words) ||
	    (!line.help && !read_placed(&line, argc - words, argv + words))) {
		print_usage(stderr, line.command);
	} else if (line.help) {
		print_usage(stdout, line.command);
		code = 0;
	} else {
		code = ask(&line, views);
	}
	json_decref(line.request);
	return code;
}
