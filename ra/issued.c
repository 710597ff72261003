/* issued.c: what ca answered to an ISSUE, or what kept it from being asked, on its way to the disk. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "ra/ra.h"
#include "ra/star.h"

struct issued {
	struct storage_write write;	/* first: the one is the other's address */
	struct ra	    *ra;
	struct certificate   certificate;
	uint32_t	     number;	/* the ISSUE's */
};

/* One certificate an order: they share their id, so that a second one can't be stored; and so it is with each number of an
 * auto-renewal order. Where certificates are called by their serial number, that is unique too. */
static struct id
certificate_id(const struct issued *issued, const struct order *order)
{
	const struct buf *serial = &issued->certificate.serial;
	struct id	  id = { { 0 } };

	if (issued->ra->surface->short_ids && serial->len <= ID_SIZE / 2)
		memcpy(id.bytes + ID_SIZE - serial->len, serial->data, serial->len);
	else if (issued->number != 0)
		id = auto_renewal_certificate(&order->auto_renewal, order->id, issued->number);
	else
		id = order->id;
	return id;
}

static enum err
write_certificate(struct storage_tx *tx, void *arg)
{
	struct issued	   *issued = arg;
	struct certificate *certificate = &issued->certificate;
	struct order	    order = { 0 };
	enum err	    err;

	err = order_get(tx, certificate->order, &order);
	/* ca repeats what it was asked: a number only for such an order. */
	if (err == ERR_OK && (issued->number != 0) != (order.auto_renewal.lifetime != 0))
		err = ERR_CONFLICT;
	certificate->account = order.account;
	if (err == ERR_OK) {
		certificate->id = certificate_id(issued, &order);
		err = certificate_insert(tx, certificate);
	}
	/* What was signed is kept whatever became of the order meanwhile. */
	if (err == ERR_OK && issued->number != 0)
		err = star_came(tx, &order, certificate->id, issued->number);
	else if (err == ERR_OK && order.state == ORDER_PROCESSING)
		err = order_set_valid(tx, certificate->order, certificate->id);
	if (err == ERR_OK)
		err = limits_issued(tx, issued->ra->limits, &order, certificate->not_after);
	order_free(&order);
	return err;
}

static void
issued_free(struct issued *issued)
{
	certificate_free(&issued->certificate);
	free(issued);
}

static void
certificate_stored(struct storage_write *write)
{
	struct issued *issued = (struct issued *)write;
	struct id      id = issued->certificate.order;
	struct park   *park = issued->ra->park;
	char	       order[ID_TEXT_SIZE];

	if (retry_take(issued->ra->retry, write))
		return;
	id_text(id, order);
	/* ISSUE was sent twice, after a restart, and the first answer is stored and logged. */
	if (write->err == ERR_EXISTS)
		log_event(LOG_DEBUG, "a certificate came twice", F_STR("order", order));
	else if (write->err != ERR_OK)
		log_event(LOG_ERROR, "a certificate could not be stored: ca is asked again later",
		    F_STR("order", order), F_STR("error", err_text(write->err)));
	else
		log_event(LOG_INFO, "certificate issued", F_STR("order", order));
	issued_free(issued);
	park_wake(park, id);
}

void
finalize_certificate(struct ra *ra, const struct msg_certificate *msg)
{
	struct issued	   *issued = calloc(1, sizeof(*issued));
	struct certificate *certificate;

	if (issued == NULL)
		return;		/* recovery asks ca again */
	issued->write = (struct storage_write){ .fn = write_certificate, .arg = issued, .done = certificate_stored };
	issued->ra = ra;
	certificate = &issued->certificate;
	issued->number = msg->number;
	certificate->order = msg->order;
	certificate->not_before = msg->not_before;
	certificate->not_after = msg->not_after;
	memcpy(certificate->issuer, msg->issuer, sizeof(certificate->issuer));
	buf_put(&certificate->serial, msg->serial.data, msg->serial.len);
	buf_put(&certificate->der, msg->der.data, msg->der.len);
	if (!certificate->serial.failed && !certificate->der.failed)
		storage_write_start(ra->storage, &issued->write);
	else
		issued_free(issued);	/* likewise */
}

