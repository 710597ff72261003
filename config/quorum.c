#include "config/quorum.h"

#include <string.h>

size_t
quorum_failures(const struct va_config *va)
{
	size_t most = va->perspective_count > 0 ? va->perspective_count - 1 : 0;

	if (va->quorum_failures != QUORUM_BY_NUMBER)
		return (size_t)va->quorum_failures < most ? (size_t)va->quorum_failures : most;
	/* CA/Browser Forum, 3.2.2.9. */
	return va->perspective_count < 2 ? 0 : va->perspective_count < 6 ? 1 : 2;
}

/* How many regions the set spans. */
static size_t
regions(const struct va_config *va, uint32_t set)
{
	size_t count = 0;

	for (size_t i = 0; i < va->perspective_count; i++) {
		bool first = (set & 1u << i) != 0;

		for (size_t j = 0; first && j < i; j++)
			first = (set & 1u << j) == 0 ||
			    strcmp(va->perspectives[i].region, va->perspectives[j].region) != 0;
		count += first;
	}
	return count;
}

bool
quorum_reached(const struct va_config *va, uint32_t agreed)
{
	if (va->perspective_count == 0)
		return true;
	return (size_t)__builtin_popcount(agreed) + quorum_failures(va) >= va->perspective_count &&
	    regions(va, agreed) >= (size_t)va->quorum_regions;
}

bool
quorum_lost(const struct va_config *va, uint32_t failed)
{
	uint32_t all = (1u << va->perspective_count) - 1;

	return !quorum_reached(va, all & ~failed);
}
