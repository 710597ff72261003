/* wire.h: typed put and get. Big-endian fixed-width integers; bytes and strings with a length before
 * them. Never a struct's memory. A decoder reads every field, then asks wire_done(). */
#ifndef SIGNET_IPC_WIRE_H
#define SIGNET_IPC_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/id.h"

void	put_u8(struct buf *, uint8_t);
void	put_u16(struct buf *, uint16_t);
void	put_u32(struct buf *, uint32_t);
void	put_u64(struct buf *, uint64_t);
void	put_i64(struct buf *, int64_t);
void	put_bool(struct buf *, bool);
void	put_id(struct buf *, struct id);
void	put_bytes(struct buf *, struct slice);		/* u32 length, bytes */
void	put_str(struct buf *, const char *);		/* the same; NULL as empty */

/* Borrowed input. After the first bad read, bad stays set and every get gives zero or the empty slice. */
struct wire {
	const uint8_t	*next;
	const uint8_t	*end;
	bool		 bad;
};

struct wire	wire_of(struct slice);
uint8_t		get_u8(struct wire *);
uint16_t	get_u16(struct wire *);
uint32_t	get_u32(struct wire *);
uint64_t	get_u64(struct wire *);
int64_t		get_i64(struct wire *);
bool		get_bool(struct wire *);		/* bad unless 0 or 1 */
struct id	get_id(struct wire *);
/* Borrowed from the input; bad when longer than max or past the end. */
struct slice	get_bytes(struct wire *, size_t max);
/* Copies into out with a NUL; bad when it doesn't fit size or holds a NUL. */
void		get_str(struct wire *, char *out, size_t size);
/* A count of things that each take at least one byte: bad when over max. */
uint32_t	get_count(struct wire *, uint32_t max);
/* True when nothing was bad and every byte was read. */
bool		wire_done(const struct wire *);

#endif
