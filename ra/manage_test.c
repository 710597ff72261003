/* manage_test.c: what tests command: faults, the clock, and all state at once. */
#include "lib/clock.h"
#include "lib/json.h"
#include "ra/accounts.h"
#include "ra/conduct.h"
#include "ra/faults.h"
#include "ra/manage.h"

/* --- faults ------------------------------------------------------------------------------------------------ */

enum err
script_set(struct ra *ra, const json_t *script, struct reason *reason)
{
	json_t *faults = json_object_get(script, "faults"), *limits = json_object_get(script, "limits");
	json_t *whole, *before;
	enum err err;

	if (limits != NULL && !json_is_object(limits)) {
		reason_set(reason, "\"limits\" is an object: {\"orders_per_account\": \"300/3h\"}");
		return ERR_MALFORMED;
	}
	before = limits_json(ra->limits);
	if ((err = limits_set(ra->limits, limits, reason)) == ERR_OK) {
		whole = json_pack("{s:o}", "faults", faults != NULL ? json_incref(faults) : json_array());
		if ((err = faults_set(ra->faults, ra->surface, whole, reason)) != ERR_OK)
			(void)limits_set(ra->limits, before, NULL);
		json_decref(whole);
	}
	json_decref(before);
	return err;
}

static void
script_show(struct manage *m)
{
	json_t *script = faults_show(m->ra->faults);

	json_object_set_new(script, "limits", limits_json(m->ra->limits));
	manage_json(m, script);
}

void
manage_faults_show(struct manage *m, const char *rest)
{
	(void)rest;
	script_show(m);
}

void
manage_faults_set(struct manage *m, const char *rest)
{
	struct reason reason = { "" };
	json_t	     *script = manage_object(m);

	(void)rest;
	if (script == NULL)
		return;
	if (script_set(m->ra, script, &reason) != ERR_OK)
		manage_say(m, 400, "%s", reason.text);
	else
		script_show(m);
	json_decref(script);
}

static void
no_faults(struct ra *ra)
{
	struct reason reason = { "" };

	(void)script_set(ra, NULL, &reason);
}

void
manage_faults_clear(struct manage *m, const char *rest)
{
	(void)rest;
	no_faults(m->ra);
	manage_say(m, 200, "%s", "");
}

/* --- the clock --------------------------------------------------------------------------------------------- */

#define FORWARD_MAX (INT64_C(10) * 366 * 86400)	/* the roots last 30 years */

static void
say_now(struct manage *m)
{
	char now[CLOCK_RFC3339_SIZE];

	clock_rfc3339(clock_now(), now);
	manage_json(m, json_pack("{s:s}", "now", now));
}

void
manage_clock_show(struct manage *m, const char *rest)
{
	(void)rest;
	say_now(m);
}

/* The others first: what ra says to them afterwards comes after this on the same wire. */
void
manage_clock_move(struct manage *m, const char *rest)
{
	struct channel	*const all[] = { m->ra->ca, m->ra->va, m->ra->wfe };
	json_t		*json = manage_object(m);
	struct msg_clock message = { json_integer_value(json_object_get(json, "forward")) };

	(void)rest;
	if (json == NULL)
		return;
	json_decref(json);
	if (message.shift < 1 || message.shift > FORWARD_MAX) {
		manage_say(m, 400, "\"forward\" is a number of seconds, ten years at the most; the clock never goes back");
		return;
	}
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct buf out = { 0 };

		put_clock(&out, &message);
		(void)channel_send(all[i], MSG_CLOCK, &out);
		buf_free(&out);
	}
	clock_shift(message.shift);
	crl_schedule_mark_all(m->ra);
	say_now(m);
}

/* --- all state at once --------------------------------------------------------------------------------------- */

static enum err
write_reset(struct storage_tx *tx, void *arg)
{
	(void)arg;
	return state_reset(tx);
}

static enum err
write_snapshot(struct storage_tx *tx, void *arg)
{
	(void)arg;
	return state_keep(tx);
}

static enum err
write_restore(struct storage_tx *tx, void *arg)
{
	(void)arg;
	return state_restore(tx);
}

static void
change(struct manage *m, enum err (*fn)(struct storage_tx *, void *))
{
	enum err err = storage_write(m->ra->storage, fn, NULL);

	accounts_forget_all(m->ra->accounts);
	crl_schedule_mark_all(m->ra);
	manage_say(m, err == ERR_OK ? 200 : 500, "%s", "");
}

/* Everything but time and keys. */
void
manage_reset(struct manage *m, const char *rest)
{
	(void)rest;
	no_faults(m->ra);
	conduct_reset(m->ra->conduct);
	renewal_overrides_clear(m->ra->overrides);
	change(m, write_reset);
}

void
manage_snapshot(struct manage *m, const char *rest)
{
	(void)rest;
	change(m, write_snapshot);
	if (m->reply.status == 200)
		atomic_store(&m->ra->has_snapshot, true);
}

void
manage_restore(struct manage *m, const char *rest)
{
	(void)rest;
	if (atomic_load(&m->ra->has_snapshot))
		change(m, write_restore);
	else
		manage_say(m, 409, "there is no snapshot; POST /snapshot makes one");
}
