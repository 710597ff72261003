/* reason.h: why hostile input was refused, in words the person who sent it can act on. */
#ifndef SIGNET_LIB_REASON_H
#define SIGNET_LIB_REASON_H

#define REASON_MAX 320		/* a sentence with a 253-byte name in it */

struct reason {
	char text[REASON_MAX];	/* UTF-8, NUL-terminated; "" when nothing was said */
};

/* Formats into reason, cutting at the limit on a UTF-8 boundary. Bytes below 0x20 and 0x7f that
 * came in through arguments are replaced by '?'. NULL reason is fine. */
void reason_set(struct reason *, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
