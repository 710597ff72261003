#include <stdio.h>
#include <stdlib.h>

#include "cmd/admin.h"

static void
print_row(const json_t *row)
{
	char *contact = admin_joined(json_object_get(row, "contact"));

	printf("%-22s  %-11s  %-20s  %s\n", admin_text(row, "id"), admin_text(row, "status"),
	    admin_text(row, "created"), contact);
	free(contact);
}

static const struct admin_view views[] = {
	{ "list", "ACCOUNT                 STATUS       CREATED               CONTACT", print_row },
	{ NULL, NULL, NULL },
};

int
account_command(int argc, char **argv)
{
	return admin_main(views, argc, argv);
}
