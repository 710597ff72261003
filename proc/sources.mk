# Sources of proc/, relative to the top folder.
SRC += proc/children.c
SRC += proc/drop.c
SRC += proc/folders.c
SRC += proc/landlock.c
SRC += proc/listeners.c
SRC += proc/order.c
SRC += proc/proc.c
SRC += proc/role.c
SRC += proc/sandbox.c
SRC += proc/spawn.c
SRC += proc/start.c
SRC += proc/supervisor.c
SRC += proc/trace.c
SRC += proc/trim.c
SRC += proc/user.c
