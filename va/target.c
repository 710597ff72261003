#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "va/target.h"

struct rule {
	char *name; /* as configured, or the set's name */
	struct block block;
};

struct rules {
	struct rule *items;
	size_t count;
};

struct targets {
	struct rules allow, deny, nat64;
	bool self; /* denied, also where it has come up since */
	targets_own *own;
	void *own_arg;
};

/* The named sets, and the one that is always denied. */
static const struct {
	const char *name, *block;
} sets[] = {
	{ "loopback", "127.0.0.0/8" }, { "loopback", "::1/128" }, { "link-local", "169.254.0.0/16" },
	{ "link-local", "fe80::/10" },
	{ "metadata", "169.254.169.254/32" }, /* AWS, Azure, Google, and most others */
	{ "metadata", "169.254.170.2/32" }, /* AWS ECS: task credentials */
	{ "metadata", "100.100.100.200/32" }, /* Alibaba */
	{ "metadata", "168.63.129.16/32" }, /* Azure: host agent */
	{ "metadata", "192.0.0.192/32" }, /* Oracle */
	{ "metadata", "fd00:ec2::254/128" }, /* AWS */
	{ "metadata", "fd20:ce::254/128" }, /* Google */
	{ "private", "10.0.0.0/8" }, /* RFC 1918 */
	{ "private", "172.16.0.0/12" }, { "private", "192.168.0.0/16" },
	{ "private", "100.64.0.0/10" }, /* RFC 6598 */
	{ "private", "fc00::/7" }, /* RFC 4193 */
	{ "private", "fec0::/10" }, /* RFC 3879 */
	{ "unspecified", "0.0.0.0/8" }, /* RFC 1122, 3.2.1.3: this network */
	{ "unspecified", "::/128" }, { "multicast", "224.0.0.0/4" }, { "multicast", "ff00::/8" },
	{ "broadcast", "255.255.255.255/32" }, { "reserved", "240.0.0.0/4" }, /* RFC 1112, 4 */
};

#define SELF "self: this machine's own address"

static const char *const always[] = { "unspecified", "multicast", "broadcast", "reserved" };

static bool
rules_add(struct rules *rules, const char *name, const struct block *block)
{
	struct rule *grown = reallocarray(rules->items, rules->count + 1, sizeof(*grown));

	if (grown == NULL)
		return false;
	rules->items = grown;
	grown[rules->count].block = *block;
	if ((grown[rules->count].name = strdup(name)) == NULL)
		return false;
	rules->count++;
	return true;
}

static bool
rules_add_self(struct rules *rules, const struct address *self, size_t count)
{
	struct block block;
	size_t i;

	for (i = 0; i < count; i++) {
		block.address = self[i];
		block.bits = self[i].family == AF_INET ? 32 : 128;
		if (!rules_add(rules, SELF, &block))
			return false;
	}
	return true;
}

/* Adds one word of the configuration. */
static enum err
rules_add_word(struct rules *rules, const char *word, const struct address *self, size_t count)
{
	struct block block;
	bool known = false;
	size_t i;

	if (strcmp(word, "self") == 0)
		return rules_add_self(rules, self, count) ? ERR_OK : ERR_MEMORY;
	for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		if (strcmp(word, sets[i].name) != 0)
			continue;
		known = true;
		if (!block_parse(sets[i].block, &block))
			abort();
		if (!rules_add(rules, word, &block))
			return ERR_MEMORY;
	}
	if (known)
		return ERR_OK;
	if (!block_parse(word, &block))
		return ERR_CONFIG;
	return rules_add(rules, word, &block) ? ERR_OK : ERR_MEMORY;
}

static enum err
rules_add_words(struct rules *rules, const struct strings *words, const struct address *self, size_t count,
    struct reason *reason)
{
	enum err err = ERR_OK;
	size_t i;

	for (i = 0; i < words->count && err == ERR_OK; i++) {
		err = rules_add_word(rules, words->items[i], self, count);
		if (err != ERR_OK)
			reason_set(reason,
			    "va.targets: \"%s\" is neither a CIDR block nor one of loopback, link-local, "
			    "metadata, self, private (%s)",
			    words->items[i], err_text(err));
	}
	return err;
}

