#include "x509/crl_entries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "x509/der.h"

enum { INTEGER = 0x02, SEQUENCE = 0x30, UTC_TIME = 0x17, GENERALIZED_TIME = 0x18 };

#define UTC_TIME_END INT64_C(2524608000) /* 2050: RFC 5280, 5.1.2.6 */

/* The number without leading zeros. */
static struct slice
serial_number(const struct crl_entry *entry)
{
	size_t zeros = 0;

	while (zeros + 1 < entry->serial_len && entry->serial[zeros] == 0)
		zeros++;
	return slice_of(entry->serial + zeros, entry->serial_len - zeros);
}

static int
compare_serials(const void *a, const void *b)
{
	struct slice one = serial_number(a), two = serial_number(b);

	if (one.len != two.len)
		return one.len < two.len ? -1 : 1;
	return memcmp(one.data, two.data, one.len);
}

static void
serial_put(struct buf *out, const struct crl_entry *entry)
{
	struct slice number = serial_number(entry);
	uint8_t content[CRL_SERIAL_MAX + 1] = { 0 };
	size_t sign = number.data[0] >= 0x80 ? 1 : 0; /* else it would be negative */

	memcpy(content + sign, number.data, number.len);
	der_put(out, INTEGER, slice_of(content, sign + number.len));
}

static void
time_put(struct buf *out, int64_t seconds)
{
	time_t when = (time_t)seconds;
	char text[32];
	struct tm tm;

	if (gmtime_r(&when, &tm) == NULL)
		abort();
	strftime(text, sizeof(text), seconds < UTC_TIME_END ? "%y%m%d%H%M%SZ" : "%Y%m%d%H%M%SZ", &tm);
	der_put(out, seconds < UTC_TIME_END ? UTC_TIME : GENERALIZED_TIME, slice_str(text));
}

/* RFC 5280, 5.3.1: a reasonCode extension; unspecified is said by saying nothing. */
static void
reason_put(struct buf *out, enum revocation_reason reason)
{
	uint8_t extensions[] = { SEQUENCE, 12, SEQUENCE, 10, 0x06, 3, 0x55, 0x1d, 0x15, 0x04, 3, 0x0a, 1, (uint8_t)reason };

	if (reason != REVOCATION_NONE && reason != REVOCATION_UNSPECIFIED)
		buf_put(out, extensions, sizeof(extensions));
}

enum err
crl_entries_put(struct buf *out, const struct crl_entry *entries, size_t count)
{
	struct crl_entry *sorted = calloc(count + 1, sizeof(*sorted));
	struct buf list = { 0 }, one = { 0 };

	if (sorted == NULL)
		return ERR_MEMORY;
	if (count > 0)
		memcpy(sorted, entries, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_serials);
	for (size_t i = 0; i < count; i++) {
		buf_clear(&one);
		serial_put(&one, &sorted[i]);
		time_put(&one, sorted[i].revoked);
		reason_put(&one, sorted[i].reason);
		der_put(&list, SEQUENCE, buf_slice(&one));
	}
	if (count > 0)
		der_put(out, SEQUENCE, buf_slice(&list));
	out->failed = out->failed || list.failed || one.failed;
	buf_free(&list);
	buf_free(&one);
	free(sorted);
	return out->failed ? ERR_MEMORY : ERR_OK;
}
