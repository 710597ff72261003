SRC += ipc/channel.c ipc/msg.c ipc/role.c ipc/wire.c
