/* Landlock by its system calls. Debian 12's headers know its first two versions; the kernel underneath
 * often knows more, so the structs and bits of versions 1 to 6 stand here, from the kernel's documentation
 * (userspace-api/landlock). What a kernel handles beyond that is left alone. */
#include "proc/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RULESET_VERSION	 1u	/* flag of landlock_create_ruleset: only ask */
#define RULE_PATH_BENEATH 1

#define FS_WRITE_FILE	 (UINT64_C(1) << 1)
#define FS_READ_FILE	 (UINT64_C(1) << 2)
#define FS_READ_DIR	 (UINT64_C(1) << 3)
#define FS_REMOVE_FILE	 (UINT64_C(1) << 5)
#define FS_MAKE_REG	 (UINT64_C(1) << 8)
#define FS_TRUNCATE	 (UINT64_C(1) << 14)
#define FS_WRITABLE	 (FS_WRITE_FILE | FS_READ_FILE | FS_READ_DIR | FS_REMOVE_FILE | FS_MAKE_REG | \
	FS_TRUNCATE)
#define NET_BIND_TCP	 (UINT64_C(1) << 0)
#define NET_CONNECT_TCP	 (UINT64_C(1) << 1)
#define SCOPE_ALL	 UINT64_C(3)	/* abstract Unix sockets, signals */

struct ruleset_attr {
	uint64_t	fs;
	uint64_t	net;		/* from version 4 */
	uint64_t	scoped;		/* from version 6 */
};

struct path_beneath_attr {
	uint64_t	allowed;
	int32_t		parent;
} __attribute__((packed));

/* All rights on files that a version knows: 13 bits, then refer (2), truncate (3), ioctl on devices (5). */
static uint64_t
fs_rights(long version)
{
	unsigned bits = version >= 5 ? 16 : version >= 3 ? 15 : version >= 2 ? 14 : 13;

	return (UINT64_C(1) << bits) - 1;
}

static size_t
attr_size(long version)
{
	return version >= 6 ? 24 : version >= 4 ? 16 : 8;
}

static enum err
allow_writable(int ruleset, const char *path, uint64_t handled)
{
	struct path_beneath_attr rule = { .allowed = FS_WRITABLE & handled };
	long			 failed;

	if ((rule.parent = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
		return ERR_IO;
	failed = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent);
	return failed != 0 ? ERR_IO : ERR_OK;
}

enum err
landlock_enter(const struct sandbox *sandbox)
{
	long			version = syscall(SYS_landlock_create_ruleset, NULL, 0, RULESET_VERSION);
	struct ruleset_attr	attr = { .fs = fs_rights(version), .scoped = SCOPE_ALL };
	enum err		err = ERR_IO;
	int			ruleset, saved;

	if (version < 1)
		return ERR_UNSUPPORTED;
	if (!sandbox->tcp_bind)
		attr.net |= NET_BIND_TCP;
	if (!sandbox->tcp_connect)
		attr.net |= NET_CONNECT_TCP;
	if ((ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, attr_size(version), 0)) < 0)
		return ERR_IO;
	if ((sandbox->writable == NULL || allow_writable(ruleset, sandbox->writable, attr.fs) == ERR_OK) &&
	    syscall(SYS_landlock_restrict_self, ruleset, 0) == 0)
		err = ERR_OK;
	saved = errno;
	close(ruleset);
	errno = saved;
	return err;
}
