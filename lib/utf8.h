/* utf8.h: how long a character is. Pure. */
#ifndef SIGNET_LIB_UTF8_H
#define SIGNET_LIB_UTF8_H

#include <stddef.h>

/* The bytes of the character that text starts with: 1 to 4. 0 when it is none by RFC 3629 (overlong,
 * surrogate, over U+10FFFF, cut off) or len is 0. */
size_t	 utf8_length(const void *text, size_t len);

#endif
