SRC += wfe/ocsp.c
SRC += wfe/access_log.c wfe/answer.c wfe/check.c wfe/connections.c wfe/crls.c wfe/directory.c wfe/handshake.c wfe/hops.c wfe/in_flight.c wfe/listen.c \
	wfe/management.c wfe/metrics.c wfe/nonce_stock.c wfe/plain.c wfe/quotas.c wfe/reader.c wfe/reply.c wfe/request.c wfe/tls.c wfe/turns.c wfe/wfe.c
