#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "lib/clock.h"
#include "ra/limits.h"
#include "ra/ra.h"

#define PAGE 100

static enum limit
kind_of(const struct admin_value *value)
{
	enum limit kind = LIMIT_COUNT;

	if (value->given && !limit_by_name(value->text, &kind))
		abort();	/* ipc/admin.c has the names of limits.c */
	return kind;
}

/* --- rates ----------------------------------------------------------------------------------------- */

/* "50/7d", "none", or a number. */
static void
rate_text(int64_t count, int64_t period, char *out, size_t size)
{
	const char *unit = period % 86400 == 0 ? "d" : period % 3600 == 0 ? "h" : period % 60 == 0 ? "m" : "s";
	int64_t seconds = *unit == 'd' ? 86400 : *unit == 'h' ? 3600 : *unit == 'm' ? 60 : 1;

	if (count == 0)
		snprintf(out, size, "none");
	else if (period == 0)
		snprintf(out, size, "%lld", (long long)count);
	else
		snprintf(out, size, "%lld/%lld%s", (long long)count, (long long)(period / seconds), unit);
}

void
admin_limit_rates(struct admin_call *call)
{
	struct limit_override *list = NULL;
	struct storage_tx *tx;
	size_t count = 0;
	char text[64];
	enum err err;

	for (enum limit i = 0; i < LIMIT_COUNT; i++) {
		struct limit_rate rate = limits_rate(call->ra->limits, i, NULL, "");

		rate_text(rate.count, rate.period, text, sizeof(text));
		admin_row(call, json_pack("{s:s, s:s}", "limit", limit_name(i), "rate", text));
	}
	if ((err = storage_read(call->ra->storage, &tx)) == ERR_OK) {
		err = limit_overrides(tx, 10 * PAGE, &list, &count);	/* more are no list for people */
		storage_read_end(tx);
	}
	if (err != ERR_OK)
		admin_broken(call, "limit_overrides", err);
	for (size_t i = 0; i < count; i++) {
		rate_text(list[i].count, list[i].period, text, sizeof(text));
		admin_row(call, json_pack("{s:s, s:s, s:s}", "limit", list[i].limit, "rate", text, "subject",
		    list[i].subject));
	}
	free(list);
}

/* --- what is spent --------------------------------------------------------------------------------- */

static void
show_bucket(struct admin_call *call, const struct bucket_row *row, int64_t now_ms)
{
	const struct admin_value *account = admin_value(call->request, "account");
	enum limit kind, wanted = kind_of(admin_value(call->request, "kind"));
	char full[CLOCK_RFC3339_SIZE], id[ID_TEXT_SIZE];
	struct bucket bucket = { .count = 0 };
	struct limit_rate rate;
	const char *subject;
	struct id owner;
	json_t *json;

	if (!limits_bucket_read(row->name, &kind, &owner, &subject) || (wanted != LIMIT_COUNT && kind != wanted) ||
	    (account->given && !id_eq(account->id, owner)))
		return;
	rate = limits_rate(call->ra->limits, kind, id_is_zero(owner) ? NULL : &owner,
	    kind == LIMIT_FAILURES && strchr(subject, '/') != NULL ? strchr(subject, '/') + 1 : subject);
	bucket.count = rate.count;
	bucket.period = rate.period;
	if (row->time <= now_ms * 1000 || rate.count == 0)
		return;		/* full again, or not limited any more */
	clock_rfc3339((row->time + 999999) / 1000000, full);
	json = json_pack("{s:s, s:s, s:I, s:I, s:s}", "limit", limit_name(kind), "subject", subject, "used",
	    (json_int_t)bucket_used(&bucket, row->time, now_ms), "of", (json_int_t)rate.count, "full", full);
	if (json != NULL && !id_is_zero(owner)) {
		id_text(owner, id);
		json_object_set_new(json, "account", json_string(id));
	}
	admin_row(call, json);
}

void
admin_limit_list(struct admin_call *call)
{
	struct bucket_row *rows = calloc(PAGE, sizeof(*rows));
	int64_t now_ms = clock_now_ms();
	struct storage_tx *tx;
	size_t count = 0;
	enum err err = rows == NULL ? ERR_MEMORY : storage_read(call->ra->storage, &tx);

	if (err == ERR_OK) {
		err = buckets_after(tx, call->bucket, rows, PAGE, &count);
		storage_read_end(tx);
	}
	if (err != ERR_OK)
		admin_broken(call, "buckets_after", err);
	for (size_t i = 0; err == ERR_OK && i < count && !admin_enough(call); i++) {
		show_bucket(call, &rows[i], now_ms);
		memcpy(call->bucket, rows[i].name, sizeof(call->bucket));
	}
	call->more = err == ERR_OK && count == PAGE && !admin_enough(call);
	free(rows);
}

