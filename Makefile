# signet: `make run` builds it and runs a demo CA; `make test` proves it. CONTRIBUTING.md explains the rest.
#
#   SAN=address,undefined | SAN=thread   a sanitizer build, in a build folder of its own
#   CC=gcc | CC=clang                    both are kept clean
#   FUZZ_SECONDS=60                      how long `make fuzz` gives each target

CC       = gcc
SAN      =
PREFIX   = /usr/local
DESTDIR  =
VERSION  = 0.1.0
FUZZ_SECONDS = 60
# Debian's own Python: the test packages belong to it.
PYTHON   = /usr/bin/python3

# V=1 shows the commands.
Q        = $(if $(V),,@)

comma    := ,
BUILD    := build/$(CC)$(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(COVERAGE),-coverage)

include $(foreach d,lib jose acme x509 ipc config proc wfe ra va ca storage cmd,$(d)/sources.mk)

LIBRARIES = libmicrohttpd gnutls libcrypto sqlite3 libcares jansson yaml-0.1 libcurl libuv libidn2 libseccomp

WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wvla -Werror
HARDEN   = -fstack-protector-strong -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2) \
	$(if $(filter gcc,$(CC)),-fstack-clash-protection) -fcf-protection
CFLAGS   = -O2 -g
ALL_CFLAGS = -std=gnu11 -I. $(WARNINGS) $(HARDEN) -pthread -DSIGNET_VERSION='"$(VERSION)"' -D_GNU_SOURCE \
	$(shell pkg-config --cflags $(LIBRARIES)) $(CFLAGS) \
	$(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer) $(if $(COVERAGE),--coverage -O0)
ALL_LDFLAGS = -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS) $(if $(SAN),-fsanitize=$(SAN)) \
	$(if $(COVERAGE),--coverage)
LDLIBS   = $(shell pkg-config --libs $(LIBRARIES))

OBJ      = $(SRC:%.c=$(BUILD)/%.o) $(GENERATED:%.c=$(BUILD)/%.o)
ARCHIVE  = $(BUILD)/libsignet.a
PROGRAM  = $(BUILD)/signet

UNIT     = $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
REPLAY   = $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZERS  = $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all run test unit replay integration clients fuzz bench chaos lint format coverage install clean deps \
	test-deps

all: $(PROGRAM)

$(PROGRAM): $(BUILD)/cmd/main.o $(ARCHIVE)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(ARCHIVE): $(OBJ)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  cc    $<"
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: $(BUILD)/%.c
	@mkdir -p $(@D)
	@echo "  cc    $<"
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(ARCHIVE)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS) $(shell pkg-config --libs cmocka)

$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/replay.o $(ARCHIVE)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

-include $(shell find build -name '*.d' 2>/dev/null)

unit: $(UNIT)
	@set -e; for t in $(UNIT); do echo "== $$t"; $$t; done

replay: $(REPLAY)
	@set -e; for t in $(REPLAY); do n=$$(basename $$t); $$t tests/fuzz/corpus/$${n#fuzz_}; done

clean:
	rm -rf build
