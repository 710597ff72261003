SRC += va/body.c va/check.c va/dial.c va/fetch.c va/http_01.c va/method.c va/probe.c va/record.c va/resolver.c \
	va/server_set.c va/sockets.c va/target.c va/tls_alpn_01.c va/url.c va/va.c
