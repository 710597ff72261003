# signet: `make run` builds it and runs a demo CA; `make test` proves it. CONTRIBUTING.md explains the rest.
#
#   SAN=address,undefined | SAN=thread   a sanitizer build, in a build folder of its own
#   CC=gcc | CC=clang                    both are kept clean
#   FUZZ_SECONDS=60                      how long `make fuzz` gives each target
#   JOBS=4                               how many processes run the integration and client tests

CC       = gcc
SAN      =
PREFIX   = /usr/local
DESTDIR  =
VERSION  = 0.1.0
FUZZ_SECONDS = 60
JOBS     = 4
# Debian's own Python: the test packages belong to it.
PYTHON   = /usr/bin/python3

# V=1 shows the commands.
Q        = $(if $(V),,@)

comma    := ,
BUILD    := build/$(CC)$(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(COVERAGE),-coverage)

include $(foreach d,lib jose acme x509 ipc config proc wfe ra va ca storage pebble-compat cmd,$(d)/sources.mk)

include tests/bench/sources.mk

LIBRARIES = libmicrohttpd gnutls libssl libcrypto sqlite3 jansson yaml-0.1 libcurl libuv libidn2 libpsl libseccomp

WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wvla -Werror
HARDEN   = -fstack-protector-strong -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2) \
	$(if $(filter gcc,$(CC)),-fstack-clash-protection) -fcf-protection
CFLAGS   = -O2 -g
ALL_CFLAGS = -std=gnu11 -I. $(WARNINGS) $(HARDEN) -pthread -DSIGNET_VERSION='"$(VERSION)"' -D_GNU_SOURCE \
	$(shell pkg-config --cflags $(LIBRARIES)) $(CFLAGS) \
	$(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer) $(if $(COVERAGE),--coverage -O0 -Wno-format-truncation) \
	$(if $(FUZZING),-fsanitize=fuzzer-no-link)
ALL_LDFLAGS = -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS) $(if $(SAN),-fsanitize=$(SAN)) \
	$(if $(COVERAGE),--coverage)
LDLIBS   = $(shell pkg-config --libs $(LIBRARIES))

OBJ      = $(SRC:%.c=$(BUILD)/%.o) $(GENERATED:%.c=$(BUILD)/%.o)
ARCHIVE  = $(BUILD)/libsignet.a
PROGRAM  = $(BUILD)/signet
include tests/chaos/sources.mk

UNIT     = $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
REPLAY   = $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZERS  = $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all run stall test unit replay conformance conformance-pebble integration clients pebble clients-table \
	fuzz fuzz-hours bench bench-memory bench-idle bench-scale chaos chaos-long hostile lint format coverage install clean \
	deps run-deps test-deps lint-deps always

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

-include $(shell find build -path build/clients -prune -o -name '*.d' -print 2>/dev/null)

# --- tests -----------------------------------------------------------------------------------------

# Sanitizers: leaks are looked for in the unit tests; a role is not dumpable, which the leak checker needs.
# ThreadSanitizer of Debian 12 wants an address space that is laid out without much chance: setarch -R.
TSAN     = $(findstring thread,$(SAN))
ALONE    = $(if $(TSAN),setarch -R)
ROLE_ENV = SIGNET_PROGRAM=$(abspath $(PROGRAM)) $(if $(SAN),ASAN_OPTIONS=detect_leaks=0)
PYTEST   = $(PYTHON) -B -m pytest -q -p no:cacheprovider
# What measures time or load runs by itself afterwards.
BESIDE   = -n $(JOBS) -m 'not alone'

test: test-deps
	@$(MAKE) --no-print-directory unit replay conformance integration clients pebble chaos

unit: $(UNIT)
	@set -e; for t in $(UNIT); do echo "== $$t"; $(ALONE) $$t 2>&1 | tests/quiet.sh; done

