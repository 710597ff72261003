SRC += ca/revoked.c
SRC += ca/ocsp.c
SRC += ca/authority.c ca/ca.c ca/choose.c ca/crl.c ca/issue.c ca/issuer.c ca/ledger.c ca/ledger_index.c \
	ca/ledger_scan.c ca/ledger_summary.c ca/policy.c ca/profile.c ca/proof.c ca/server.c ca/star.c ca/votes.c
