/* renewal.h: when a certificate should be renewed. Pure. */
#ifndef SIGNET_RA_RENEWAL_H
#define SIGNET_RA_RENEWAL_H

#include <stdint.h>

/* The window that RFC 9773, 4.2, suggests, for a certificate of that validity, as Boulder has it: around two thirds
 * of its life, or its half when it lives less than ten days; 4 % of its life wide. */
void renewal_window(int64_t not_before, int64_t not_after, int64_t half, int64_t *start, int64_t *end);

#endif
