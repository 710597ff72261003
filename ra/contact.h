/* contact.h: account contacts (RFC 8555, 7.3). Pure. */
#ifndef SIGNET_RA_CONTACT_H
#define SIGNET_RA_CONTACT_H

#include <jansson.h>
#include <stdbool.h>

#include "acme/problem.h"

#define CONTACTS_MAX 10		/* more is no address book of a person */

/* contact is the request's member, or NULL. On true, *out is a JSON array text that the caller frees.
 * False with malformed, invalidContact or unsupportedContact. */
bool contact_check(const json_t *contact, size_t max, char **out, struct problem *);

#endif
