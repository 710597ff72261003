/* record.h: what a validation did, hop by hop, as JSON for people: Boulder's validationRecord. Pure. */
#ifndef SIGNET_VA_RECORD_H
#define SIGNET_VA_RECORD_H

#include <jansson.h>
#include <stddef.h>

#include "lib/address.h"
#include "va/url.h"

/* Appends {"url", "hostname", "port", "addressesResolved", "addressUsed"} to the array, without "url" when its
 * text is empty; used NULL: none; servers is who
 * was asked, "resolverAddrs", NULL or empty: nobody. A hop for which memory is out is missing from the record. */
void	 record_add(json_t *array, const struct url *, const struct address *resolved, size_t count,
    const struct address *used, const char *servers);
/* Appends {"hostname", "resolverAddrs"}: a look-up without a connection. */
void	 record_add_dns(json_t *array, const char *name, const char *servers);
/* Adds a TXT record's text to the look-up that was appended last, "txt"; the first RECORD_TXT_MAX of them. */
#define RECORD_TXT_MAX 6
void	 record_add_txt(json_t *array, struct slice text);
/* The array in words, for the log: "nas.lan, asked of 10.0.0.53:53, resolved to 10.0.0.7, tried 10.0.0.7 port 80; ...". */
void	 record_words(const json_t *array, char *out, size_t size);
/* The array as text in out; as many of the last hops as fit. "[]" at the least. */
void	 record_text(const json_t *array, char *out, size_t size);

#endif
