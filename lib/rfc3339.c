#include <ctype.h>
#include <string.h>
#include <time.h>

#include "lib/rfc3339.h"

/* Reads exactly digits decimal digits and, when after isn't NUL, that character. */
static bool
number(const char **text, unsigned digits, char after, int *out)
{
	int value = 0;

	for (; digits > 0; digits--, (*text)++) {
		if (!isdigit((unsigned char)**text))
			return false;
		value = value * 10 + (**text - '0');
	}
	if (after != '\0' && *(*text)++ != after)
		return false;
	*out = value;
	return true;
}

/* "Z" or "+02:00", to the end of the text. */
static bool
offset(const char *text, int *seconds)
{
	int sign, hours, minutes;

	*seconds = 0;
	if ((text[0] == 'Z' || text[0] == 'z') && text[1] == '\0')
		return true;
	if (text[0] != '+' && text[0] != '-')
		return false;
	sign = *text++ == '-' ? -1 : 1;
	if (!number(&text, 2, ':', &hours) || !number(&text, 2, '\0', &minutes) || *text != '\0' ||
	    hours > 23 || minutes > 59)
		return false;
	*seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

bool
clock_parse_rfc3339(const char *text, int64_t *seconds)
{
	struct tm tm = { 0 }, again;
	int	  year, month, shift;
	time_t	  moment;

	if (!number(&text, 4, '-', &year) || !number(&text, 2, '-', &month) ||
	    !number(&text, 2, '\0', &tm.tm_mday) || strchr("Tt ", *text) == NULL || *text++ == '\0' ||
	    !number(&text, 2, ':', &tm.tm_hour) || !number(&text, 2, ':', &tm.tm_min) ||
	    !number(&text, 2, '\0', &tm.tm_sec))
		return false;
	if (*text == '.') {
		size_t zeros = strspn(++text, "0");

		if (zeros == 0)
			return false;
		text += zeros;
	}
	if (!offset(text, &shift))
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	again = tm;
	moment = timegm(&again);	/* normalises: a date that isn't comes back as another */
	if (again.tm_mday != tm.tm_mday || again.tm_mon != tm.tm_mon || again.tm_hour != tm.tm_hour ||
	    again.tm_min != tm.tm_min || again.tm_sec != tm.tm_sec)
		return false;
	*seconds = (int64_t)moment - shift;
	return true;
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
