#include "ra/layers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ra/request.h"

/* Cuts lines where they end, in place. False: out of memory. */
static bool
split(char *lines, struct strings *out)
{
	size_t count = 1;
	char *rest = lines;

	if (lines == NULL || lines[0] == '\0')
		return true;
	for (const char *at = lines; (at = strchr(at, '\n')) != NULL; at++)
		count++;
	if ((out->items = calloc(count, sizeof(*out->items))) == NULL)
		return false;
	while (out->count < count)
		out->items[out->count++] = strsep(&rest, "\n");
	return true;
}

enum err
layer_make(struct layer *out, enum policy_source source, struct id id, struct bounds *bounds)
{
	char text[ID_TEXT_SIZE];

	id_text(id, text);
	*out = (struct layer){ .bounds = *bounds };
	*bounds = (struct bounds){ .names = NULL };
	snprintf(out->key, sizeof(out->key), "%s %s",
	    source == POLICY_EXTERNAL_KEY ? "external key" : "policy of account", text);
	out->rules = (struct policy_rules){ .source = source, .key = out->key, .open = true,
		.wildcards = !out->bounds.no_wildcards, .names = out->bounds.max_names };
	return split(out->bounds.names, &out->rules.allow) && split(out->bounds.deny, &out->rules.deny) &&
		split(out->bounds.profiles, &out->rules.profiles) ? ERR_OK : ERR_MEMORY;
}

void
layer_free(struct layer *layer)
{
	free(layer->rules.allow.items);
	free(layer->rules.deny.items);
	free(layer->rules.profiles.items);
	bounds_free(&layer->bounds);
	*layer = (struct layer){ .rules = { .key = NULL } };
}

/* A key that made an account is never deleted: without it nobody would know what the account may have. */
static enum err
read_external(struct storage_tx *tx, struct id id, struct layer *out)
{
	struct external_key key;
	enum err err;

	if (id_is_zero(id))
		return ERR_OK;
	if ((err = external_key_get(tx, id, &key)) != ERR_OK)
		return err;
	err = layer_make(out, POLICY_EXTERNAL_KEY, id, &key.bounds);
	external_key_free(&key);
	return err;
}

static enum err
read_account(struct storage_tx *tx, struct id id, struct layer *out)
{
	struct bounds bounds;
	enum err err;

	if (id_is_zero(id))
		return ERR_OK;
	if ((err = account_bounds_get(tx, id, &bounds)) == ERR_NOT_FOUND)
		return ERR_OK;
	return err != ERR_OK ? err : layer_make(out, POLICY_ACCOUNT, id, &bounds);
}

enum err
layers_read(const struct ra *ra, struct storage_tx *tx, struct id account, struct id external_key,
    struct layers *out)
{
	enum err err;

	*out = (struct layers){ .policy = { .ra = &ra->config->ra, .ca = &ra->config->ca, .issuers = &ra->issuers } };
	if ((err = read_external(tx, external_key, &out->external)) == ERR_OK)
		err = read_account(tx, account, &out->account);
	if (out->external.rules.key != NULL)
		out->policy.external = &out->external.rules;
	if (out->account.rules.key != NULL)
		out->policy.account = &out->account.rules;
	return err == ERR_NOT_FOUND ? ERR_IO : err;
}

bool
layers_load(struct request *request, struct layers *out)
{
	struct storage_tx *tx = request_tx(request);
	enum err err;

	*out = (struct layers){ .policy = { .ra = NULL } };
	if (tx == NULL)
		return false;
	err = layers_read(request->ra, tx, request->account.id, request->account.external_key, out);
	return err == ERR_OK || request_broken(request, "layers_read", err);
}

void
layers_free(struct layers *layers)
{
	layer_free(&layers->external);
	layer_free(&layers->account);
}
