SRC += lib/address.c lib/base64url.c lib/buf.c lib/chance.c lib/clock.c lib/err.c lib/file.c lib/id.c lib/json.c lib/log.c lib/map.c lib/memory.c \
	lib/reason.c lib/rfc3339.c lib/utf8.c
