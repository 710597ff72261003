#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jose/jwk.h"
#include "lib/clock.h"
#include "ra/ra.h"
#include "ra/revocation.h"
#include "ra/star.h"
#include "x509/certificate.h"

/* Rows looked at in one go: a few milliseconds of a reader, and at the worst 2.5 MiB, when each has a hundred names of
 * 253 bytes. */
#define PAGE 100
#define SERIAL_TEXT_SIZE (2 * ADMIN_SERIAL_MAX + 1)

static void
hexadecimal(const uint8_t *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

static const char *
state_of(const struct certificate_row *row, int64_t now)
{
	return row->revoked != 0 ? "revoked" : row->not_after < now ? "expired" : "valid";
}

/* --- which ones ---------------------------------------------------------------------------------- */

/* "*.lan" is every name below lan, and the wildcard itself. */
static bool
name_fits(const char *wanted, const char *name)
{
	size_t wanted_len = strlen(wanted), len = strlen(name);

	if (strcasecmp(wanted, name) == 0)
		return true;
	return strncmp(wanted, "*.", 2) == 0 && len > wanted_len - 1 &&
	    strcasecmp(name + len - (wanted_len - 1), wanted + 1) == 0;
}

static bool
row_fits(const struct admin_request *request, const struct certificate_row *row, int64_t now)
{
	const struct admin_value *name = admin_value(request, "name"), *state = admin_value(request, "state");
	const struct admin_value *account = admin_value(request, "account");
	const struct admin_value *before = admin_value(request, "expiring-before");
	bool fits = !name->given;

	for (size_t i = 0; !fits && i < row->identifier_count; i++)
		fits = name_fits(name->text, row->identifiers[i].value);
	if (fits && state->given)
		fits = strcmp(state->text, state_of(row, now)) == 0;
	if (fits && account->given)
		fits = id_eq(account->id, row->account);
	/* What has ended expires no more; who wants to see it asks for the state. */
	return fits && (!before->given || (row->not_after < before->number && (state->given || row->not_after >= now)));
}

/* --- how they are shown -------------------------------------------------------------------------- */

static json_t *
names_json(const struct certificate_row *row)
{
	json_t *names = json_array();

	for (size_t i = 0; i < row->identifier_count; i++)
		json_array_append_new(names, json_string(row->identifiers[i].value));
	return names;
}

static json_t *
row_json(const struct certificate_row *row, int64_t now)
{
	char serial[SERIAL_TEXT_SIZE], id[ID_TEXT_SIZE], account[ID_TEXT_SIZE], order[ID_TEXT_SIZE], issuer[65];
	char not_before[CLOCK_RFC3339_SIZE], not_after[CLOCK_RFC3339_SIZE], revoked[CLOCK_RFC3339_SIZE],
	    until[CLOCK_RFC3339_SIZE];
	json_t *json;

	hexadecimal(row->serial, row->serial_len, serial);
	hexadecimal(row->issuer, sizeof(row->issuer), issuer);
	id_text(row->id, id);
	id_text(row->account, account);
	id_text(row->order, order);
	clock_rfc3339(row->not_before, not_before);
	clock_rfc3339(row->not_after, not_after);
	json = json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:s?, s:s}", "serial", serial, "state",
	    state_of(row, now), "names", names_json(row), "notBefore", not_before, "notAfter", not_after, "account",
	    account, "order", order, "id", id, "profile", row->profile, "issuer", issuer);
	if (json != NULL && row->revoked != 0) {
		clock_rfc3339(row->revoked, revoked);
		json_object_set_new(json, "revoked", json_string(revoked));
		json_object_set_new(json, "reason", json_string(revocation_reason_name(row->reason)));
	}
	if (json != NULL && row->renewed_until > now) {
		clock_rfc3339(row->renewed_until, until);
		json_object_set_new(json, "renewedUntil", json_string(until));
	}
	return json;
}

/* --- commands ------------------------------------------------------------------------------------ */

static void
list_page(struct admin_call *call, struct storage_tx *tx)
{
	struct certificate_row *rows = calloc(PAGE, sizeof(*rows));
	int64_t now = clock_now();
	size_t count = 0;
	enum err err = ERR_MEMORY;

	if (rows != NULL)
		err = certificates_next(tx, &call->walk, rows, PAGE, &count);
	if (err != ERR_OK)
		admin_broken(call, "certificates_next", err);
	for (size_t i = 0; err == ERR_OK && i < count && !admin_enough(call); i++)
		if (row_fits(call->request, &rows[i], now))
			admin_row(call, row_json(&rows[i], now));
	call->more = err == ERR_OK && count == PAGE && !admin_enough(call);
	if (err == ERR_OK)
		certificate_rows_free(rows, count);
	free(rows);
}

static void
list_one(struct admin_call *call, struct storage_tx *tx, const struct admin_value *serial)
{
	struct certificate_row row;
	int64_t now = clock_now();
	enum err err = certificate_row_get(tx, slice_of(serial->serial, serial->serial_len), &row);

	if (err == ERR_NOT_FOUND)
		return;
	if (err != ERR_OK) {
		admin_broken(call, "certificate_row_get", err);
		return;
	}
	if (row_fits(call->request, &row, now))
		admin_row(call, row_json(&row, now));
	certificate_rows_free(&row, 1);
}

