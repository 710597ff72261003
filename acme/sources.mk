SRC += acme/ocsp.c
SRC += acme/accept.c acme/auto_renewal.c acme/certid.c acme/challenge.c acme/evidence.c acme/identifier.c acme/problem.c \
	acme/public_name.c acme/revocation.c acme/route.c acme/status.c acme/surface.c
