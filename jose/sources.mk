SRC += jose/digest.c jose/jwk.c jose/jws.c jose/thumbprint.c jose/verify.c
