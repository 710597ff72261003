#include <string.h>

#include "lib/buf.h"
#include "pebble-compat/flags.h"

static const struct flag *
flag_find(const struct flag *flags, size_t count, const char *name, size_t len)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(flags[i].name) == len && memcmp(flags[i].name, name, len) == 0)
			return &flags[i];
	}
	return NULL;
}

/* What Go's strconv.ParseBool takes. */
static bool
truth_read(const char *text, bool *out)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
	static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
			*out = strcmp(text, yes[i]) == 0;
			return true;
		}
	}
	return false;
}

static void
default_print(const struct flag *flag, FILE *out)
{
	if (flag->text != NULL && *flag->text != NULL && **flag->text != '\0')
		fprintf(out, " (default \"%s\")", *flag->text);
	else if (flag->truth != NULL && *flag->truth)
		fputs(" (default true)", out);
}

void
flags_usage(const struct flag *flags, size_t count, const char *program, FILE *out)
{
	fprintf(out, "Usage of %s:\n", program);
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "  -%s%s\n    \t", flags[i].name, flags[i].text != NULL ? " string" : "");
		for (const char *c = flags[i].help; *c != '\0'; c++) {
			fputc(*c, out);
			if (*c == '\n')
				fputs("    \t", out);
		}
		default_print(&flags[i], out);
		fputc('\n', out);
	}
}

/* A flag's name and the value that may follow it in the same argument. */
struct word {
	const char	*name;
	size_t		 len;
	const char	*value;		/* NULL: none here */
};

static bool
word_read(const char *argument, struct word *word)
{
	word->name = argument + (argument[1] == '-' ? 2 : 1);
	if (word->name[0] == '\0' || word->name[0] == '-' || word->name[0] == '=')
		return false;
	word->len = strcspn(word->name, "=");
	word->value = word->name[word->len] == '=' ? word->name + word->len + 1 : NULL;
	return true;
}

static bool
truth_set(const struct flag *flag, const struct word *word, FILE *err)
{
	if (word->value == NULL) {
		*flag->truth = true;
		return true;
	}
	if (truth_read(word->value, flag->truth))
		return true;
	fprintf(err, "invalid boolean value \"%s\" for -%s: true or false is expected\n", word->value, flag->name);
	return false;
}

/* Takes argv[*at], and the one after it when the value stands there. */
static bool
flag_take(const struct flag *flags, size_t count, int argc, char **argv, int *at, FILE *err, bool *help)
{
	const char		*argument = argv[(*at)++];
	const struct flag	*flag;
	struct word		 word;

	if (!word_read(argument, &word)) {
		fprintf(err, "bad flag syntax: %s\n", argument);
		return false;
	}
	flag = flag_find(flags, count, word.name, word.len);
	if (flag == NULL) {
		*help = slice_eq_str(slice_of(word.name, word.len), "h") ||
		    slice_eq_str(slice_of(word.name, word.len), "help");
		if (!*help)
			fprintf(err, "flag provided but not defined: -%.*s\n", (int)word.len, word.name);
		return false;
	}
	if (flag->truth != NULL)
		return truth_set(flag, &word, err);
	if (word.value == NULL && *at < argc)
		word.value = argv[(*at)++];
	if (word.value == NULL) {
		fprintf(err, "flag needs an argument: -%s\n", flag->name);
		return false;
	}
	*flag->text = word.value;
	return true;
}

int
flags_parse(const struct flag *flags, size_t count, int argc, char **argv, FILE *err, int *rest)
{
	int	at = 1;
	bool	help = false;

	while (at < argc && argv[at][0] == '-' && argv[at][1] != '\0') {
		if (strcmp(argv[at], "--") == 0) {
			at++;
			break;
		}
		if (!flag_take(flags, count, argc, argv, &at, err, &help)) {
			flags_usage(flags, count, argv[0], err);
			return help ? 0 : 2;
		}
	}
	*rest = at;
	return FLAGS_GO;
}
