/* manage_certificate.c: the state of any certificate, and when its clients shall believe that it is to be renewed. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/map.h"
#include "ra/manage.h"
#include "x509/certificate.h"

#define SERIAL_MAX 20

/* --- by serial number ------------------------------------------------------------------------------- */

/* Any number of hexadecimal digits. False: it is none. A longer number than any serial becomes an empty one. */
static bool
serial_read(const char *text, uint8_t out[SERIAL_MAX], size_t *len)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	size_t n = strlen(text);

	if (n == 0 || strspn(text, digits) != n)
		return false;
	for (; *text == '0'; n--)
		text++;
	*len = n > 2 * SERIAL_MAX ? 0 : (n + 1) / 2;
	memset(out, 0, SERIAL_MAX);
	for (size_t i = 0; i < n && *len > 0; i++) {
		uint8_t digit = (uint8_t)((strchr(digits, text[n - 1 - i]) - digits) & 15);

		out[*len - 1 - i / 2] |= (uint8_t)(digit << (i % 2 == 0 ? 0 : 4));
	}
	return true;
}

/* As Go prints a time. */
static json_t *
revoked_at(int64_t seconds)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_rfc3339(seconds, text);
	return json_sprintf("%.10s %.8s +0000 UTC", text, text + 11);
}

static void
show_status(struct manage *m, const char *serial, const struct certificate *certificate,
    const struct revocation *revocation)
{
	struct buf pem = { 0 };
	json_t	  *json = json_object();

	while (*serial == '0')
		serial++;
	if (certificate_pem(buf_slice(&certificate->der), &pem) != ERR_OK || json == NULL)
		abort();
	json_object_set_new(json, "Status", json_string(revocation != NULL ? "Revoked" : "Valid"));
	json_object_set_new(json, "Serial", json_string(serial));
	json_object_set_new(json, "Certificate", json_stringn((const char *)pem.data, pem.len));
	if (revocation != NULL && revocation->reason != REVOCATION_NONE)
		json_object_set_new(json, "Reason", json_integer(revocation->reason));
	if (revocation != NULL)
		json_object_set_new(json, "RevokedAt", revoked_at(revocation->revoked));
	buf_free(&pem);
	manage_json(m, json);
}

void
manage_certificate_status(struct manage *m, const char *rest)
{
	struct certificate certificate = { .not_before = 0 };
	struct revocation  revocation;
	struct storage_tx *tx;
	uint8_t		   serial[SERIAL_MAX];
	size_t		   len;
	enum err	   err;

	if (!serial_read(rest, serial, &len)) {
		manage_say(m, 400, "%s", "");
		return;
	}
	if (storage_read(m->ra->storage, &tx) != ERR_OK) {
		manage_say(m, 500, "the database can't be read");
		return;
	}
	err = certificate_by_serial(tx, slice_of(serial, len), &certificate);
	if (err != ERR_OK)
		manage_say(m, err == ERR_NOT_FOUND ? 404 : 500, "%s", "");
	else if (revocation_get(tx, slice_of(serial, len), &revocation) == ERR_OK)
		show_status(m, rest, &certificate, &revocation);
	else
		show_status(m, rest, &certificate, NULL);
	storage_read_end(tx);
	certificate_free(&certificate);
}

/* --- renewal information in a test's own words ------------------------------------------------------- */

struct renewal_overrides {
	pthread_mutex_t	 lock;
	struct map	*texts;		/* by serial */
};

struct renewal_overrides *
renewal_overrides_new(void)
{
	struct renewal_overrides *all = calloc(1, sizeof(*all));

	if (all == NULL || (all->texts = map_new()) == NULL) {
		free(all);
		return NULL;
	}
	pthread_mutex_init(&all->lock, NULL);
	return all;
}

static void
drop(void *value, void *arg)
{
	(void)arg;
	free(value);
}

void
renewal_overrides_clear(struct renewal_overrides *all)
{
	struct map *none = map_new(), *old = all->texts;

	if (none == NULL)
		abort();
	pthread_mutex_lock(&all->lock);
	all->texts = none;
	pthread_mutex_unlock(&all->lock);
	map_each(old, drop, NULL);
	map_free(old);
}

bool
renewal_override(struct renewal_overrides *all, struct slice serial, struct buf *out)
{
	const char *text;

	pthread_mutex_lock(&all->lock);
	if ((text = map_get(all->texts, serial.data, serial.len)) != NULL)
		buf_put_str(out, text);
	pthread_mutex_unlock(&all->lock);
	return text != NULL;
}

static void
override(struct renewal_overrides *all, struct slice serial, const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		abort();
	pthread_mutex_lock(&all->lock);
	free(map_remove(all->texts, serial.data, serial.len));
	if (copy[0] == '\0')
		free(copy);
	else if (map_put(all->texts, serial.data, serial.len, copy) != ERR_OK)
		abort();
	pthread_mutex_unlock(&all->lock);
}

/* In any case, as Go reads JSON. NULL: it isn't there. */
static const json_t *
member(const json_t *object, const char *name)
{
	const json_t *value;
	const char   *key;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		if (strcasecmp(key, name) == 0)
			return value;
	return NULL;
}

/* Pebble takes any string for the answer: that is what clients shall cope with. None is the server's own again. */
void
manage_set_renewal_info(struct manage *m, const char *rest)
{
	json_t		 *json = manage_object(m);
	const json_t	 *answer = member(json, "ARIResponse");
	const char	 *pem = json_string_value(member(json, "Certificate"));
	const char	 *text = answer == NULL || json_is_null(answer) ? "" : json_string_value(answer);
	STACK_OF(X509) *certs = NULL;
	struct reason	  reason = { "" };
	uint8_t		  serial[SERIAL_MAX];
	size_t		  len;

	(void)rest;
	if (json == NULL)
		return;
	if (pem == NULL || text == NULL)
		manage_say(m, 400, "\"Certificate\" (PEM) and \"ARIResponse\" are strings");
	else if (certificates_read(slice_str(pem), &certs, &reason) != ERR_OK ||
	    certificate_serial(sk_X509_value(certs, 0), serial, &len) != ERR_OK)
		manage_say(m, 400, "\"Certificate\": %s", reason.text);
	else {
		override(m->ra->overrides, slice_of(serial, len), text);
		manage_say(m, 200, "%s", "");
	}
	sk_X509_pop_free(certs, X509_free);
	json_decref(json);
}
