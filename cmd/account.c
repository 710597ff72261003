#include <stdio.h>
#include <stdlib.h>

#include "cmd/admin.h"

static void
put_list(struct buf *out, const char *before, const json_t *array)
{
	char *text = admin_joined(array);

	if (text[0] != '\0')
		buf_printf(out, "%s%s%s", out->len > 0 ? "; " : "", before, text);
	free(text);
}

char *
admin_bounds(const json_t *bounds)
{
	const json_t *most = json_object_get(bounds, "maxNames");
	struct buf out = { 0 };
	char *text;

	put_list(&out, "", json_object_get(bounds, "names"));
	if (out.len == 0)
		buf_put_str(&out, "all names");
	put_list(&out, "not ", json_object_get(bounds, "deny"));
	put_list(&out, "profiles ", json_object_get(bounds, "profiles"));
	if (json_is_false(json_object_get(bounds, "wildcards")))
		buf_put_str(&out, "; no wildcards");
	if (most != NULL)
		buf_printf(&out, "; at most %lld names", (long long)json_integer_value(most));
	if ((text = buf_take_str(&out)) == NULL)
		abort();
	return text;
}

static void
print_row(const json_t *row)
{
	const json_t *policy = json_object_get(row, "policy");
	char *contact = admin_joined(json_object_get(row, "contact")), *text;

	printf("%-22s  %-11s  %-20s  %s", admin_text(row, "id"), admin_text(row, "status"), admin_text(row, "created"),
	    contact);
	free(contact);
	if (policy != NULL) {
		text = admin_bounds(policy);
		printf("  # policy: %s", text);
		free(text);
	}
	putchar('\n');
}

static void
print_account(const json_t *row)
{
	json_t *plain = json_deep_copy(row), *policy = json_object_get(row, "policy");
	char *text;

	json_object_del(plain, "policy");
	admin_print_members(plain);
	json_decref(plain);
	if (policy == NULL)
		return;
	text = admin_bounds(policy);
	printf("policy: %s\n", text);
	free(text);
}

static const struct admin_view views[] = {
	{ "list", "ACCOUNT                 STATUS       CREATED               CONTACT", print_row },
	{ "show", NULL, print_account },
	{ "deactivate", NULL, print_account },
	{ "policy", NULL, print_account },
	{ NULL, NULL, NULL },
};

int
account_command(int argc, char **argv)
{
	return admin_main(views, argc, argv);
}