void
admin_cert_list(struct admin_call *call)
{
	const struct admin_value *serial = admin_value(call->request, "serial");
	const struct admin_value *before = admin_value(call->request, "expiring-before");
	struct storage_tx *tx;
	enum err err;

	if ((err = storage_read(call->ra->storage, &tx)) != ERR_OK) {
		admin_broken(call, "storage_read", err);
		return;
	}
	call->walk.before = before->given ? before->number : 0;
	if (call->walk.before == 0)
		call->walk.account = admin_value(call->request, "account")->id;
	if (serial->given)
		list_one(call, tx, serial);
	else
		list_page(call, tx);
	storage_read_end(tx);
}

static void
refuse_unknown(struct admin_call *call)
{
	admin_fail(call, ADMIN_NOT_FOUND,
	    "no certificate has the serial %.60s: it was not issued here, or it ended long ago",
	    admin_value(call->request, "serial")->text);
}

/* False: the command has failed. On true the caller frees both. */
static bool
load(struct admin_call *call, struct certificate_row *row, struct certificate *certificate)
{
	const struct admin_value *value = admin_value(call->request, "serial");
	struct slice serial = slice_of(value->serial, value->serial_len);
	struct storage_tx *tx;
	enum err err;

	*certificate = (struct certificate){ .not_before = 0 };
	if ((err = storage_read(call->ra->storage, &tx)) == ERR_OK) {
		if ((err = certificate_row_get(tx, serial, row)) == ERR_OK &&
		    (err = certificate_by_serial(tx, serial, certificate)) != ERR_OK)
			certificate_rows_free(row, 1);
		storage_read_end(tx);
	}
	if (err == ERR_NOT_FOUND)
		refuse_unknown(call);
	else if (err != ERR_OK)
		admin_broken(call, "certificate_by_serial", err);
	return err == ERR_OK;
}

void
admin_cert_show(struct admin_call *call)
{
	struct certificate certificate;
	struct certificate_row row;
	struct buf pem = { 0 };
	json_t *json;

	if (!load(call, &row, &certificate))
		return;
	json = row_json(&row, clock_now());
	if (certificate_pem(buf_slice(&certificate.der), &pem) == ERR_OK && json != NULL)
		json_object_set_new(json, "pem", json_stringn((const char *)pem.data, pem.len));
	admin_row(call, json);
	buf_free(&pem);
	certificate_rows_free(&row, 1);
	certificate_free(&certificate);
}

/* Whoever administers the CA knows that the key is: so nobody may have it again. */
static enum err
revoke(struct admin_call *call, const struct certificate *certificate, enum revocation_reason reason)
{
	bool compromised = reason == REVOCATION_KEY_COMPROMISE;
	char thumbprint[JWK_THUMBPRINT_SIZE], by[64];
	X509 *cert = NULL;
	enum err err;

	snprintf(by, sizeof(by), "administrator, uid %u", (unsigned)call->uid);
	if ((err = certificate_parse(buf_slice(&certificate->der), &cert, NULL)) == ERR_OK && compromised)
		err = jwk_thumbprint_of(X509_get0_pubkey(cert), thumbprint);
	if (err == ERR_OK)
		err = revocation_write(call->ra, certificate, cert, reason, compromised ? thumbprint : NULL, by);
	X509_free(cert);
	/* Or there would be another one soon (RFC 8739). A conflict: none was to come. */
	if (err == ERR_OK && (err = star_end(call->ra, certificate->order)) == ERR_CONFLICT)
		err = ERR_OK;
	return err;
}

void
admin_cert_revoke(struct admin_call *call)
{
	const struct admin_value *serial = admin_value(call->request, "serial");
	const struct admin_value *wanted = admin_value(call->request, "reason");
	enum revocation_reason reason = REVOCATION_NONE;
	struct certificate certificate;
	struct certificate_row row;
	enum err err;

	if (wanted->given && !revocation_reason_by_name(wanted->text, &reason))
		abort();	/* the table of ipc/admin.c has the names of acme/revocation.c */
	if (!load(call, &row, &certificate))
		return;
	if (certificate.not_after < clock_now())
		admin_fail(call, ADMIN_CONFLICT, "the certificate has ended, so there is nothing to revoke");
	else if ((err = revoke(call, &certificate, reason)) == ERR_EXISTS)
		admin_fail(call, ADMIN_CONFLICT, "the certificate %.60s is revoked already", serial->text);
	else if (err != ERR_OK)
		admin_broken(call, "revocation_write", err);
	certificate_rows_free(&row, 1);
	certificate_free(&certificate);
	if (!call->failed && load(call, &row, &certificate)) {
		admin_row(call, row_json(&row, clock_now()));
		certificate_rows_free(&row, 1);
		certificate_free(&certificate);
	}
}
