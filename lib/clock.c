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

void
clock_shift(int64_t seconds)
{
	atomic_fetch_add_explicit(&shift, seconds, memory_order_relaxed);
}

static void
digits(char *out, int64_t n, int count)
{
	for (; count > 0; n /= 10)
		out[--count] = (char)('0' + n % 10);
}

/* Proleptic Gregorian calendar by hand: gmtime_r() would read the time zone file on its first call, which
 * a sandboxed role may not open. Years count from March, so that the leap day ends one; an era is the 400
 * years (146,097 days) after which the calendar repeats. */
void
clock_rfc3339(int64_t seconds, char out[CLOCK_RFC3339_SIZE])
{
	static const char	 shape[CLOCK_RFC3339_SIZE] = "0000-00-00T00:00:00Z";
	int64_t			 day, of_era, year_of_era, of_year, month, year;

	/* 0000-01-01T00:00:00Z to 9999-12-31T23:59:59Z: four digits hold no more. */
	if (seconds < -62167219200)
		seconds = -62167219200;
	if (seconds > 253402300799)
		seconds = 253402300799;
	seconds += 62162035200 + 146097LL * 86400;	/* since 1 March of the year -400 */
	day = seconds / 86400;
	seconds %= 86400;

	of_era = day % 146097;
	year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	month = (5 * of_year + 2) / 153;
	year = day / 146097 * 400 + year_of_era - 400 + (month >= 10);

	for (int i = 0; i < CLOCK_RFC3339_SIZE; i++)
		out[i] = shape[i];
	digits(out, year, 4);
	digits(out + 5, month < 10 ? month + 3 : month - 9, 2);
	digits(out + 8, of_year - (153 * month + 2) / 5 + 1, 2);
	digits(out + 11, seconds / 3600, 2);
	digits(out + 14, seconds / 60 % 60, 2);
	digits(out + 17, seconds % 60, 2);
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
