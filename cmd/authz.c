#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/admin.h"

/* What one perspective said: a line, and its detail below. */
static void
print_vote(const json_t *vote)
{
	const json_t *reached = json_object_get(vote, "reached"), *ms = json_object_get(vote, "ms");
	const char *outcome = admin_text(vote, "outcome");

	if (reached != NULL)
		outcome = json_is_true(reached) ? "reached" : "failed";
	printf("%-16s %-8s %-17s ", admin_text(vote, "perspective"), outcome, admin_text(vote, "problem"));
	if (ms != NULL)
		printf("%6lld ms  %s\n", (long long)json_integer_value(ms), admin_text(vote, "detail"));
	else
		puts("     -     had not answered when it was decided");
}

static void
print_hop(const json_t *hop)
{
	char *resolved = admin_joined(json_object_get(hop, "addressesResolved"));
	char *servers = admin_joined(json_object_get(hop, "resolverAddrs"));

	printf("  %s", admin_text(hop, "url")[0] != '\0' ? admin_text(hop, "url") : admin_text(hop, "hostname"));
	if (servers[0] != '\0')
		printf(", asked of %s", servers);
	if (resolved[0] != '\0')
		printf(", resolved to %s", resolved);
	if (admin_text(hop, "addressUsed")[0] != '\0')
		printf(", tried %s port %s", admin_text(hop, "addressUsed"), admin_text(hop, "port"));
	putchar('\n');
	free(resolved);
	free(servers);
}

/* "connection" of "urn:ietf:params:acme:error:connection". */
static const char *
problem_word(const char *type)
{
	const char *colon = strrchr(type, ':');

	return colon != NULL ? colon + 1 : type;
}

static void
print_authz(const json_t *row)
{
	json_t *plain = json_deep_copy(row), *item, *where;
	size_t i, hop;

	json_object_del(plain, "error");
	json_object_del(plain, "record");
	json_object_del(plain, "votes");
	admin_print_members(plain);
	json_decref(plain);
	if ((item = json_object_get(row, "error")) != NULL)
		printf("error: %s: %s\n", problem_word(admin_text(item, "type")), admin_text(item, "detail"));
	if (json_array_size(json_object_get(row, "record")) > 0)
		puts("seen by the CA itself:");
	json_array_foreach(json_object_get(row, "record"), i, item)
		print_hop(item);
	json_array_foreach(json_object_get(row, "votes"), i, item) {
		print_vote(item);
		json_array_foreach(json_object_get(item, "record"), hop, where)
			print_hop(where);
	}
}

static const struct admin_view authz_views[] = {
	{ "show", NULL, print_authz },
	{ NULL, NULL, NULL },
};

int
authz_command(int argc, char **argv)
{
	return admin_main(authz_views, argc, argv);
}

static const struct admin_view try_views[] = {
	{ "", "PERSPECTIVE      OUTCOME  PROBLEM               TIME   WHAT IT SAW", print_vote },
	{ NULL, NULL, NULL },
};

int
try_command(int argc, char **argv)
{
	return admin_main(try_views, argc, argv);
}
