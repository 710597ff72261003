SRC += acme/challenge.c acme/evidence.c acme/identifier.c acme/problem.c acme/revocation.c acme/route.c acme/status.c
