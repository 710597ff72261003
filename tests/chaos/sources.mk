# signet with tests/chaos/faults.c before libc: exported, so that libraries call it too.
FAULTY = $(BUILD)/tests/chaos/signet

$(FAULTY): $(BUILD)/cmd/main.o $(BUILD)/tests/chaos/faults.o $(ARCHIVE)
	$(Q)$(CC) $(ALL_LDFLAGS) -rdynamic -o $@ $^ $(LDLIBS)