static void
show_pause(struct admin_call *call, const struct pause *pause)
{
	const struct admin_value *account = admin_value(call->request, "account");
	char id[ID_TEXT_SIZE], last[CLOCK_RFC3339_SIZE], paused[CLOCK_RFC3339_SIZE];

	if (pause->paused == 0 || (account->given && !id_eq(account->id, pause->account)))
		return;
	id_text(pause->account, id);
	clock_rfc3339(pause->last, last);
	clock_rfc3339(pause->paused, paused);
	admin_row(call,
	    json_pack("{s:s, s:s, s:I, s:s, s:s}", "account", id, "name", pause->identifier.value, "failures",
		(json_int_t)pause->failures, "last", last, "paused", paused));
}

void
admin_limit_paused(struct admin_call *call)
{
	struct pause *rows = calloc(PAGE, sizeof(*rows));
	struct storage_tx *tx;
	size_t count = 0;
	enum err err = rows == NULL ? ERR_MEMORY : storage_read(call->ra->storage, &tx);

	if (err == ERR_OK) {
		err = pauses_after(tx, &call->pause, rows, PAGE, &count);
		storage_read_end(tx);
	}
	if (err != ERR_OK)
		admin_broken(call, "pauses_after", err);
	for (size_t i = 0; err == ERR_OK && i < count && !admin_enough(call); i++) {
		show_pause(call, &rows[i]);
		call->pause = rows[i];
	}
	call->more = err == ERR_OK && count == PAGE && !admin_enough(call);
	free(rows);
}

/* --- overrides ------------------------------------------------------------------------------------- */

static bool
is_account(const char *text)
{
	struct id id;

	return id_parse(text, strlen(text), &id);
}

/* "2001:db8::/48", of so many bits. */
static bool
read_network(const char *text, unsigned bits, char out[LIMIT_SUBJECT_SIZE])
{
	char address[ADDRESS_TEXT_SIZE];
	struct block block;

	if (!block_parse(text, &block) || block.bits != bits || block.address.family != AF_INET6)
		return false;
	memset(block.address.bytes + bits / 8, 0, 16 - bits / 8);
	address_text(&block.address, address);
	snprintf(out, LIMIT_SUBJECT_SIZE, "%s/%u", address, bits);
	return true;
}

/* RFC 4291, 2.5.5.2: clients and names that come by IPv4 are counted by that address. */
static bool
read_address(const char *text, char out[LIMIT_SUBJECT_SIZE])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct address address;

	if (!address_parse(text, &address))
		return false;
	if (address.family == AF_INET6 && memcmp(address.bytes, mapped, sizeof(mapped)) == 0)
		address = address_of(AF_INET, address.bytes + sizeof(mapped));
	address_text(&address, out);
	return true;
}

static bool
read_name(const char *text, struct identifier *out, struct reason *reason)
{
	char address[LIMIT_SUBJECT_SIZE];

	if (read_address(text, address))	/* in whichever form */
		return identifier_check(IDENTIFIER_IP, address, out, reason) == ERR_OK;
	return identifier_check(IDENTIFIER_DNS, text, out, reason) == ERR_OK;
}

/* As the limit writes it, or else an override would never be found. False: it has to be *wanted. */
static bool
read_subject(enum limit kind, const char *text, char out[LIMIT_SUBJECT_SIZE], const char **wanted)
{
	struct identifier name;

	if (kind == LIMIT_ACCOUNTS_PER_ADDRESS) {
		*wanted = "an address";
		return read_address(text, out);
	}
	if (kind == LIMIT_ACCOUNTS_PER_NETWORK) {
		*wanted = "a /48 of IPv6";
		return read_network(text, 48, out);
	}
	*wanted = kind == LIMIT_CERTIFICATES_PER_DOMAIN ?
	    "an account, a registered domain, an IPv4 address or a /64 of IPv6" :
	    kind == LIMIT_FAILURES || kind == LIMIT_PAUSE_AFTER ? "an account, or a name or address" : "an account";
	if (is_account(text)) {
		snprintf(out, LIMIT_SUBJECT_SIZE, "%s", text);
		return true;
	}
	if (kind == LIMIT_CERTIFICATES_PER_DOMAIN && read_network(text, 64, out))
		return true;
	if ((kind != LIMIT_CERTIFICATES_PER_DOMAIN && kind != LIMIT_FAILURES && kind != LIMIT_PAUSE_AFTER) ||
	    !read_name(text, &name, NULL) || identifier_is_wildcard(&name))
		return false;
	snprintf(out, LIMIT_SUBJECT_SIZE, "%s", name.value);
	return true;
}

