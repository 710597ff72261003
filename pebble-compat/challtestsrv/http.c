#include "pebble-compat/challtestsrv/http.h"

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define CONNECTION_MEMORY 65536		/* of request line and headers; clients send a KiB */
#define SERVER_NAME_SIZE 256

struct http {
	struct MHD_Daemon		*daemon;
	const struct http_service	*service;
	struct store			*store;
	int				 fd;
};

/* What is gathered of a request. */
struct exchange {
	char		*target;
	struct buf	 body;
	bool		 begun, too_large;
};

static void *
on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
	struct exchange *e = calloc(1, sizeof(*e));

	(void)cls;
	(void)connection;
	if (e != NULL)
		e->target = strdup(target);
	return e;
}

static void
on_completed(void *cls, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode code)
{
	struct exchange *e = *context;

	(void)cls;
	(void)connection;
	(void)code;
	if (e == NULL)
		return;
	buf_free(&e->body);
	free(e->target);
	free(e);
	*context = NULL;
}

static const char *
header_get(struct MHD_Connection *connection, const char *name)
{
	const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);

	return value != NULL ? value : "";
}

/* "" when the client named none, or one that is no name of a host. */
static void
server_name_get(struct MHD_Connection *connection, char out[SERVER_NAME_SIZE])
{
	const union MHD_ConnectionInfo	*info;
	size_t				 len = SERVER_NAME_SIZE;
	unsigned			 type;

	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (info == NULL || info->tls_session == NULL ||
	    gnutls_server_name_get(info->tls_session, out, &len, &type, 0) != GNUTLS_E_SUCCESS)
		out[0] = '\0';
}

static enum MHD_Result
answer_send(struct http *http, struct MHD_Connection *connection, struct http_answer *answer)
{
	struct MHD_Response	*response;
	enum MHD_Result		 result = MHD_NO;
	bool			 ok = true;

	response = answer->body.failed ? NULL :
	    MHD_create_response_from_buffer(answer->body.len, answer->body.data, MHD_RESPMEM_MUST_COPY);
	if (response == NULL)
		return MHD_NO;
	if (answer->type != NULL)
		ok = MHD_add_response_header(response, "Content-Type", answer->type) == MHD_YES;
	if (answer->location != NULL)
		ok = MHD_add_response_header(response, "Location", answer->location) == MHD_YES && ok;
	if (http->service->close || answer->status == MHD_HTTP_CONTENT_TOO_LARGE)
		ok = MHD_add_response_header(response, "Connection", "close") == MHD_YES && ok;
	if (ok)
		result = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result
serve(struct http *http, struct MHD_Connection *connection, const char *path, const char *method, struct exchange *e)
{
	char			server_name[SERVER_NAME_SIZE];
	struct http_request	request = {
		.method = method, .path = path, .target = e->target != NULL ? e->target : path,
		.host = header_get(connection, "Host"), .user_agent = header_get(connection, "User-Agent"),
		.tls = http->service->certificate != NULL, .server_name = server_name,
		.body = buf_slice(&e->body),
	};
	struct http_answer	answer = { .status = MHD_HTTP_OK };
	enum MHD_Result		result;

	server_name_get(connection, server_name);
	if (e->too_large) {
		answer.status = MHD_HTTP_CONTENT_TOO_LARGE;
		answer.type = "text/plain; charset=utf-8";
		buf_printf(&answer.body, "the body is larger than %d bytes\n", HTTP_BODY_MAX);
	} else {
		http->service->serve(http->store, &request, &answer);
	}
	result = answer_send(http, connection, &answer);
	buf_free(&answer.body);
	free(answer.location);
	return result;
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *connection, const char *path, const char *method, const char *version,
    const char *upload, size_t *upload_len, void **context)
{
	struct exchange *e = *context;

	(void)version;
	if (e == NULL)
		return MHD_NO;
	if (!e->begun) {
		e->begun = true;
		return MHD_YES;
	}
	if (*upload_len == 0)
		return e->body.failed ? MHD_NO : serve(cls, connection, path, method, e);
	if (e->body.len + *upload_len > HTTP_BODY_MAX)
		e->too_large = true;
	else
		buf_put(&e->body, upload, *upload_len);
	*upload_len = 0;
	return MHD_YES;
}

struct http *
http_start(int fd, const struct http_service *service, struct store *store)
{
	struct http		*http = calloc(1, sizeof(*http));
	bool			 tls = service->certificate != NULL;
	unsigned		 threads = service->may_wait ?
	    MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_THREAD_PER_CONNECTION : MHD_USE_EPOLL_INTERNAL_THREAD;
	struct MHD_OptionItem	 secure[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)service->certificate },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)service->key },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem	 none[] = { { MHD_OPTION_END, 0, NULL } };

	if (http == NULL) {
		close(fd);
		return NULL;
	}
	http->service = service;
	http->store = store;
	http->daemon = MHD_start_daemon(threads | (tls ? MHD_USE_TLS : 0), 0, NULL, NULL, on_request, http,
	    MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
	    MHD_OPTION_CONNECTION_TIMEOUT, service->idle,
	    MHD_OPTION_URI_LOG_CALLBACK, on_target, NULL,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
	    MHD_OPTION_ARRAY, tls ? secure : none,
	    MHD_OPTION_END);
	if (http->daemon == NULL) {
		close(fd);
		free(http);
		return NULL;
	}
	return http;
}

void
http_stop(struct http *http)
{
	if (http == NULL)
		return;
	MHD_stop_daemon(http->daemon);		/* closes the socket too */
	free(http);
}
