SRC += ipc/admin.c ipc/channel.c ipc/msg.c ipc/msg_crl.c ipc/msg_ocsp.c ipc/role.c ipc/wire.c