/* False, and the command has failed: certificates for that name are counted by another. */
static bool
check_domain(struct admin_call *call, const char *subject)
{
	struct identifier name;
	char counted[LIMIT_SUBJECT_SIZE];

	if (is_account(subject) || !read_name(subject, &name, NULL))
		return true;
	limits_domain(&name, counted);
	if (strcmp(counted, subject) == 0)
		return true;
	admin_fail(call, ADMIN_MALFORMED, "certificates for %s are counted by %s; name that instead", subject, counted);
	return false;
}

/* False: the command has failed. */
static bool
check_account(struct admin_call *call, const char *subject)
{
	struct account account = { .status = ACCOUNT_VALID };
	struct storage_tx *tx;
	struct id id;
	enum err err;

	if (!id_parse(subject, strlen(subject), &id))
		return true;
	if ((err = storage_read(call->ra->storage, &tx)) == ERR_OK) {
		err = account_get(tx, id, &account);
		storage_read_end(tx);
	}
	account_free(&account);
	if (err == ERR_NOT_FOUND)
		admin_fail(call, ADMIN_NOT_FOUND, "there is no account %s", subject);
	else if (err != ERR_OK)
		admin_broken(call, "account_get", err);
	return err == ERR_OK;
}

/* False: the command has failed. */
static bool
read_rate(struct admin_call *call, enum limit kind, struct limit_override *out)
{
	const char *text = admin_value(call->request, "rate")->text;
	struct reason reason = { "" };
	char *end;

	if (kind == LIMIT_PAUSE_AFTER && strcmp(text, "none") != 0) {
		out->count = strtoll(text, &end, 10);
		if (*end == '\0' && out->count >= 1 && out->count <= 1000000)
			return true;
		admin_fail(call, ADMIN_MALFORMED, "\"rate\" of pause_after is a number from 1 to 1000000, none or default");
		return false;
	}
	if (config_rate(text, &out->count, &out->period, &reason))
		return true;
	admin_fail(call, ADMIN_MALFORMED, "\"rate\": %s", reason.text);
	return false;
}

static enum err
put_override(struct storage_tx *tx, void *arg)
{
	return limit_override_put(tx, arg);
}

static enum err
remove_override(struct storage_tx *tx, void *arg)
{
	const struct limit_override *override = arg;

	return limit_override_remove(tx, override->limit, override->subject);
}

static void
write_override(struct admin_call *call, struct limit_override *override, bool remove)
{
	enum err err = storage_write(call->ra->storage, remove ? remove_override : put_override, override);
	char text[64];

	if (err == ERR_OK)
		err = limits_load(call->ra->limits, call->ra->storage);
	if (err == ERR_NOT_FOUND) {
		admin_fail(call, ADMIN_NOT_FOUND, "%s has no override for %s", override->limit, override->subject);
		return;
	}
	if (err != ERR_OK) {
		admin_broken(call, "limit_override", err);
		return;
	}
	rate_text(override->count, override->period, text, sizeof(text));
	admin_row(call, json_pack("{s:s, s:s, s:s}", "limit", override->limit, "rate", remove ? "default" : text,
	    "subject", override->subject));
}

void
admin_limit_override(struct admin_call *call)
{
	enum limit kind = kind_of(admin_value(call->request, "kind"));
	const char *text = admin_value(call->request, "subject")->text, *wanted;
	bool remove = strcmp(admin_value(call->request, "rate")->text, "default") == 0;
	struct limit_override override = { .count = 0 };

	if (!read_subject(kind, text, override.subject, &wanted)) {
		admin_fail(call, ADMIN_MALFORMED, "\"subject\" of %s has to be %s", limit_name(kind), wanted);
		return;
	}
	if (kind == LIMIT_CERTIFICATES_PER_DOMAIN && !check_domain(call, override.subject))
		return;
	strcpy(override.limit, limit_name(kind));
	if (remove || (check_account(call, override.subject) && read_rate(call, kind, &override)))
		write_override(call, &override, remove);
}

