/* charges.c: which buckets a request takes from. A bucket's name is the limit's, a colon, and the subject:
 *
 *   accounts_per_address:192.0.2.7          certificates_per_domain:example.org
 *   accounts_per_network:2001:db8::/48      certificates_per_set:0f3c... (the hash of the names)
 *   orders_per_account:ACCOUNT              failures:ACCOUNT/nas.example.org
 *
 * Where an account has a rate of its own, its account and a slash come before the subject. */
#include <libpsl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "ra/limits.h"

void
charges_free(struct charges *charges)
{
	free(charges->buckets);
	free(charges->notes);
	*charges = (struct charges){ .count = 0 };
}

/* --- what is counted together --------------------------------------------------------------------- */

static void
network_text(const struct address *address, unsigned bits, char *out, size_t size)
{
	struct address base = *address;
	char text[ADDRESS_TEXT_SIZE];

	memset(base.bytes + bits / 8, 0, sizeof(base.bytes) - bits / 8);
	address_text(&base, text);
	snprintf(out, size, "%s/%u", text, bits);
}

void
limits_domain(const struct identifier *identifier, char out[LIMIT_SUBJECT_SIZE])
{
	struct identifier base = identifier_base(identifier);
	struct address address;
	const char *domain;

	if (identifier->type == IDENTIFIER_IP) {
		if (address_parse(base.value, &address) && address.family == AF_INET6)
			network_text(&address, 64, out, LIMIT_SUBJECT_SIZE);
		else
			snprintf(out, LIMIT_SUBJECT_SIZE, "%s", base.value);
		return;
	}
	/* A public suffix has none: then it is the name itself. */
	domain = psl_registrable_domain(psl_builtin(), base.value);
	snprintf(out, LIMIT_SUBJECT_SIZE, "%s", domain != NULL ? domain : base.value);
}

void
limits_set_hash(const struct identifier *identifiers, size_t count, uint8_t out[NAME_SET_HASH_SIZE])
{
	struct identifier *sorted = calloc(count, sizeof(*sorted));
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct buf text = { 0 };

	if (sorted == NULL)
		abort();
	memcpy(sorted, identifiers, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), identifier_compare);
	for (size_t i = 0; i < count; i++)
		buf_printf(&text, "%s:%s\n", identifier_type_name(sorted[i].type), sorted[i].value);
	if (text.failed)
		abort();
	SHA256(text.data, text.len, digest);
	memcpy(out, digest, NAME_SET_HASH_SIZE);
	buf_free(&text);
	free(sorted);
}