replay: $(REPLAY)
	@set -e; for t in $(REPLAY); do n=$$(basename $$t); $(ALONE) $$t tests/fuzz/corpus/$${n#fuzz_}; done

integration: $(PROGRAM) $(BENCH)
	$(ROLE_ENV) $(ALONE) $(PYTEST) $(BESIDE) tests/integration
	$(ROLE_ENV) $(ALONE) $(PYTEST) -m alone tests/integration

# Against signet; with DIRECTORY=URL (and CACERT=FILE, CONFORMANCE="--dns-port 5353 ...") against any ACME server.
ifdef DIRECTORY
conformance: test-deps
	$(PYTEST) tests/conformance --directory $(DIRECTORY) $(if $(CACERT),--cacert $(CACERT)) $(CONFORMANCE)
else
conformance: $(PROGRAM)
	$(ROLE_ENV) $(ALONE) $(PYTEST) $(BESIDE) tests/conformance $(CONFORMANCE)
endif

conformance-pebble: test-deps
	@tests/install.sh pebble
	$(PYTHON) -B tests/conformance/pebble.py $(CONFORMANCE)

# The clients mostly sleep.
clients: JOBS = 8
clients: $(PROGRAM)
	$(ROLE_ENV) $(ALONE) $(PYTEST) $(BESIDE) tests/clients

# Beside ours runs the oracle, Debian's Pebble.
pebble: $(PROGRAM)
	$(ROLE_ENV) $(ALONE) $(PYTEST) $(BESIDE) tests/pebble

# What test-deps unpacks below build/clients: installed, each would start a service of this machine.
UNPACKED = caddy acmetool knot nsd unbound
UNPACKED_FILES = $(UNPACKED:%=build/clients/debian/versions/%)

$(UNPACKED_FILES) &: tests/unpack.sh
	tests/unpack.sh build/clients/debian $(UNPACKED)
	@touch $(UNPACKED_FILES)

build/clients/npm: tests/clients/npm/package-lock.json
	@mkdir -p $@
	cp tests/clients/npm/*.json $@
	cd $@ && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

# The table of docs/clients.md, from the tests' own marks.
clients-table: $(PROGRAM)
	$(PYTEST) --collect-only --clients-table=docs/clients.md tests/clients

# Roles are killed, wires break, and calls fail. The long form: a thousand kills, sixty breaks, and memory is out in turn
# at each place that asks for some, in an issuance and at the start.
chaos: $(PROGRAM) $(BENCH) $(FAULTY)
	$(ROLE_ENV) $(ALONE) $(PYTHON) -B tests/chaos/kill.py
	$(ROLE_ENV) $(ALONE) $(PYTHON) -B tests/chaos/network.py --breaks 3 --seconds 1
	$(if $(SAN),,$(PYTHON) -B tests/chaos/faults.py $(FAULTY) --allocations 4)

# Good clients beside hostile ones. In `make test` it is test_hostile_clients.py, for a second each.
hostile: $(PROGRAM) $(BENCH)
	SIGNET_PROGRAM=$(abspath $(PROGRAM)) $(PYTHON) -B tests/chaos/hostile.py

chaos-long: $(PROGRAM) $(BENCH) $(FAULTY)
	$(ROLE_ENV) $(PYTHON) -B tests/chaos/kill.py --kills 1000
	$(ROLE_ENV) $(PYTHON) -B tests/chaos/network.py --breaks 60
	$(PYTHON) -B tests/chaos/faults.py $(FAULTY) --allocations 0 --minutes 120

# The whole of what test_va_load measures in a shorter form.
stall: $(BUILD)/tests/unit/test_va_load
	STALLED=10000 SECONDS=5 $<

bench: $(PROGRAM) $(BENCH)
	SIGNET_PROGRAM=$(abspath $(PROGRAM)) $(PYTHON) -B tests/bench/compare.py --keep docs/performance.md

# Memory over 200,000 issuances; 10,000 idle connections; a database of 5,000,000 certificates, for which BENCH_DIR takes
# 20 GB for a while.
bench-memory: $(PROGRAM) $(BENCH)
	SIGNET_PROGRAM=$(abspath $(PROGRAM)) $(PYTHON) -B tests/bench/endure.py --keep docs/performance.md

bench-idle: $(PROGRAM) $(BENCH)
	SIGNET_PROGRAM=$(abspath $(PROGRAM)) $(PYTHON) -B tests/bench/idle.py --keep docs/performance.md

bench-scale: $(PROGRAM) $(BENCH)
	SIGNET_PROGRAM=$(abspath $(PROGRAM)) $(PYTHON) -B tests/bench/scale.py $(if $(BENCH_DIR),--dir $(BENCH_DIR)) \
		--keep docs/performance.md

# Coverage-guided, with the address and undefined-behaviour sanitizers. FUZZED=jws: that target alone.
fuzz: $(FUZZERS)
	$(PYTHON) -B tests/fuzz/run.py --seconds $(FUZZ_SECONDS) $(FUZZED)

# Goes on from where the ledger is, which counts across runs.
fuzz-hours: $(FUZZERS)
	$(PYTHON) -B tests/fuzz/run.py --until 60 --ledger docs/fuzzing.md --jobs 2 $(FUZZED)

# The inner make has the archive's own rule for it, and looks what is out of date.
ifndef FUZZING
build/fuzz/libsignet.a: always
	$(MAKE) --no-print-directory CC=clang SAN=address,undefined BUILD=build/fuzz FUZZING=1 build/fuzz/libsignet.a
endif

build/fuzz/fuzz_%: tests/fuzz/fuzz_%.c build/fuzz/libsignet.a
	$(Q)clang -std=gnu11 -I. -g -O1 -pthread -D_GNU_SOURCE -DSIGNET_VERSION='"$(VERSION)"' \
	    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $< build/fuzz/libsignet.a $(LDLIBS)

# --- care ------------------------------------------------------------------------------------------

SOURCES  = $(wildcard $(addsuffix /*.[ch],acme ca cmd config ipc jose lib pebble-compat \
	pebble-compat/challtestsrv proc ra storage storage/sqlite va wfe x509))

# Stops on any finding that tests/lint/exceptions.txt doesn't explain. LINTED=va/url.c looks at that file alone.
LINTED = $(filter %.c,$(SOURCES))
lint: lint-deps
	@$(PYTHON) -B tests/lint/lint.py --cflags "$(shell pkg-config --cflags $(LIBRARIES))" $(LINTED)

# The lines that were changed since CHANGED. What the tree's format can't express, tables in columns, is left to the eye,
# and so is all that stands already.
CHANGED = HEAD
format: lint-deps
	git clang-format --extensions c,h $(CHANGED) -- $(SOURCES)

# What reads bytes that others made; each has its target in tests/fuzz.
PARSERS = acme/accept.c acme/auto_renewal.c acme/certid.c acme/evidence.c acme/identifier.c acme/route.c \
	config/parse.c config/read.c config/scan.c config/value.c config/wire.c ipc/admin.c ipc/msg.c ipc/msg_crl.c \
	ipc/msg_ocsp.c ipc/wire.c jose/binding.c jose/jwk.c jose/jws.c jose/key_change.c jose/verify.c lib/address.c \
	lib/base64url.c lib/json.c lib/rfc3339.c lib/utf8.c pebble-compat/challtestsrv/hello.c \
	pebble-compat/challtestsrv/manage.c pebble-compat/challtestsrv/message.c ra/contact.c ra/order_read.c \
	va/body.c va/caa_set.c va/dns_answer.c va/dns_message.c va/frame.c va/hosts.c va/issue_value.c \
	va/persist_set.c va/proxy_talk.c va/record.c va/url.c wfe/check.c wfe/hops.c x509/acme_identifier.c \
	x509/certificate_read.c x509/chain.c x509/csr.c x509/der.c x509/ocsp_request.c

# By the unit tests and the fuzzers' corpora alone: the roles themselves are driven by the integration tests.
coverage: test-deps
	$(MAKE) --no-print-directory COVERAGE=1 unit replay
	@tests/install.sh gcovr
	gcovr --root . --exclude tests --output build/coverage.txt --print-summary $(BUILD)-coverage
	@gcovr --root . $(PARSERS:%=--filter %) $(BUILD)-coverage | tee build/coverage-parsers.txt
	@awk '$$4 ~ /%$$/ && $$4 + 0 < 90 { print "below 90 %: " $$1; low = 1 } END { exit low }' build/coverage-parsers.txt

clean:
	rm -rf build

# --- what has to be installed ----------------------------------------------------------------------

BUILD_PACKAGES = gcc make pkg-config libc6-dev libmicrohttpd-dev libgnutls28-dev libssl-dev libsqlite3-dev \
	libjansson-dev libyaml-dev libcurl4-openssl-dev libuv1-dev libidn2-dev libpsl-dev libseccomp-dev
RUN_PACKAGES   = openssl certbot
TEST_PACKAGES  = libcmocka-dev clang libclang-rt-14-dev certbot lego uacme dehydrated acme-tiny curl openssl \
	python3 python3-pytest python3-pytest-xdist python3-cryptography python3-requests python3-dnslib python3-yaml \
	procps iproute2 util-linux bsdextrautils jq pebble ldnsutils libevent-2.1-7 libfstrm0 libnghttp2-14 libprotobuf-c1 \
	libpython3.11 $(CLIENT_PACKAGES)
CLIENT_PACKAGES = python3-acme python3-certbot-dns-rfc2136 ruby-acme-client lacme lacme-accountd libcrypt-openssl-rsa-perl \
	apache2-bin \
	libknot13 libzscanner4 libdnssec9 libcap-ng0 libedit2 liblmdb0 liburcu8 $(if $(shell command -v npm),,npm)
LINT_PACKAGES  = clang clang-tidy clang-format cppcheck
EXTRA_PACKAGES = gcovr

deps:
	@tests/install.sh $(BUILD_PACKAGES)
run-deps: deps
	@tests/install.sh $(RUN_PACKAGES)
test-deps: deps
	@tests/install.sh $(TEST_PACKAGES)
	@$(MAKE) --no-print-directory $(UNPACKED_FILES) build/clients/npm
lint-deps: deps
	@tests/install.sh $(LINT_PACKAGES)

# --- using it --------------------------------------------------------------------------------------

run: run-deps
	@$(MAKE) --no-print-directory all
	@cmd/demo.sh $(abspath $(PROGRAM))

install: all
	install -D -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/signet
	ln -sf signet $(DESTDIR)$(PREFIX)/bin/pebble
	ln -sf signet $(DESTDIR)$(PREFIX)/bin/pebble-challtestsrv
	install -D -m 644 man/signet.8 $(DESTDIR)$(PREFIX)/share/man/man8/signet.8
	install -D -m 644 man/signet.yaml.5 $(DESTDIR)$(PREFIX)/share/man/man5/signet.yaml.5
	install -D -m 644 README.md $(DESTDIR)$(PREFIX)/share/doc/signet/README.md
