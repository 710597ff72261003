/* test_pebble_flags.c: command lines as Go's flag package reads them; each row was tried on Debian's pebble. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pebble-compat/flags.h"

#define WORDS 6

struct row {
	const char	*argv[WORDS];	/* after the program's name */
	int		 status, rest;
	const char	*config, *old;
	bool		 strict, slow;
	const char	*says;		/* the first line on err */
};

static const struct row rows[] = {
	{ { NULL }, FLAGS_GO, 1, "default", "", false, true, NULL },
	{ { "-config", "a" }, FLAGS_GO, 3, "a", "", false, true, NULL },
	{ { "-config=a" }, FLAGS_GO, 2, "a", "", false, true, NULL },
	{ { "--config", "a" }, FLAGS_GO, 3, "a", "", false, true, NULL },
	{ { "--config=a=b" }, FLAGS_GO, 2, "a=b", "", false, true, NULL },
	{ { "-config=" }, FLAGS_GO, 2, "", "", false, true, NULL },
	{ { "-config", "" }, FLAGS_GO, 3, "", "", false, true, NULL },
	{ { "-config", "-strict" }, FLAGS_GO, 3, "-strict", "", false, true, NULL },
	{ { "-config", "a", "-config", "b" }, FLAGS_GO, 5, "b", "", false, true, NULL },
	{ { "-old", "a", "-older", "b" }, FLAGS_GO, 5, "default", "b", false, true, NULL },
	{ { "-strict" }, FLAGS_GO, 2, "default", "", true, true, NULL },
	{ { "-strict", "false" }, FLAGS_GO, 2, "default", "", true, true, NULL },
	{ { "-strict=T", "-slow=0" }, FLAGS_GO, 3, "default", "", true, false, NULL },
	{ { "-strict=TRUE", "--slow=False" }, FLAGS_GO, 3, "default", "", true, false, NULL },
	{ { "x", "-strict" }, FLAGS_GO, 1, "default", "", false, true, NULL },
	{ { "-", "-strict" }, FLAGS_GO, 1, "default", "", false, true, NULL },
	{ { "-strict", "--", "-slow=false" }, FLAGS_GO, 3, "default", "", true, true, NULL },
	{ { "-strict=maybe" }, 2, 0, "default", "", false, true,
	    "invalid boolean value \"maybe\" for -strict: true or false is expected\n" },
	{ { "-strict=" }, 2, 0, "default", "", false, true,
	    "invalid boolean value \"\" for -strict: true or false is expected\n" },
	{ { "-config" }, 2, 0, "default", "", false, true, "flag needs an argument: -config\n" },
	{ { "-conf", "a" }, 2, 0, "default", "", false, true, "flag provided but not defined: -conf\n" },
	{ { "-configs=a" }, 2, 0, "default", "", false, true, "flag provided but not defined: -configs\n" },
	{ { "---config", "a" }, 2, 0, "default", "", false, true, "bad flag syntax: ---config\n" },
	{ { "-=a" }, 2, 0, "default", "", false, true, "bad flag syntax: -=a\n" },
	{ { "--=a" }, 2, 0, "default", "", false, true, "bad flag syntax: --=a\n" },
	{ { "-help" }, 0, 0, "default", "", false, true, "Usage of program:\n" },
	{ { "--h" }, 0, 0, "default", "", false, true, "Usage of program:\n" },
};

static const char usage[] =
	"Usage of program:\n"
	"  -config string\n    \tThe file (default \"default\")\n"
	"  -old string\n    \tOne\n    \ttwo\n"
	"  -older string\n    \tAnother name\n"
	"  -slow\n    \tTake your time (default true)\n"
	"  -strict\n    \tBe strict\n";

static void
row_check(const struct row *row)
{
	const char		*config = "default", *old = "";
	bool			 strict = false, slow = true;
	const struct flag	 flags[] = {
		{ "config", &config, NULL, "The file" }, { "old", &old, NULL, "One\ntwo" },
		{ "older", &old, NULL, "Another name" }, { "slow", NULL, &slow, "Take your time" },
		{ "strict", NULL, &strict, "Be strict" },
	};
	char			 words[WORDS][16], *argv[WORDS + 2] = { words[0] }, *said = NULL;
	size_t			 len;
	int			 argc = 1, rest = 0;
	FILE			*err = open_memstream(&said, &len);

	strcpy(words[0], "program");
	for (; row->argv[argc - 1] != NULL; argc++) {
		strcpy(words[argc], row->argv[argc - 1]);
		argv[argc] = words[argc];
	}
	assert_int_equal(flags_parse(flags, 5, argc, argv, err, &rest), row->status);
	fclose(err);
	assert_int_equal(rest, row->rest);
	assert_string_equal(config, row->config);
	assert_string_equal(old, row->old);
	assert_int_equal(strict, row->strict);
	assert_int_equal(slow, row->slow);
	if (row->says == NULL)
		assert_string_equal(said, "");
	else
		assert_memory_equal(said, row->says, strlen(row->says));
	if (row->status == 0)
		assert_string_equal(said, usage);
	else if (row->status == 2)
		assert_string_equal(said + strlen(row->says), usage);
	free(said);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		row_check(&rows[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
