#include <stdio.h>
#include <stdlib.h>

#include "cmd/admin.h"

static void
print_row(const json_t *row)
{
	char *names = admin_joined(json_object_get(row, "names"));

	printf("%-36s  %-7s  %-20s  %-22s  %s\n", admin_text(row, "serial"), admin_text(row, "state"),
	    admin_text(row, "notAfter"), admin_text(row, "account"), names);
	free(names);
}

static const struct admin_view views[] = {
	{ "list", "SERIAL                                STATE    ENDS                  ACCOUNT                 NAMES",
	    print_row },
	{ NULL, NULL, NULL },
};

int
cert_command(int argc, char **argv)
{
	return admin_main(views, argc, argv);
}
