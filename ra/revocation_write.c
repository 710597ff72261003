#include "ra/revocation.h"

#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "x509/crl.h"

struct deed {
	struct revocation row;
	const char *blocked;
};

static enum err
write_revocation(struct storage_tx *tx, void *arg)
{
	struct deed *deed = arg;
	enum err err = ERR_OK;

	if (deed->blocked != NULL)
		err = key_block(tx, deed->blocked, deed->row.revoked);
	if (err == ERR_OK)
		err = revocation_insert(tx, &deed->row);
	return err;
}

/* It is revoked, and now its key turns out to be known: the list shall say so. */
static enum err
write_compromise(struct storage_tx *tx, void *arg)
{
	struct deed *deed = arg;
	enum err err;

	err = revocation_compromise(tx, slice_of(deed->row.serial, deed->row.serial_len));
	return err != ERR_OK ? err : key_block(tx, deed->blocked, deed->row.revoked);
}

static void
row_fill(struct revocation *row, const struct certificate *certificate, X509 *cert, enum revocation_reason reason)
{
	memcpy(row->serial, certificate->serial.data, certificate->serial.len);
	row->serial_len = certificate->serial.len;
	row->certificate = certificate->id;
	memcpy(row->issuer, certificate->issuer, sizeof(row->issuer));
	row->shard = crl_shard_of(cert);
	row->revoked = clock_now();
	row->reason = reason;
	row->not_after = certificate->not_after;
}

enum err
revocation_write(struct ra *ra, const struct certificate *certificate, X509 *cert, enum revocation_reason reason,
    const char *blocked, const char *by)
{
	struct deed deed = { .blocked = blocked };
	char order[ID_TEXT_SIZE];
	enum err err;

	row_fill(&deed.row, certificate, cert, reason);
	err = storage_write(ra->storage, write_revocation, &deed);
	if (err == ERR_EXISTS && blocked != NULL &&
	    (err = storage_write(ra->storage, write_compromise, &deed)) == ERR_CONFLICT)
		err = ERR_EXISTS;
	if (err != ERR_OK)
		return err;
	crl_schedule_mark(ra, deed.row.issuer, deed.row.shard);
	id_text(certificate->order, order);
	log_event(LOG_INFO, "certificate revoked", F_STR("order", order), F_STR("by", by),
	    F_STR("reason", revocation_reason_name(reason)));
	return ERR_OK;
}