static void
set_text(const struct identifier *identifiers, size_t count, char out[2 * NAME_SET_HASH_SIZE + 1])
{
	uint8_t hash[NAME_SET_HASH_SIZE];

	limits_set_hash(identifiers, count, hash);
	for (size_t i = 0; i < NAME_SET_HASH_SIZE; i++)
		snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

/* --- adding ---------------------------------------------------------------------------------------- */

static bool
grow(struct charges *out)
{
	struct bucket *buckets = realloc(out->buckets, (out->count + 1) * sizeof(*buckets));
	struct charge *notes;

	if (buckets == NULL)
		return false;
	out->buckets = buckets;
	if ((notes = realloc(out->notes, (out->count + 1) * sizeof(*notes))) == NULL)
		return false;
	out->notes = notes;
	return true;
}

static bool
is_there(const struct charges *charges, const char *name)
{
	for (size_t i = 0; i < charges->count; i++)
		if (strcmp(charges->buckets[i].name, name) == 0)
			return true;
	return false;
}

/* whose: what an override for it would be called. */
static void
add(struct limits *limits, struct charges *out, const struct charge *note, const struct id *account,
    const char *whose, bool look)
{
	struct limit_rate rate = limits_rate(limits, note->limit, account, whose);
	struct bucket bucket = { .count = rate.count, .period = rate.period, .look = look };
	char own[ID_TEXT_SIZE + 1] = "";

	if (rate.count == 0)
		return;
	if (rate.own && note->limit != LIMIT_ORDERS_PER_ACCOUNT && note->limit != LIMIT_FAILURES) {
		id_text(*account, own);
		strcat(own, "/");
	}
	snprintf(bucket.name, sizeof(bucket.name), "%s:%s%s", limit_name(note->limit), own, note->subject);
	if (is_there(out, bucket.name))
		return;
	if (!grow(out)) {
		out->failed = true;
		return;
	}
	out->buckets[out->count] = bucket;
	out->notes[out->count++] = *note;
}

void
charges_account(struct limits *limits, const char *remote, struct charges *out)
{
	struct charge note = { .limit = LIMIT_ACCOUNTS_PER_ADDRESS };
	struct address address;

	if (!address_parse(remote, &address))
		return;
	address_text(&address, note.subject);
	add(limits, out, &note, NULL, note.subject, false);
	if (address.family != AF_INET6)
		return;
	note.limit = LIMIT_ACCOUNTS_PER_NETWORK;
	network_text(&address, 48, note.subject, sizeof(note.subject));
	add(limits, out, &note, NULL, note.subject, false);
}

unsigned
charges_of(const struct order *order, bool renewal)
{
	if (order->replaces != NULL)
		return 0;
	return renewal ? CHARGED_SET : CHARGED_SET | CHARGED_DOMAINS;
}

void
charges_certificate(struct limits *limits, const struct order *order, unsigned which, bool look, struct charges *out)
{
	struct charge note = { .limit = LIMIT_CERTIFICATES_PER_DOMAIN };

	for (size_t i = 0; (which & CHARGED_DOMAINS) != 0 && i < order->identifier_count; i++) {
		note.identifier = order->identifiers[i];
		limits_domain(&note.identifier, note.subject);
		add(limits, out, &note, &order->account, note.subject, look);
	}
	if ((which & CHARGED_SET) == 0)
		return;
	note = (struct charge){ .limit = LIMIT_CERTIFICATES_PER_SET };
	set_text(order->identifiers, order->identifier_count, note.subject);
	add(limits, out, &note, &order->account, note.subject, look);
}

void
charges_failure(struct limits *limits, struct id account, const struct identifier *identifier, bool look,
    struct charges *out)
{
	struct charge note = { .limit = LIMIT_FAILURES, .identifier = *identifier };
	struct identifier base = identifier_base(identifier);
	char text[ID_TEXT_SIZE];

	id_text(account, text);
	snprintf(note.subject, sizeof(note.subject), "%s/%s", text, base.value);
	add(limits, out, &note, &account, base.value, look);
}

static void
charge_account(struct limits *limits, struct id account, struct charges *out)
{
	struct charge note = { .limit = LIMIT_ORDERS_PER_ACCOUNT };

	id_text(account, note.subject);
	add(limits, out, &note, &account, note.subject, false);
}

void
charges_authorization(struct limits *limits, struct id account, const struct identifier *identifier,
    struct charges *out)
{
	charge_account(limits, account, out);
	charges_failure(limits, account, identifier, true, out);
}

void
charges_order(struct limits *limits, const struct order *order, bool renewal, struct charges *out)
{
	if (order->replaces == NULL && !renewal)
		charge_account(limits, order->account, out);
	charges_certificate(limits, order, charges_of(order, renewal), true, out);
	for (size_t i = 0; i < order->identifier_count; i++)
		charges_failure(limits, order->account, &order->identifiers[i], true, out);
}

/* --- names of buckets ------------------------------------------------------------------------------ */

/* "b.lan,a.lan" as the set that it is. */
static bool
set_of(const char *names, char out[2 * NAME_SET_HASH_SIZE + 1])
{
	struct identifier list[IDENTIFIERS_MAX];
	char *copy = strdup(names), *rest = copy, *name;
	struct address address;
	size_t count = 0;
	bool good = copy != NULL;

	while (good && (name = strsep(&rest, ",")) != NULL) {
		good = count < IDENTIFIERS_MAX &&
		    identifier_check(address_parse(name, &address) ? IDENTIFIER_IP : IDENTIFIER_DNS, name,
			&list[count], NULL) == ERR_OK;
		count++;
	}
	free(copy);
	if (good)
		set_text(list, count, out);
	return good;
}

bool
limits_bucket_name(enum limit limit, const struct id *account, const char *subject, char out[BUCKET_NAME_SIZE])
{
	char hash[2 * NAME_SET_HASH_SIZE + 1], own[ID_TEXT_SIZE] = "";

	if (limit == LIMIT_CERTIFICATES_PER_SET && strspn(subject, "0123456789abcdef") != 2 * NAME_SET_HASH_SIZE) {
		if (!set_of(subject, hash))
			return false;
		subject = hash;
	}
	if (account != NULL)
		id_text(*account, own);
	return (size_t)snprintf(out, BUCKET_NAME_SIZE, "%s:%s%s%s", limit_name(limit), own, account != NULL ? "/" : "",
		   subject) < BUCKET_NAME_SIZE;
}

bool
limits_bucket_read(const char *name, enum limit *limit, struct id *account, const char **subject)
{
	const char *colon = strchr(name, ':');
	char text[LIMIT_NAME_SIZE];

	*account = (struct id){ { 0 } };
	if (colon == NULL || (size_t)(colon - name) >= sizeof(text))
		return false;
	memcpy(text, name, (size_t)(colon - name));
	text[colon - name] = '\0';
	if (!limit_by_name(text, limit))
		return false;
	*subject = colon + 1;
	if (strlen(*subject) > ID_TEXT_SIZE && (*subject)[ID_TEXT_SIZE - 1] == '/' &&
	    id_parse(*subject, ID_TEXT_SIZE - 1, account) && *limit != LIMIT_FAILURES)
		*subject += ID_TEXT_SIZE;
	if (*limit == LIMIT_ORDERS_PER_ACCOUNT || *limit == LIMIT_FAILURES)
		(void)id_parse(*subject, ID_TEXT_SIZE - 1, account);
	return true;
}

/* --- in the writer's thread ------------------------------------------------------------------------ */

enum err
limits_give_back(struct storage_tx *tx, struct limits *limits, struct id id, int64_t now_ms)
{
	struct charges charges = { .count = 0 };
	struct order order;
	unsigned which;
	enum err err = order_charged(tx, id, &which);

	if (err != ERR_OK || which == 0)
		return err;
	if ((err = order_get(tx, id, &order)) != ERR_OK)
		return err;
	charges_certificate(limits, &order, which, false, &charges);
	err = charges.failed ? ERR_MEMORY : buckets_give_back(tx, charges.buckets, charges.count, now_ms);
	charges_free(&charges);
	order_free(&order);
	return err;
}

enum err
limits_issued(struct storage_tx *tx, struct limits *limits, const struct order *order, int64_t not_after)
{
	uint8_t hash[NAME_SET_HASH_SIZE];

	if (!limits_active(limits))
		return ERR_OK;
	limits_set_hash(order->identifiers, order->identifier_count, hash);
	return name_set_put(tx, slice_of(hash, sizeof(hash)), not_after);
}

enum err
limits_validated(struct storage_tx *tx, struct limits *limits, struct id id)
{
	struct authorization authorization;
	enum err err;

	if (!limits_active(limits))
		return ERR_OK;
	if ((err = authorization_get(tx, id, &authorization)) != ERR_OK)
		return err;
	err = pause_end(tx, authorization.account, &authorization.identifier);
	authorization_free(&authorization);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err
count_failure(struct storage_tx *tx, struct limits *limits, const struct authorization *authorization, int64_t now_ms,
    bool *paused)
{
	int64_t most = limits_rate(limits, LIMIT_PAUSE_AFTER, &authorization->account, authorization->identifier.value)
			   .count;

	if (most == 0)
		return ERR_OK;
	return pause_count(tx, authorization->account, &authorization->identifier, most, now_ms / 1000, paused);
}

enum err
limits_failed(struct storage_tx *tx, struct limits *limits, struct id id, int64_t now_ms, bool *paused)
{
	struct charges charges = { .count = 0 };
	struct authorization authorization;
	enum err err;

	*paused = false;
	if (!limits_active(limits))
		return ERR_OK;
	if ((err = authorization_get(tx, id, &authorization)) != ERR_OK)
		return err;
	charges_failure(limits, authorization.account, &authorization.identifier, false, &charges);
	err = charges.failed ? ERR_MEMORY : buckets_drain(tx, charges.buckets, charges.count, now_ms);
	if (err == ERR_OK)
		err = count_failure(tx, limits, &authorization, now_ms, paused);
	charges_free(&charges);
	authorization_free(&authorization);
	return err;
}
