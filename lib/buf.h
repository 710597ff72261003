/* buf.h: bytes that grow, and bytes that are borrowed. */
#ifndef SIGNET_LIB_BUF_H
#define SIGNET_LIB_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes; whoever hands one out says how long they live. data may be NULL when len is 0. */
struct slice {
	const uint8_t	*data;
	size_t		 len;
};

struct slice	slice_of(const void *data, size_t len);
struct slice	slice_str(const char *);		/* NULL gives the empty slice */
bool		slice_eq(struct slice, struct slice);
bool		slice_eq_str(struct slice, const char *);
/* A NUL-terminated copy on the heap; NULL when memory is out or the bytes hold a NUL. */
char		*slice_dup(struct slice);

/* Owned bytes. Zero-initialised is empty and valid. After an allocation fails, failed stays set and
 * every later put is ignored, so callers check once, at the end. */
struct buf {
	uint8_t	*data;
	size_t	 len;
	size_t	 cap;
	bool	 failed;
};

void	 buf_put(struct buf *, const void *, size_t);
void	 buf_put_byte(struct buf *, uint8_t);
void	 buf_put_str(struct buf *, const char *);
void	 buf_printf(struct buf *, const char *, ...) __attribute__((format(printf, 2, 3)));
void	 buf_clear(struct buf *);		/* length 0, memory and failed kept */
void	 buf_free(struct buf *);		/* back to zero-initialised; NULL is fine */
void	 buf_cleanse(struct buf *);		/* buf_free() after overwriting: for secrets */
struct slice buf_slice(const struct buf *);	/* borrowed until the next put */
/* Hands the bytes over as a NUL-terminated string (NULL when failed) and empties the buf. */
char	*buf_take_str(struct buf *);

#endif
