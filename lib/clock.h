/* clock.h: the only source of time. All of signet asks here. */
#ifndef SIGNET_LIB_CLOCK_H
#define SIGNET_LIB_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lib/rfc3339.h"

int64_t clock_now(void);		/* seconds since 1970, UTC */
int64_t clock_now_ms(void);		/* the same in milliseconds */
int64_t clock_monotonic_ms(void);	/* for durations and deadlines; never steps */
int64_t clock_monotonic_us(void);
/* That many milliseconds from now by CLOCK_MONOTONIC: for pthread_cond_clockwait(). */
struct timespec clock_after_ms(int64_t);

/* Moves clock_now() and clock_now_ms() by that much from now on; for tests and preset pebble. */
void clock_shift(int64_t seconds);

/* RFC 9110, 5.6.7: "Mon, 23 Nov 2026 14:49:48 GMT" and its NUL. */
#define CLOCK_HTTP_SIZE 30
void clock_http_date(int64_t seconds, char out[CLOCK_HTTP_SIZE]);

#endif
