#include <stdio.h>
#include <stdlib.h>

#include "cmd/admin.h"

/* What is left to do is to paste it: the secret is shown this once. */
static void
print_new(const json_t *row)
{
	const char *kid = admin_text(row, "kid"), *key = admin_text(row, "hmacKey");
	const char *directory = admin_text(row, "directory");

	printf("key identifier: %s\n", kid);
	printf("HMAC key:       %s\n", key);
	printf("It is shown this once. Any client that registers with it gets an account:\n\n");
	printf("certbot register --server %s \\\n  --eab-kid %s \\\n  --eab-hmac-key %s\n\n", directory, kid, key);
	printf("lego --server %s --eab \\\n  --kid %s \\\n  --hmac %s ...\n\n", directory, kid, key);
	printf("Caddy, in the global options:\n"
	       "  acme_ca %s\n  acme_eab {\n    key_id %s\n    mac_key %s\n  }\n",
	    directory, kid, key);
}

static void
print_row(const json_t *row)
{
	char *bounds = admin_bounds(row);
	const json_t *uses = json_object_get(row, "uses");
	char of[24] = "";

	if (uses != NULL)
		snprintf(of, sizeof(of), "/%lld", (long long)json_integer_value(uses));
	printf("%-22s  %-7s  %5lld%-6s  %-20s  %s%s%s\n", admin_text(row, "kid"), admin_text(row, "state"),
	    (long long)json_integer_value(json_object_get(row, "used")), of, admin_text(row, "expires"), bounds,
	    admin_text(row, "comment")[0] != '\0' ? "  # " : "", admin_text(row, "comment"));
	free(bounds);
}

static const struct admin_view views[] = {
	{ "create", NULL, print_new },
	{ "list", "KID                     STATE     USED        EXPIRES               NAMES", print_row },
	{ NULL, NULL, NULL },
};

int
eab_command(int argc, char **argv)
{
	return admin_main(views, argc, argv);
}
