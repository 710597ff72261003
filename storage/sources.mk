# Sources of storage/, relative to the top folder.
SRC += storage/storage.c storage/writer.c storage/query.c storage/statements.c storage/account.c storage/bounds.c storage/bucket.c storage/limit.c \
	storage/authorization.c storage/order.c storage/order_list.c storage/certificate.c storage/certificate_list.c storage/external_key.c storage/housekeeping.c \
	storage/key_change.c storage/revocation.c storage/star.c storage/state.c \
	storage/sqlite/connection.c storage/sqlite/migrate.c

# Each migration becomes a string; its version is the number that its name starts with.
GENERATED += migrations/sqlite.c
SQLITE_MIGRATIONS := $(sort $(wildcard migrations/sqlite/*.sql))

$(BUILD)/migrations/sqlite.c: $(SQLITE_MIGRATIONS) storage/sources.mk
	@mkdir -p $(@D)
	@{ printf '#include "storage/sqlite/sqlite.h"\n\nconst struct migration sqlite_migrations[] = {\n'; \
	for f in $(SQLITE_MIGRATIONS); do \
		n=$${f##*/}; printf '\t{ %d,\n' "$$(printf '%s' "$${n%%_*}" | sed 's/^0*//')"; \
		sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/\t    "&\\n"/' "$$f"; printf '\t},\n'; \
	done; printf '\t{ 0, NULL },\n};\n'; } > $@