/* --- reset, unpause -------------------------------------------------------------------------------- */

static enum err
fill_bucket(struct storage_tx *tx, void *arg)
{
	return bucket_fill(tx, arg);
}

/* "ACCOUNT/NAME", as failures are counted. */
static bool
read_pair(const char *text, char out[LIMIT_SUBJECT_SIZE])
{
	const char *slash = strchr(text, '/');
	struct identifier name;
	struct id account;

	if (slash == NULL || !id_parse(text, (size_t)(slash - text), &account) || !read_name(slash + 1, &name, NULL))
		return false;
	name = identifier_base(&name);
	return snprintf(out, LIMIT_SUBJECT_SIZE, "%.*s%s", (int)(slash + 1 - text), text, name.value) < LIMIT_SUBJECT_SIZE;
}

/* What is counted, as the bucket has it; a set of names is read by limits_bucket_name(). NULL: the command has failed. */
static const char *
read_counted(struct admin_call *call, enum limit kind, char out[LIMIT_SUBJECT_SIZE])
{
	const char *text = admin_value(call->request, "subject")->text, *wanted = "an account, a slash and a name";

	if (kind == LIMIT_CERTIFICATES_PER_SET)
		return text;
	if (kind == LIMIT_FAILURES ? read_pair(text, out) : read_subject(kind, text, out, &wanted))
		return kind != LIMIT_CERTIFICATES_PER_DOMAIN || check_domain(call, out) ? out : NULL;
	admin_fail(call, ADMIN_MALFORMED, "\"subject\" of %s has to be %s", limit_name(kind), wanted);
	return NULL;
}

void
admin_limit_reset(struct admin_call *call)
{
	const struct admin_value *account = admin_value(call->request, "account");
	enum limit kind = kind_of(admin_value(call->request, "kind"));
	char name[BUCKET_NAME_SIZE], counted[LIMIT_SUBJECT_SIZE];
	const char *subject;
	enum err err;

	if (kind == LIMIT_PAUSE_AFTER) {
		admin_fail(call, ADMIN_MALFORMED, "a pause is ended by: signet limit unpause");
		return;
	}
	if ((subject = read_counted(call, kind, counted)) == NULL)
		return;
	if (!limits_bucket_name(kind, account->given ? &account->id : NULL, subject, name)) {
		admin_fail(call, ADMIN_MALFORMED, "\"subject\": no %s is counted by that", limit_name(kind));
		return;
	}
	err = storage_write(call->ra->storage, fill_bucket, name);
	if (err == ERR_NOT_FOUND)
		admin_fail(call, ADMIN_NOT_FOUND, "%s: nothing is spent by %.200s", limit_name(kind), subject);
	else if (err != ERR_OK)
		admin_broken(call, "bucket_fill", err);
}

struct unpause {
	struct id account;
	const struct identifier *identifier;
};

static enum err
end_pause(struct storage_tx *tx, void *arg)
{
	const struct unpause *unpause = arg;

	return pause_end(tx, unpause->account, unpause->identifier);
}

void
admin_limit_unpause(struct admin_call *call)
{
	const struct admin_value *account = admin_value(call->request, "account");
	const struct admin_value *name = admin_value(call->request, "name");
	struct unpause unpause = { .account = account->id };
	struct reason reason = { "" };
	struct identifier identifier;
	enum err err;

	if (name->given) {
		if (!read_name(name->text, &identifier, &reason)) {
			admin_fail(call, ADMIN_MALFORMED, "\"name\": %s", reason.text);
			return;
		}
		identifier = identifier_base(&identifier);
		unpause.identifier = &identifier;
	}
	err = storage_write(call->ra->storage, end_pause, &unpause);
	if (err == ERR_NOT_FOUND)
		admin_fail(call, ADMIN_NOT_FOUND, "nothing is paused for the account %s%s%.100s", account->text,
		    name->given ? " and " : "", name->given ? name->text : "");
	else if (err != ERR_OK)
		admin_broken(call, "pause_end", err);
}
