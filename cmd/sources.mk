# Sources of cmd/, relative to the top folder.
SRC += cmd/run.c
SRC += cmd/check.c cmd/findings.c cmd/findings_perspectives.c cmd/findings_profiles.c
SRC += cmd/init.c cmd/ledger.c cmd/perspective.c
SRC += cmd/admin.c cmd/admin_connect.c cmd/account.c cmd/authz.c cmd/cert.c cmd/eab.c cmd/limit.c
