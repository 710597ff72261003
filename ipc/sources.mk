SRC += ipc/msg_ocsp.c
SRC += ipc/admin.c ipc/channel.c ipc/msg.c ipc/role.c ipc/wire.c
