#include <ctype.h>
#include <string.h>
#include <time.h>

#include "lib/clock.h"

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
