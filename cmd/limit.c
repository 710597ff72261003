#include <stdio.h>
#include <stdlib.h>

#include "cmd/admin.h"

static long long
number(const json_t *row, const char *member)
{
	return (long long)json_integer_value(json_object_get(row, member));
}

static void
print_rate(const json_t *row)
{
	printf("%-24s  %-12s  %s\n", admin_text(row, "limit"), admin_text(row, "rate"), admin_text(row, "subject"));
}

static void
print_spent(const json_t *row)
{
	printf("%-24s  %6lld of %-6lld  %-20s  %s\n", admin_text(row, "limit"), number(row, "used"), number(row, "of"),
	    admin_text(row, "full"), admin_text(row, "subject"));
}

static void
print_pause(const json_t *row)
{
	printf("%-22s  %8lld  %-20s  %s\n", admin_text(row, "account"), number(row, "failures"),
	    admin_text(row, "paused"), admin_text(row, "name"));
}

static const struct admin_view views[] = {
	{ "rates", "LIMIT                     RATE          SUBJECT", print_rate },
	{ "override", NULL, print_rate },
	{ "list", "LIMIT                         SPENT         FULL AGAIN            SUBJECT", print_spent },
	{ "paused", "ACCOUNT                 FAILURES  SINCE                 NAME", print_pause },
	{ NULL, NULL, NULL },
};

int
limit_command(int argc, char **argv)
{
	return admin_main(views, argc, argv);
}
