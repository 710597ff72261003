/* rfc3339.h: moments as text. They ask for no time, so that pure code may have them. */
#ifndef SIGNET_LIB_RFC3339_H
#define SIGNET_LIB_RFC3339_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_RFC3339_SIZE 21		/* "2026-11-23T14:49:48Z" and its NUL */
void clock_rfc3339(int64_t seconds, char out[CLOCK_RFC3339_SIZE]);

/* Reads RFC 3339's date-time, any offset, whole seconds (a fraction of zeros is fine; X.509 has no other).
 * False when it is none, or names a moment that isn't (February 30). */
bool clock_parse_rfc3339(const char *, int64_t *seconds);

#endif
