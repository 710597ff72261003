# The ACME load generator: a client, so it shares only byte helpers with the server.
BENCH_SRC = $(addprefix tests/bench/,answer.c idle.c issue.c keys.c load.c method.c options.c record.c report.c responder.c \
	session.c stats.c tls.c usage.c verify.c)
BENCH     = $(BUILD)/tests/bench/load

$(BENCH): $(BENCH_SRC:%.c=$(BUILD)/%.o) $(BUILD)/lib/buf.o $(BUILD)/lib/memory.o $(BUILD)/lib/base64url.o
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(shell pkg-config --libs libcurl libssl libcrypto jansson)