static bool
has_word(const struct strings *words, const char *word)
{
	for (size_t i = 0; i < words->count; i++)
		if (strcmp(words->items[i], word) == 0)
			return true;
	return false;
}

struct targets *
targets_new(const struct va_config *config, const struct address *self, size_t count, struct reason *reason)
{
	struct targets *targets = calloc(1, sizeof(*targets));
	enum err err = ERR_MEMORY;
	size_t i;

	if (targets == NULL)
		goto out;
	targets->self = has_word(&config->deny, "self") && !has_word(&config->allow, "self");
	if ((err = rules_add_words(&targets->allow, &config->allow, self, count, reason)) != ERR_OK ||
	    (err = rules_add_words(&targets->deny, &config->deny, self, count, reason)) != ERR_OK ||
	    (err = rules_add_words(&targets->nat64, &config->nat64, self, 0, reason)) != ERR_OK)
		goto out;
	for (i = 0; i < sizeof(always) / sizeof(always[0]) && err == ERR_OK; i++)
		err = rules_add_word(&targets->deny, always[i], NULL, 0);
out:
	if (err == ERR_OK)
		return targets;
	if (err == ERR_MEMORY)
		reason_set(reason, "out of memory");
	targets_free(targets);
	return NULL;
}

void
targets_watch(struct targets *targets, targets_own *own, void *arg)
{
	targets->own = own;
	targets->own_arg = arg;
}

static void
rules_free(struct rules *rules)
{
	size_t i;

	for (i = 0; i < rules->count; i++)
		free(rules->items[i].name);
	free(rules->items);
}

void
targets_free(struct targets *targets)
{
	if (targets == NULL)
		return;
	rules_free(&targets->allow);
	rules_free(&targets->deny);
	rules_free(&targets->nat64);
	free(targets);
}

static const struct rule *
rules_find(const struct rules *rules, const struct address *address)
{
	size_t i;

	for (i = 0; i < rules->count; i++)
		if (block_holds(&rules->items[i].block, address))
			return &rules->items[i];
	return NULL;
}

#define INSIDE_MAX 16

/* IPv4 addresses that an IPv6 one leads to. */
struct inside {
	struct address found[INSIDE_MAX];
	size_t count;
};

static void
inside_add(struct inside *in, const uint8_t bytes[4])
{
	if (in->count < INSIDE_MAX)
		in->found[in->count++] = address_of(AF_INET, bytes);
}

/* RFC 6052, 2.2: behind the prefix, but around bits 64 to 71. */
static void
inside_nat64(struct inside *in, const struct address *a, unsigned prefix)
{
	uint8_t bytes[4];
	size_t at = prefix / 8;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		if (at == 8)
			at++;
		bytes[i] = a->bytes[at++];
	}
	inside_add(in, bytes);
}

/* RFC 8215: a translator's prefix is this block or a part of it, and the configuration doesn't say which: whatever it
 * may be. What a longer prefix leaves zero is read as 0.0.0.0/8, which leads nowhere. */
static void
inside_local_nat64(struct inside *in, const struct address *a)
{
	static const unsigned prefixes[] = { 48, 56, 64, 96 };
	struct inside all = { .count = 0 };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		inside_nat64(&all, a, prefixes[i]);
		if (all.found[i].bytes[0] != 0)
			inside_add(in, all.found[i].bytes);
	}
}

/* The configured prefixes, and what stands for translators everywhere. */
static void
inside_translated(struct inside *in, const struct rules *nat64, const struct address *a)
{
	static const char well_known[] = "64:ff9b::/96", local_use[] = "64:ff9b:1::/48"; /* RFC 6052, 2.1; RFC 8215 */
	struct block block;
	size_t before = in->count;

	for (size_t i = 0; i < nat64->count; i++)
		if (block_holds(&nat64->items[i].block, a))
			inside_nat64(in, a, nat64->items[i].block.bits);
	if (!block_parse(well_known, &block))
		abort();
	if (block_holds(&block, a))
		inside_nat64(in, a, block.bits);
	if (!block_parse(local_use, &block))
		abort();
	if (in->count == before && block_holds(&block, a))
		inside_local_nat64(in, a);
}

