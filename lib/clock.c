/* clock.c: the only source of time. */
#include "lib/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static _Atomic int64_t shift;	/* seconds */

static int64_t
clock_us(clockid_t id)
{
	struct timespec	 t;

	if (clock_gettime(id, &t) != 0)
		abort();
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t
clock_now_ms(void)
{
	return clock_us(CLOCK_REALTIME) / 1000 + atomic_load_explicit(&shift, memory_order_relaxed) * 1000;
}

int64_t
clock_now(void)
{
	return clock_now_ms() / 1000;
}

int64_t
clock_monotonic_ms(void)
{
	return clock_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
clock_monotonic_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

struct timespec
clock_after_ms(int64_t ms)
{
	int64_t at = clock_us(CLOCK_MONOTONIC) + ms * 1000;

	return (struct timespec){ .tv_sec = at / 1000000, .tv_nsec = at % 1000000 * 1000 };
}

void
clock_shift(int64_t seconds)
{
	atomic_fetch_add_explicit(&shift, seconds, memory_order_relaxed);
}

void
clock_http_date(int64_t seconds, char out[CLOCK_HTTP_SIZE])
{
	static const char *const days[] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };	/* 1970 began so */
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
		"Dec" };
	char	 text[CLOCK_RFC3339_SIZE];
	int64_t	 day = seconds / 86400;

	if (seconds < 0)
		seconds = day = 0;
	clock_rfc3339(seconds, text);
	snprintf(out, CLOCK_HTTP_SIZE, "%s, %.2s %s %.4s %.8s GMT", days[day % 7], text + 8,
	    months[((text[5] - '0') * 10 + text[6] - '0' - 1) % 12], text, text + 11);
}
