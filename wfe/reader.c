#include "wfe/reader.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "wfe/ocsp.h"
#include "wfe/request.h"

#define LAST_WORDS_MS 500	/* for the 503 answers to reach their clients */

static void
on_reply(struct wfe *wfe, struct slice body)
{
	struct msg_reply	 m;
	struct request		*r;

	if (!get_reply(body, &m) || m.status < 200 || m.status > 599)
		channel_malformed(wfe->ra, MSG_REPLY);
	r = in_flight_take(wfe->in_flight, m.number);
	if (r == NULL)
		channel_malformed(wfe->ra, MSG_REPLY);
	request_reply(r, &m);
}

static void
on_ocsp(struct wfe *wfe, struct slice body)
{
	struct msg_ocsp_answer	m;
	struct request		*r;

	if (!get_ocsp_answer(body, &m) || (r = in_flight_take(wfe->in_flight, m.number)) == NULL)
		channel_malformed(wfe->ra, MSG_OCSP_ANSWER);
	ocsp_reply(r, &m);
}

static void
on_nonces(struct wfe *wfe, struct slice body)
{
	struct msg_nonces	 m;
	struct request		*r;

	if (!get_nonces(body, &m))
		channel_malformed(wfe->ra, MSG_NONCES);
	nonce_stock_fill(wfe->nonces, &m);
	/* As many as may succeed; who comes late to the stock waits again. */
	for (uint32_t i = 0; i < m.count && (r = in_flight_take_nonce(wfe->in_flight)) != NULL; i++)
		request_resume(r);
	wfe_want_nonces(wfe);
}

static void
on_clock(const struct wfe *wfe, struct slice body)
{
	struct msg_clock m;

	if (wfe->config->preset != PRESET_PEBBLE || !get_clock(body, &m))
		channel_malformed(wfe->ra, MSG_CLOCK);
	clock_shift(m.shift);
}

static void
on_crl(struct wfe *wfe, struct slice body)
{
	struct msg_crl m;
	enum err err;

	if (!get_crl(body, &m) || (err = crls_take(wfe->crls, &m)) == ERR_MALFORMED)
		channel_malformed(wfe->ra, MSG_CRL);
	if (err != ERR_OK)
		log_event(LOG_ERROR, "a CRL can't be kept: the one before is served",
		    F_STR("error", err_text(err)));
}

void
reader_abandon(struct wfe *wfe)
{
	struct request *r;

	in_flight_close(wfe->in_flight);
	turns_end(wfe->turns);
	while ((r = in_flight_take_any(wfe->in_flight)) != NULL)
		request_ra_gone(r);
}

static _Noreturn void
ra_is_gone(struct wfe *wfe)
{
	int64_t	until = clock_monotonic_ms() + LAST_WORDS_MS;
	bool	stopping = atomic_load(&wfe->stopping);

	if (!stopping)
		log_event(LOG_ERROR, "ra is gone: this process ends",
		    F_INT("waiting", in_flight_count(wfe->in_flight)));
	reader_abandon(wfe);
	while (connections_busy(wfe->connections) > 0 && clock_monotonic_ms() < until)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	_exit(0);	/* ra is to blame, not we */
}

_Noreturn void *
reader_run(void *arg)
{
	struct wfe *wfe = arg;

	for (;;) {
		enum msg_type	type;
		struct slice	body;

		if (channel_receive(wfe->ra, &type, &body) != ERR_OK)
			ra_is_gone(wfe);
		switch (type) {
		case MSG_REPLY:
			on_reply(wfe, body);
			break;
		case MSG_OCSP_ANSWER:
			on_ocsp(wfe, body);
			break;
		case MSG_NONCES:
			on_nonces(wfe, body);
			break;
		case MSG_CLOCK:
			on_clock(wfe, body);
			break;
		case MSG_CRL:
			on_crl(wfe, body);
			break;
		case MSG_SERVER_CERTIFICATE:
			if (wfe->tls == NULL)
				channel_malformed(wfe->ra, type);
			tls_answer(wfe->tls, body);
			break;
		default:
			channel_malformed(wfe->ra, type);
		}
	}
}
