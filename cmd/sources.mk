# Sources of cmd/, relative to the top folder.
SRC += cmd/run.c
SRC += cmd/check.c cmd/findings.c cmd/findings_profiles.c
SRC += cmd/init.c cmd/ledger.c
