SRC += x509/ocsp_response.c
SRC += x509/ocsp_request.c
SRC += x509/acme_identifier.c x509/blocklist.c x509/certificate.c x509/certificate_read.c x509/chain.c \
	x509/constraints.c x509/crl.c x509/crl_entries.c x509/crl_lint.c x509/csr.c x509/der.c x509/key.c x509/lint.c x509/lint_extensions.c x509/lint_key.c \
	x509/lint_names.c x509/lint_profile.c x509/lint_structure.c x509/request.c x509/rsa.c x509/sign.c
