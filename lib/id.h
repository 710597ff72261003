/* id.h: 128-bit object ids: 48 bits of milliseconds, then 80 random bits. They insert in order and
 * can't be guessed. As text: 22 characters of base64url. */
#ifndef SIGNET_LIB_ID_H
#define SIGNET_LIB_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ID_SIZE 16
#define ID_TEXT_SIZE 23		/* 22 characters and the NUL */

struct id {
	uint8_t bytes[ID_SIZE];
};

struct id id_new(void);			/* aborts when the CSPRNG fails */
/* 63 random bits, not zero, in its last eight bytes; nothing else. For surfaces whose ids are short. */
struct id id_short(void);
struct id id_last(void);		/* after all others: where a walk backwards begins */
bool	 id_is_zero(struct id);
bool	 id_eq(struct id, struct id);
int64_t	 id_time_ms(struct id);		/* when it was made, milliseconds since 1970 */
void	 id_text(struct id, char out[ID_TEXT_SIZE]);
/* False unless text is exactly the 22 characters that id_text() would give for *out. */
bool	 id_parse(const char *text, size_t len, struct id *out);

#endif
