#include "proc/start.h"

#include <string.h>

#include "ipc/msg.h"
#include "ipc/wire.h"

void
start_put(struct buf *out, const struct start *start)
{
	put_u32(out, (uint32_t)start->count);
	for (size_t i = 0; i < start->count; i++) {
		put_u8(out, start->fds[i].fd);
		put_u8(out, (uint8_t)start->fds[i].listener);
		put_u8(out, (uint8_t)start->fds[i].peer);
	}
	put_bytes(out, start->config);
	put_bytes(out, slice_of(start->secret, sizeof(start->secret)));
}

static bool
start_fd_ok(const struct start_fd *f, size_t place)
{
	if (f->fd != START_FIRST_FD + place || f->listener > LISTENER_MANAGEMENT || f->peer >= ROLE_COUNT)
		return false;
	return (f->listener == 0) != (f->peer == ROLE_SUPERVISOR);
}

bool
start_get(struct slice body, struct start *start)
{
	struct wire	w = wire_of(body);
	struct slice	secret;

	*start = (struct start){ .count = get_count(&w, START_FDS_MAX) };
	for (size_t i = 0; i < start->count; i++) {
		struct start_fd *f = &start->fds[i];

		f->fd = get_u8(&w);
		f->listener = (enum listener_kind)get_u8(&w);
		f->peer = (enum role)get_u8(&w);
		if (!start_fd_ok(f, i))
			return false;
	}
	start->config = get_bytes(&w, MSG_MAX);
	secret = get_bytes(&w, sizeof(start->secret));
	if (secret.len != sizeof(start->secret))
		return false;
	memcpy(start->secret, secret.data, secret.len);
	return wire_done(&w);
}
