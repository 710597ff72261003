/* The file of a perspective on another machine: what is its own, and what it has to have in common with the server. */
#include <string.h>

#include "config/options.h"
#include "config/yaml_put.h"

static void
text_put(struct buf *out, const char *key, const char *text)
{
	buf_printf(out, "%s: ", key);
	yaml_put_text(out, text);
	buf_put_str(out, "\n");
}

static void
list_put(struct buf *out, const char *key, const struct strings *list)
{
	buf_printf(out, "%s: ", key);
	yaml_put_list(out, list);
	buf_put_str(out, "\n");
}

static const char *
name_of(const char *key, unsigned value)
{
	return option_find(key)->names[value];
}

static void
keys_put(const struct perspective_sample *s, struct buf *out)
{
	char *listen[] = { (char *)(uintptr_t)s->listen };

	buf_put_str(out, "perspective:\n");
	text_put(out, "  name", s->name);
	list_put(out, "  listen", &(struct strings){ listen, 1 });
	text_put(out, "  tls_key", s->tls_key);
	text_put(out, "  evidence_key", s->evidence_key);
	text_put(out, "  primary_key", s->primary_key);
}

/* A default of deny may stand in allow too; written out, that would be a contradiction. */
static void
denied_put(const struct va_config *va, struct buf *out)
{
	const char *between = "";

	buf_put_str(out, "    deny: [");
	for (size_t i = 0; i < va->deny.count; i++) {
		bool allowed = false;

		for (size_t j = 0; j < va->allow.count; j++)
			allowed = allowed || strcmp(va->deny.items[i], va->allow.items[j]) == 0;
		if (allowed)
			continue;
		buf_put_str(out, between);
		yaml_put_text(out, va->deny.items[i]);
		between = ", ";
	}
	buf_put_str(out, "]\n");
}

static void
common_put(const struct config *config, struct buf *out)
{
	const struct va_config *va = &config->va;
	char timeout[32];

	duration_text(va->timeout * 1000, timeout, sizeof(timeout));
	buf_put_str(out, "\n# As the server's. When it changes there, change it here.\n");
	buf_printf(out, "preset: %s\nra:\n", name_of("preset", config->preset));
	list_put(out, "  caa_identities", &config->ra.caa_identities);
	buf_printf(out, "  dns_persist:\n    form: %s\n", name_of("ra.dns_persist.form", config->ra.persist_form));
	list_put(out, "    issuer_domain_names", &config->ra.issuer_domain_names);
	text_put(out, "    account_hash_prefix", config->ra.account_hash_prefix);
	buf_printf(out, "va:\n  http_port: %lld\n  tls_port: %lld\n  timeout: %s\n  caa: %s\n  targets:\n",
	    (long long)va->http_port, (long long)va->tls_port, timeout, name_of("va.caa", va->caa));
	denied_put(va, out);
	list_put(out, "    allow", &va->allow);
	list_put(out, "    nat64", &va->nat64);
}

void
config_perspective_sample(const struct config *config, const struct perspective_sample *s, struct buf *out)
{
	buf_printf(out, "# The perspective %s. Secret: whoever has this file can speak for it.\n"
	    "# Take it to its machine, and run there: signet va --config %s.yaml\n", s->name, s->name);
	keys_put(s, out);
	common_put(config, out);
	buf_put_str(out, "\n  # Its own resolvers: another point of view is the purpose.\n  resolvers: [system]\n");
}
