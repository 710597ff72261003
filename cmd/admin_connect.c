#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/admin.h"
#include "config/config.h"
#include "ipc/admin.h"
#include "lib/json.h"
#include "proc/folders.h"

/* The data folder of the configuration; on the heap, or NULL after a complaint. */
static char *
find_folder(const char *file)
{
	struct config *config = NULL;
	char *folder = NULL;
	enum err err = config_read(file, &config, stderr);

	if (err != ERR_OK)
		fprintf(stderr, "%s: %s; name the server's folder by --dir, or its configuration by --config\n", file,
		    err_text(err));
	else if ((folder = folders_data(config)) == NULL)
		fprintf(stderr, "%s: the database has no folder\n", file);
	config_free(config);
	return folder;
}

static void
complain(const char *folder, int error)
{
	struct stat st;

	if ((error == EACCES || error == EPERM) && stat(folder, &st) == 0)
		fprintf(stderr,
		    "no permission for %s/" ADMIN_SOCKET ": run this as root, or as user %u, who owns that folder\n",
		    folder, (unsigned)st.st_uid);
	else if (error == EACCES || error == EPERM)
		fprintf(stderr, "no permission for %s: run this as root, or as the user that runs the server\n", folder);
	else if (error == ECONNREFUSED || error == ENOENT)
		fprintf(stderr,
		    "the server is not running: nobody listens on %s/" ADMIN_SOCKET "; start it with `signet run`\n",
		    folder);
	else
		fprintf(stderr, "%s/" ADMIN_SOCKET ": %s\n", folder, strerror(error));
}

/* Through a descriptor of the folder: its path may be longer than the 107 bytes of a Unix socket's. */
static int
connect_in(const char *folder)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1, saved;

	if (dir < 0)
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" ADMIN_SOCKET, dir);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		saved = errno;
		close(fd);
		errno = saved;
		fd = -1;
	}
	saved = errno;
	close(dir);
	errno = saved;
	return fd;
}

int
admin_connect(const char *file)
{
	char *folder = find_folder(file);
	int fd;

	if (folder == NULL)
		return -1;
	if ((fd = connect_in(folder)) < 0)
		complain(folder, errno);
	free(folder);
	return fd;
}

/* One line of the answer. 0: more come; else the exit code, and one more. */
static int
take_line(const char *line, size_t len, void (*row)(const json_t *, void *), void *arg)
{
	json_t *json = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *error = json_object_get(json, "error");
	int code = 0;

	if (json_is_object(json_object_get(json, "row"))) {
		row(json_object_get(json, "row"), arg);
	} else if (json_is_object(json_object_get(json, "end"))) {
		code = 1 + 0;
	} else {
		fprintf(stderr, "%s\n",
		    error != NULL ? admin_text(error, "message") :
				    "the server's answer is none; is it another version of signet?");
		code = 1 + 1;
	}
	json_decref(json);
	return code;
}

int
admin_ask(int fd, const char *line, void (*row)(const json_t *, void *), void *arg)
{
	FILE *stream = fdopen(dup(fd), "r");
	size_t len = strlen(line), size = 0;
	char *text = NULL;
	ssize_t got;
	int code = 0;

	if (stream == NULL)
		abort();
	/* What turns a client away doesn't read, but has said why. */
	if (send(fd, line, len, MSG_NOSIGNAL) != (ssize_t)len && errno != EPIPE)
		fprintf(stderr, "the request can't be sent: %s\n", strerror(errno));
	while (code == 0 && (got = getline(&text, &size, stream)) > 0)
		code = take_line(text, (size_t)got, row, arg);
	if (code == 0)
		fputs("the server hung up before its answer was whole; its log may say why\n", stderr);
	free(text);
	fclose(stream);
	return code == 0 ? 1 : code - 1;
}