static void
inside_find(struct inside *in, const struct rules *nat64, const struct address *a)
{
	static const struct {
		const char *block;
		size_t at;
		uint8_t mask;
	} forms[] = {
		{ "::ffff:0:0/96", 12, 0 }, /* RFC 4291, 2.5.5.2: mapped */
		{ "::ffff:0:0:0/96", 12, 0 }, /* RFC 2765, 2.1: translated */
		{ "2002::/16", 2, 0 }, /* RFC 3056: 6to4 */
		{ "2001::/32", 12, 0xff }, /* RFC 4380, 4: Teredo, the client's address inverted */
		{ "::/96", 12, 0 }, /* RFC 4291, 2.5.5.1: compatible */
	};
	static const uint8_t bytes0[15];
	struct block block;
	uint8_t bytes[4];
	size_t i, j;

	in->count = 0;
	/* :: and ::1 lie in ::/96 and carry nothing (RFC 4291, 2.5.2 and 2.5.3). */
	if (a->family != AF_INET6 || (memcmp(a->bytes, bytes0, sizeof(bytes0)) == 0 && a->bytes[15] <= 1))
		return;
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (!block_parse(forms[i].block, &block))
			abort();
		if (!block_holds(&block, a))
			continue;
		for (j = 0; j < sizeof(bytes); j++)
			bytes[j] = a->bytes[forms[i].at + j] ^ forms[i].mask;
		inside_add(in, bytes);
	}
	inside_translated(in, nat64, a);
}

static bool
is_loopback(const struct address *address)
{
	struct block block;

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		if (strcmp(sets[i].name, "loopback") == 0 && block_parse(sets[i].block, &block) && block_holds(&block, address))
			return true;
	return false;
}

/* One address, whatever it carries. */
static bool
targets_permit(const struct targets *t, const struct address *address, struct denial *why)
{
	const struct rule *denied;

	*why = (struct denial){ "", *address };
	if (rules_find(&t->allow, address) != NULL)
		return true;
	if ((denied = rules_find(&t->deny, address)) != NULL)
		why->rule = denied->name;
	else if (t->self && t->own != NULL && !is_loopback(address) && t->own(t->own_arg, address))
		why->rule = SELF;
	return why->rule[0] == '\0';
}

bool
targets_allow(const struct targets *targets, const struct address *address, struct denial *why)
{
	struct inside in;

	if (!targets_permit(targets, address, why))
		return false;
	inside_find(&in, &targets->nat64, address);
	for (size_t i = 0; i < in.count; i++)
		if (!targets_permit(targets, &in.found[i], why))
			return false;
	return true;
}

bool
targets_list(const struct targets *targets, const struct address *address)
{
	return rules_find(&targets->allow, address) != NULL;
}

size_t
targets_self(struct address out[SELF_MAX])
{
	struct ifaddrs *all, *i;
	size_t count = 0;

	if (getifaddrs(&all) != 0)
		return 0;
	for (i = all; i != NULL && count < SELF_MAX; i = i->ifa_next)
		if (i->ifa_addr != NULL && (i->ifa_flags & IFF_LOOPBACK) == 0 &&
		    address_from_sockaddr(i->ifa_addr, &out[count]))
			count++;
	freeifaddrs(all);
	return count;
}

/* Its host, when it is an address and not all of them. */
static size_t
listener_add(const char *text, struct address out[SELF_MAX], size_t count)
{
	char host[ADDRESS_TEXT_SIZE];
	struct address address;
	uint16_t port;
	static const uint8_t zeros[16];

	if (text == NULL || count == SELF_MAX || !config_listen_address(text, host, sizeof(host), &port) ||
	    !address_parse(host, &address) || memcmp(address.bytes, zeros, address_size(&address)) == 0)
		return count;
	out[count] = address;
	return count + 1;
}

size_t
targets_listeners(const struct config *config, struct address out[SELF_MAX], size_t count)
{
	const struct strings *lists[] = { &config->wfe.listen, &config->wfe.plain_listen, &config->wfe.management_listen,
		&config->perspective.listen };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (size_t j = 0; j < lists[i]->count; j++)
			count = listener_add(lists[i]->items[j], out, count);
	return listener_add(config->wfe.metrics_listen, out, count);
}
