#include "x509/constraints.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"

#define SUBTREES_MAX 1000 /* of one chain; the order's names are at most a hundred */

struct subtree {
	int certificate; /* in the chain, from 0 */
	bool excluded;
	enum identifier_type type;
	char dns[IDENTIFIER_VALUE_SIZE + 1]; /* lower case; "" is every name */
	struct block block;
};

struct constraints {
	STACK_OF(X509) * chain; /* for their names */
	struct subtree *subtrees;
	size_t count;
};

static enum err
malformed(struct reason *reason, int certificate, const char *text)
{
	reason_set(reason, "the name constraints of certificate %d in the chain %s (RFC 5280, 4.2.1.10)", certificate + 1,
	    text);
	return ERR_MALFORMED;
}

static bool
dns_read(const ASN1_STRING *base, struct subtree *out)
{
	int len = ASN1_STRING_length(base);
	const uint8_t *text = ASN1_STRING_get0_data(base);

	if (len < 0 || (size_t)len >= sizeof(out->dns))
		return false;
	for (int i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~' || text[i] == '*')
			return false;
		out->dns[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
	}
	out->dns[len] = '\0';
	return true;
}

/* An address and a mask, which must be a prefix (RFC 4632). */
static bool
ip_read(const ASN1_STRING *base, struct subtree *out)
{
	size_t size = (size_t)ASN1_STRING_length(base) / 2;
	const uint8_t *bytes = ASN1_STRING_get0_data(base), *mask = bytes + size;
	unsigned bits = 0;

	if (ASN1_STRING_length(base) != 8 && ASN1_STRING_length(base) != 32)
		return false;
	while (bits < 8 * size && mask[bits / 8] & 0x80u >> bits % 8)
		bits++;
	for (unsigned i = bits; i < 8 * size; i++)
		if (mask[i / 8] & 0x80u >> i % 8)
			return false;
	out->block.address = address_of(size == 4 ? AF_INET : AF_INET6, bytes);
	out->block.bits = bits;
	return true;
}

static enum err
subtree_read(struct constraints *all, int certificate, bool excluded, const GENERAL_SUBTREE *from,
    struct reason *reason)
{
	struct subtree *out = &all->subtrees[all->count];

	if ((from->minimum != NULL && ASN1_INTEGER_get(from->minimum) != 0) || from->maximum != NULL)
		return malformed(reason, certificate, "have a minimum or a maximum");
	out->certificate = certificate;
	out->excluded = excluded;
	if (from->base->type == GEN_DNS) {
		out->type = IDENTIFIER_DNS;
		if (!dns_read(from->base->d.dNSName, out))
			return malformed(reason, certificate, "have a dNSName that is none");
	} else if (from->base->type == GEN_IPADD) {
		out->type = IDENTIFIER_IP;
		if (!ip_read(from->base->d.iPAddress, out))
			return malformed(reason, certificate, "have an iPAddress that is no address with a prefix");
	} else
		return ERR_OK; /* what we don't issue */
	all->count++;
	return ERR_OK;
}

static enum err
subtrees_read(struct constraints *all, int certificate, bool excluded, STACK_OF(GENERAL_SUBTREE) * from,
    struct reason *reason)
{
	int count = from != NULL ? sk_GENERAL_SUBTREE_num(from) : 0;
	struct subtree *more;
	enum err err = ERR_OK;

	if (count == 0)
		return ERR_OK;
	if (all->count + (size_t)count > SUBTREES_MAX)
		return malformed(reason, certificate, "are too many");
	if ((more = realloc(all->subtrees, (all->count + (size_t)count) * sizeof(*more))) == NULL)
		return ERR_MEMORY;
	all->subtrees = more;
	for (int i = 0; err == ERR_OK && i < count; i++)
		err = subtree_read(all, certificate, excluded, sk_GENERAL_SUBTREE_value(from, i), reason);
	return err;
}

static enum err
certificate_read(struct constraints *all, int certificate, struct reason *reason)
{
	int critical;
	NAME_CONSTRAINTS *from =
	    X509_get_ext_d2i(sk_X509_value(all->chain, certificate), NID_name_constraints, &critical, NULL);
	enum err err;

	if (from == NULL) {
		ERR_clear_error();
		return critical == -1 ? ERR_OK : malformed(reason, certificate, "can't be decoded");
	}
	if ((err = subtrees_read(all, certificate, false, from->permittedSubtrees, reason)) == ERR_OK)
		err = subtrees_read(all, certificate, true, from->excludedSubtrees, reason);
	NAME_CONSTRAINTS_free(from);
	return err;
}

enum err
constraints_read(STACK_OF(X509) * chain, struct constraints **out, struct reason *reason)
{
	struct constraints *all = calloc(1, sizeof(*all));
	enum err err = ERR_OK;

	*out = NULL;
	if (all == NULL || (all->chain = X509_chain_up_ref(chain)) == NULL) {
		free(all);
		return ERR_MEMORY;
	}
	for (int i = 0; err == ERR_OK && i < sk_X509_num(chain); i++)
		err = certificate_read(all, i, reason);
	if (err == ERR_OK && all->count > 0)
		*out = all;
	else
		constraints_free(all);
	return err;
}

void
constraints_free(struct constraints *constraints)
{
	if (constraints == NULL)
		return;
	sk_X509_pop_free(constraints->chain, X509_free);
	free(constraints->subtrees);
	free(constraints);
}

/* --- the question --------------------------------------------------------------------------------- */

/* Whether name is base, or has it behind a dot. A base that begins with a dot, which OpenSSL takes too, is what lies
 * below alone. */
static bool
is_within(const char *name, const char *base)
{
	size_t n = strlen(name), b = strlen(base);

	if (b == 0)
		return true;
	if (n < b || strcmp(name + n - b, base) != 0)
		return false;
	return base[0] == '.' ? n > b : n == b || name[n - b - 1] == '.';
}

/* One label before the wildcard's base is base: the wildcard stands for it. */
static bool
stands_for(const char *wildcard, const char *base)
{
	const char *rest = strchr(base, '.');

	return base[0] != '.' && rest != NULL && strcmp(rest, wildcard + 1) == 0;
}

/* For a wildcard: all that it stands for, or (excluded) any. */
static bool
matches(const struct subtree *subtree, const struct identifier *name, const struct address *address)
{
	if (subtree->type == IDENTIFIER_IP)
		return block_holds(&subtree->block, address);
	/* "*.a.test" itself lies in "a.test" and ".a.test" as a text, as all that it stands for does. */
	if (is_within(name->value, subtree->dns))
		return true;
	return subtree->excluded && identifier_is_wildcard(name) && stands_for(name->value, subtree->dns);
}

static void
subtree_text(const struct subtree *subtree, char *out, size_t size)
{
	char address[ADDRESS_TEXT_SIZE];

	if (subtree->type == IDENTIFIER_DNS) {
		snprintf(out, size, "\"%.100s\"", subtree->dns);
		return;
	}
	address_text(&subtree->block.address, address);
	snprintf(out, size, "%s/%u", address, subtree->block.bits);
}

static void
say(const struct constraints *all, const char *name, const struct subtree *subtree, struct reason *reason)
{
	char whose[80] = "", what[160];
	X509_NAME *subject = X509_get_subject_name(sk_X509_value(all->chain, subtree->certificate));

	X509_NAME_get_text_by_NID(subject, NID_commonName, whose, sizeof(whose));
	for (char *p = whose; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			*p = '?';
	subtree_text(subtree, what, sizeof(what));
	if (subtree->excluded)
		reason_set(reason, "\"%s\": the name constraints of CA certificate \"%s\" exclude %s (RFC 5280, 4.2.1.10)",
		    name, whose, what);
	else
		reason_set(reason,
		    "\"%s\" is outside what the name constraints of CA certificate \"%s\" permit, such as %s "
		    "(RFC 5280, 4.2.1.10)", name, whose, what);
}

bool
constraints_allow(const struct constraints *all, const struct identifier *name, struct reason *reason)
{
	/* For each certificate: one that permits names of this kind, until one of them permits this. */
	const struct subtree *unmet = NULL;
	struct address address = { 0 };

	if (all == NULL)
		return true;
	if (name->type == IDENTIFIER_IP && !address_parse(name->value, &address))
		abort();
	for (size_t i = 0; i < all->count; i++) {
		const struct subtree *subtree = &all->subtrees[i];
		bool match;

		if (unmet != NULL && unmet->certificate != subtree->certificate)
			break;
		if (subtree->type != name->type)
			continue;
		match = matches(subtree, name, &address);
		if (subtree->excluded && match) {
			say(all, name->value, subtree, reason);
			return false;
		}
		if (subtree->excluded)
			continue;
		if (!match && unmet == NULL)
			unmet = subtree;
		if (match) {
			/* The certificate's other permitted ones add nothing. */
			while (i + 1 < all->count && all->subtrees[i + 1].certificate == subtree->certificate &&
			       !all->subtrees[i + 1].excluded)
				i++;
			unmet = NULL;
		}
	}
	if (unmet == NULL)
		return true;
	say(all, name->value, unmet, reason);
	return false;
}

/* --- patterns --------------------------------------------------------------------------------------- */

/* What is below a name, as a subtree: a dot in front makes no difference to whether there is anything. */
static const char *
bare(const char *dns)
{
	return dns[0] == '.' ? dns + 1 : dns;
}

/* Whether all of some lies in all. */
static bool
holds_all(const struct subtree *all, const struct subtree *some)
{
	if (all->type == IDENTIFIER_DNS)
		return is_within(bare(some->dns), bare(all->dns));
	return all->block.bits <= some->block.bits && block_holds(&all->block, &some->block.address);
}

/* Who wants what is left of a pattern, and what stood in its way. */
struct search {
	const struct constraints *all;
	const struct subtree *obstacle;
};

static bool
is_excluded(struct search *search, const struct subtree *rest)
{
	for (size_t i = 0; i < search->all->count; i++) {
		const struct subtree *subtree = &search->all->subtrees[i];

		if (!subtree->excluded || subtree->type != rest->type || !holds_all(subtree, rest))
			continue;
		search->obstacle = subtree;
		return true;
	}
	return false;
}

/* Of two subtrees that overlap one holds the other, so that what is left of a pattern is a subtree again: below each
 * certificate, the part that one of its own permits. What single exclusions leave of one is never nothing, unless they
 * hold all of it. */
static bool
find_any(struct search *search, int certificate, const struct subtree *rest)
{
	const struct subtree *first = NULL;

	if (certificate == sk_X509_num(search->all->chain))
		return !is_excluded(search, rest);
	for (size_t i = 0; i < search->all->count; i++) {
		const struct subtree *subtree = &search->all->subtrees[i];

		if (subtree->certificate != certificate || subtree->excluded || subtree->type != rest->type)
			continue;
		first = first != NULL ? first : subtree;
		if (holds_all(subtree, rest) ? find_any(search, certificate + 1, rest) :
			holds_all(rest, subtree) && find_any(search, certificate + 1, subtree))
			return true;
	}
	if (first == NULL)
		return find_any(search, certificate + 1, rest);
	if (search->obstacle == NULL)
		search->obstacle = first;
	return false;
}

bool
constraints_allow_any(const struct constraints *all, const char *pattern, struct reason *reason)
{
	struct subtree wanted = { .type = IDENTIFIER_DNS };
	struct search search = { .all = all };
	struct identifier name;

	if (all == NULL)
		return true;
	if (block_parse(pattern, &wanted.block))
		wanted.type = IDENTIFIER_IP;
	else if (strcmp(pattern, "*") == 0 || strncmp(pattern, "*.", 2) == 0)
		snprintf(wanted.dns, sizeof(wanted.dns), "%s", pattern[1] == '.' ? pattern + 2 : "");
	else
		return identifier_check(IDENTIFIER_DNS, pattern, &name, reason) == ERR_OK && constraints_allow(all, &name, reason);
	if (find_any(&search, 0, &wanted))
		return true;
	say(all, pattern, search.obstacle, reason);
	return false;
}
