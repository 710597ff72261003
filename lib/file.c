/* file.c: whole small files. */
#include "lib/file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err
read_all(int fd, size_t max, struct buf *out)
{
	size_t		 before = out->len;
	uint8_t		 chunk[4096];
	enum err	 err = ERR_OK;
	ssize_t		 n;

	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err = ERR_IO;
			break;
		}
		if ((size_t)n > max - (out->len - before)) {
			err = ERR_TOO_LARGE;
			break;
		}
		buf_put(out, chunk, (size_t)n);
		if (out->failed) {
			err = ERR_MEMORY;
			break;
		}
	}
	/* The file may be a private key. */
	OPENSSL_cleanse(chunk, sizeof(chunk));
	if (err != ERR_OK)
		out->len = before;
	return err;
}

enum err
file_read(const char *path, size_t max, struct buf *out)
{
	enum err	 err;
	int		 fd, saved;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
	err = read_all(fd, max, out);
	saved = errno;
	close(fd);
	errno = saved;
	return err;
}

static enum err
write_all(int fd, struct slice s)
{
	while (s.len > 0) {
		ssize_t	 n = write(fd, s.data, s.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_IO;
		s.data += n;
		s.len -= (size_t)n;
	}
	return ERR_OK;
}

/* A new name is durable only once its folder is. */
static enum err
folder_sync(const char *path)
{
	const char	*slash = strrchr(path, '/');
	char		*folder;
	enum err	 err;
	int		 fd, saved;

	if (slash == NULL)
		folder = strdup(".");
	else
		folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (folder == NULL)
		return ERR_MEMORY;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0)
		return ERR_IO;
	err = fsync(fd) == 0 ? ERR_OK : ERR_IO;
	saved = errno;
	close(fd);
	errno = saved;
	return err;
}

enum err
file_create(const char *path, mode_t mode, struct slice bytes)
{
	enum err	 err = ERR_IO;
	int		 fd, saved;

	/* Nobody else may open it until it is whole; fchmod() then gives the mode whatever the umask. */
	if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, mode & S_IRWXU)) < 0)
		return errno == EEXIST ? ERR_EXISTS : ERR_IO;
	if (write_all(fd, bytes) == ERR_OK && fchmod(fd, mode) == 0 && fsync(fd) == 0)
		err = folder_sync(path);
	saved = errno;
	if (close(fd) != 0 && err == ERR_OK) {
		saved = errno;
		err = ERR_IO;
	}
	if (err != ERR_OK)
		unlink(path);
	errno = saved;
	return err;
}

char *
file_join(const char *dir, const char *name)
{
	struct buf	 b = { 0 };

	if (name[0] != '/') {
		buf_put_str(&b, dir);
		buf_put_byte(&b, '/');
	}
	buf_put_str(&b, name);
	return buf_take_str(&b);
}
