# Sources of pebble-compat/, relative to the top folder.
SRC += pebble-compat/bind.c pebble-compat/command.c pebble-compat/flags.c pebble-compat/folder.c pebble-compat/golog.c \
	pebble-compat/hierarchy.c pebble-compat/keep.c pebble-compat/primes.c pebble-compat/quick_rsa.c pebble-compat/relay.c \
	pebble-compat/settings.c pebble-compat/surface.c pebble-compat/yaml.c
SRC += pebble-compat/challtestsrv/alpn.c pebble-compat/challtestsrv/answer.c pebble-compat/challtestsrv/challtestsrv.c \
	pebble-compat/challtestsrv/dns.c pebble-compat/challtestsrv/hello.c pebble-compat/challtestsrv/http.c \
	pebble-compat/challtestsrv/manage.c pebble-compat/challtestsrv/message.c \
	pebble-compat/challtestsrv/self_signed.c pebble-compat/challtestsrv/store.c pebble-compat/challtestsrv/stream.c \
	pebble-compat/challtestsrv/web.c
