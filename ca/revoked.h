/* revoked.h: what ca was told is revoked, in a file beside the ledger. Once it is there, nobody gets an OCSP response
 * that calls the certificate good, whoever captures ra later. Each entry goes when its certificate has ended. Orders whose
 * renewal was canceled (ca/star.h) are kept in the same way, in a file of their own, under their ids. */
#ifndef SIGNET_CA_REVOKED_H
#define SIGNET_CA_REVOKED_H

#include <stddef.h>
#include <stdint.h>

#include "acme/revocation.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/reason.h"

#define REVOKED_MAX 4000000 /* half a gigabyte; more is a ra gone mad */

/* Serials of all issuers are random, so they are names. */
struct revoked_entry {
	uint8_t serial[20];
	size_t serial_len;
	int64_t revoked; /* seconds since 1970 */
	enum revocation_reason reason;
	int64_t not_after; /* the certificate's */
};

struct revoked;

/* Reads the file of that name (borrowed), or begins one, in a folder that exists. What a crash left half written at its
 * end is cut off. ERR_MALFORMED: it was changed; ERR_IO; ERR_MEMORY; with the reason. */
enum err revoked_open(const char *folder, const char *name, int64_t now, struct revoked **out, struct reason *);
void revoked_close(struct revoked *); /* NULL is fine */
/* The descriptors that must stay open: the folder's and the file's. */
void revoked_descriptors(const struct revoked *, int fds[2]);
/* Takes an entry into memory, where revoked_find() sees it. Of one that is there already only the reason can change, to
 * keyCompromise. ERR_MEMORY; ERR_TOO_LARGE: there are REVOKED_MAX. */
enum err revoked_add(struct revoked *, const struct revoked_entry *);
/* Writes what was added and waits until it is on disk. ERR_IO: it is tried again with the next. */
enum err revoked_sync(struct revoked *);
/* NULL: not known as revoked. Borrowed until the next call. */
const struct revoked_entry *revoked_find(const struct revoked *, struct slice serial);
/* Forgets those whose certificates have ended, when there are enough of them. ERR_IO, ERR_MEMORY: nothing changed. */
enum err revoked_forget(struct revoked *, int64_t now);

#endif
