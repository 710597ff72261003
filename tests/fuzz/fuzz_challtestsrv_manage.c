/* A management request: its path is the first line, its body the rest. What it leaves behind must give an answer to a
 * DNS query and to a request by HTTP. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pebble-compat/challtestsrv/answer.h"
#include "pebble-compat/challtestsrv/manage.h"
#include "pebble-compat/challtestsrv/web.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
request(struct store *store, http_serve *serve, const char *path, struct slice body)
{
	char			none[] = "";
	struct http_request	r = { .method = "POST", .path = path, .target = path, .host = "a", .user_agent = "",
		.server_name = none, .body = body };
	struct http_answer	answer = { .status = 200 };

	serve(store, &r, &answer);
	if (answer.body.failed || (serve == manage_serve && answer.status != 200 && answer.body.len < 2))
		abort();
	free(answer.location);
	buf_free(&answer.body);
}

static void
use(struct store *store)
{
	static const uint8_t	types[] = { 1, 5, 16, 28 };
	uint8_t			packet[] = "\0\0\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1";
	struct dns_query	query;

	for (size_t i = 0; i < sizeof(types); i++) {
		struct buf	out = { 0 };
		enum err	err;

		packet[16] = types[i];
		err = answer(store, slice_of(packet, sizeof(packet) - 1), "", &query, &out);
		if (err != ERR_OK && err != ERR_BUSY)
			abort();
		buf_free(&out);
	}
	request(store, web_http01, "/.well-known/acme-challenge/a", slice_of(NULL, 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t	*end = size > 0 ? memchr(data, '\n', size) : NULL;
	struct store	*store = store_new();
	size_t		 len = end != NULL ? (size_t)(end - data) : size;
	char		*path = strndup((const char *)data, len);
	static int	 null = -1, out;

	if (store == NULL || path == NULL)
		abort();
	if (null == -1) {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		manage_open(MANAGE_HTTP | MANAGE_DNS | MANAGE_TLSALPN);
	}
	/* It logs what it did. */
	out = dup(STDOUT_FILENO);
	(void)dup2(null, STDOUT_FILENO);
	request(store, manage_serve, path, end != NULL ? slice_of(end + 1, size - len - 1) : slice_of(NULL, 0));
	use(store);
	(void)dup2(out, STDOUT_FILENO);
	close(out);
	free(path);
	store_free(store);
	return 0;
}