/* What ends an order without a certificate, or opens it again. */
struct refusal {
	struct storage_write write;	/* first */
	struct ra	    *ra;
	struct id	     order;
	uint32_t	     number;	/* the ISSUE's, if there was one */
	bool		     reopen, late;
	char		    *error;
};

static enum err
write_refusal(struct storage_tx *tx, void *arg)
{
	struct refusal	 *refusal = arg;
	enum star_refusal how = STAR_FIRST;
	struct order	  order;
	enum err	  err;

	if ((err = order_get(tx, refusal->order, &order)) != ERR_OK)
		return err;
	if (order.auto_renewal.lifetime != 0)
		err = star_refused(tx, &order, refusal->number, refusal->error, &how);
	order_free(&order);
	refusal->late = how == STAR_LATE;
	if (err != ERR_OK || how != STAR_FIRST)
		return err;
	if ((err = limits_give_back(tx, refusal->ra->limits, refusal->order, clock_now_ms())) != ERR_OK)
		return err;
	if (refusal->reopen)
		return order_reopen(tx, refusal->order, refusal->error);
	return order_set_invalid(tx, refusal->order, refusal->error);
}

static void
refusal_stored(struct storage_write *write)
{
	struct refusal *refusal = (struct refusal *)write;
	struct id	order = refusal->order;
	struct park    *park = refusal->ra->park;
	char		text[ID_TEXT_SIZE];

	if (retry_take(refusal->ra->retry, write))
		return;
	if (write->err == ERR_OK && refusal->late)
		(void)finalize_send(refusal->ra, order, true);	/* else recovery does */
	if (write->err != ERR_OK) {
		id_text(order, text);
		log_event(LOG_ERROR, "a refusal could not be stored", F_STR("order", text),
		    F_STR("error", err_text(write->err)));
	}
	free(refusal->error);
	free(refusal);
	park_wake(park, order);
}

/* Takes json over. Out of memory: the order stays in processing, and recovery drives it on. */
static void
store_refusal(struct ra *ra, struct id order, uint32_t number, bool reopen, json_t *json)
{
	struct refusal *refusal = calloc(1, sizeof(*refusal));

	if (refusal != NULL) {
		refusal->write = (struct storage_write){ .fn = write_refusal, .arg = refusal, .done = refusal_stored };
		refusal->ra = ra;
		refusal->order = order;
		refusal->number = number;
		refusal->reopen = reopen;
		refusal->error = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	}
	json_decref(json);
	if (refusal != NULL && refusal->error != NULL)
		storage_write_start(ra->storage, &refusal->write);
	else
		free(refusal);
}

void
finalize_refused(struct ra *ra, const struct msg_refused *msg)
{
	char	       order[ID_TEXT_SIZE];

	id_text(msg->order, order);
	log_event(LOG_WARNING, "ca refused to issue", F_STR("order", order),
	    F_STR("problem", problem_name(msg->problem.type)), F_STR("detail", msg->problem.detail.text));
	/* PROTOCOL.md A 36: badCSR leaves the order ready. */
	store_refusal(ra, msg->order, msg->number, msg->problem.type == PROBLEM_BAD_CSR, problem_json(&msg->problem));
}

void
finalize_forbidden(struct ra *ra, struct id id, const struct identifier *identifier, enum problem_type type,
    const char *detail)
{
	struct problem problem = { 0 };
	json_t	      *json;
	char	       order[ID_TEXT_SIZE];

	id_text(id, order);
	log_event(LOG_INFO, "an order can't be finalized", F_STR("order", order),
	    F_STR("identifier", identifier->value), F_STR("problem", problem_name(type)), F_STR("detail", detail));
	problem_add(&problem, type, identifier, "%s", detail);
	problem_sum_up(&problem, "the order can't be finalized");
	if ((json = problem_json(&problem)) != NULL)
		(void)json_object_set_new(json, "detail", json_string(detail));	/* whole */
	problem_free(&problem);
	store_refusal(ra, id, 0, false, json);
}
