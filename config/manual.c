/* The table for people: signet.yaml(5), as man(7) takes it. */
#include "config/manual.h"

#include <string.h>

#include "config/options.h"

/* Text inside a roff line: hyphens and backslashes as they are, no line that starts a request. */
static void
roff(FILE *out, const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else
			fputc(*text, out);
}

static void
range_print(FILE *out, const struct option *o)
{
	char	least[32], most[32];
	int64_t	step = strcmp(o->type->name, "duration") != 0 ? 0 : o->type == &type_seconds ? 1000 : 1;

	if (o->type->kind == KIND_ENUM) {
		for (size_t i = 0; o->names[i] != NULL; i++) {
			fputs(i == 0 ? " " : o->names[i + 1] == NULL ? " or " : ", ", out);
			roff(out, o->names[i]);
		}
	} else if (o->type->kind == KIND_INTEGER && step == 0) {
		fprintf(out, ", %lld to %lld", (long long)o->min, (long long)o->max);
	} else if (o->type->kind == KIND_INTEGER) {
		duration_text(o->min * step, least, sizeof(least));
		duration_text(o->max * step, most, sizeof(most));
		fprintf(out, ", %s to %s", least, most);
	} else if (o->type->kind == KIND_STRINGS) {
		fprintf(out, ", %lld to %lld", (long long)o->min, (long long)o->max);
	}
}

static void
defaults_print(FILE *out, const struct option *o)
{
	const char *const	*d = o->defaults;

	if (o->flags & OPTION_REQUIRED) {
		fputs("Required.\n", out);
		return;
	}
	if (o->flags & OPTION_DERIVED || d[0] == NULL)
		return;
	fputs("Default: ", out);
	roff(out, d[0]);
	for (int i = 1; i < PRESET_COUNT; i++)
		if (strcmp(d[i], d[0]) != 0) {
			fprintf(out, "; in preset %s: ", options[0].names[i]);
			roff(out, d[i]);
		}
	fputs(".\n", out);
}

static void
option_print(FILE *out, const struct option *o, const char *prefix)
{
	const struct record	*r = o->record;
	char			 path[128];

	fputs(".TP\n.B ", out);
	roff(out, prefix);
	roff(out, o->key);
	fputs("\n(", out);
	roff(out, r == NULL ? o->type->name : r->shape == SHAPE_LIST ? "list of maps" :
	    r->shape == SHAPE_MAP ? "map of maps" : "map of lists or maps");
	range_print(out, o);
	fputs(") ", out);
	roff(out, o->help);
	fputs(".\n", out);
	defaults_print(out, o);
	for (size_t i = r == NULL || r->shape == SHAPE_LIST ? 0 : 1; r != NULL && i < r->field_count; i++) {
		snprintf(path, sizeof(path), r->shape == SHAPE_LIST ? "%s[]." : "%s.NAME.", o->key);
		option_print(out, &r->fields[i], path);
	}
}

void
options_print(FILE *out)
{
	fputs(".\\\" Made by: signet check --options\n"
	    ".TH SIGNET.YAML 5 \"\" \"signet\" \"File formats\"\n"
	    ".SH NAME\nsignet.yaml \\- configuration of the ACME server and certificate authority signet\n"
	    ".SH DESCRIPTION\nOne YAML document, without anchors, aliases and tags. "
	    "Relative paths start in the folder of the file. "
	    "A duration is a whole number and a unit: 90d, 160h, 30m, 20s, and 500ms where so short a time "
	    "makes sense. Unknown keys are mistakes;\n.B signet check\nshows all mistakes at once.\n"
	    ".PP\nOnly\n.B wfe.url\nmust be there. The names below are the path to each option: "
	    "wfe.url stands for\n.PP\n.nf\nwfe:\n  url: https://ca.home.arpa:9443\n.fi\n.SH OPTIONS\n", out);
	for (size_t i = 0; i < option_count; i++)
		option_print(out, &options[i], "");
	fputs(".SH SEE ALSO\n.BR signet (1)\n", out);
}
