/* auto_renewal.h: short-term, automatically renewed certificates (RFC 8739): what an order asks for, and which
 * certificates follow from that. ra and ca each work it out from what the subscriber signed, so both come to the same.
 * Pure.
 *
 * Certificates are numbered from 1. Between two nominal renewal dates lies the lifetime; each certificate begins some
 * time before its date and is out when it begins (RFC 8739, 3.5):
 *
 *      start          +T          +2T         +3T   end
 *        |-----1-------|-----2-----|-----3-----|--4--|
 *                   2 is out    3 is out    4 is out
 */
#ifndef SIGNET_ACME_AUTO_RENEWAL_H
#define SIGNET_ACME_AUTO_RENEWAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/id.h"
#include "lib/reason.h"

/* Seconds, since 1970 or as they pass. */
struct auto_renewal {
	int64_t	start;		/* 0: as the order is made; never so once it is settled */
	int64_t	end;
	int64_t	lifetime;	/* 0: this is none */
	int64_t	adjust;		/* how long before its nominal date a certificate begins */
	bool	get;		/* anybody may fetch it */
};

/* What the CA offers (RFC 8739, 3.2). */
struct auto_renewal_limits {
	int64_t	min_lifetime;
	int64_t	max_duration;	/* from start to end; 0: certificates are not renewed by themselves */
	bool	get;
};

/* Reads an order's "auto-renewal". False with what is wrong, and which member it is. */
bool	 auto_renewal_parse(const json_t *, struct auto_renewal *, struct reason *);
/* Fills in what the server decides: the beginning, an adjustment that is large enough, and whether everybody may fetch.
 * made: the order's own time; ahead: how far after that it may begin; longest: what a certificate of its profile may
 * live. False with the limit that it breaks. */
bool	 auto_renewal_settle(struct auto_renewal *, const struct auto_renewal_limits *, int64_t made, int64_t ahead,
    int64_t longest, struct reason *);
/* As an order shows it; auto_renewal_parse() reads it. NULL: out of memory. */
json_t	*auto_renewal_json(const struct auto_renewal *);

/* Of one that is settled. How many certificates there are at the most: those that came too late are left out. */
uint32_t auto_renewal_count(const struct auto_renewal *);
/* Which is the one to have at that time; never 0. */
uint32_t auto_renewal_current(const struct auto_renewal *, int64_t now);
/* What a certificate says, and when it is to be out, which is when it begins; the first at once. */
void	 auto_renewal_dates(const struct auto_renewal *, uint32_t number, int64_t *not_before, int64_t *not_after);

/* The id of an order that was asked for so: who signs for it later signs for these bytes. Like any other it can't be
 * guessed, as they hold a signature. */
struct id auto_renewal_order(struct slice new_order, int64_t made_ms);
/* Whether it is the id of one made from these bytes. */
bool	 auto_renewal_is_order(struct id order, struct slice new_order);
/* What the order's certificate of that number is called; its time is the one when that is out. */
struct id auto_renewal_certificate(const struct auto_renewal *, struct id order, uint32_t number);

#endif
