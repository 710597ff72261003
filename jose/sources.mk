SRC += jose/digest.c jose/ec.c jose/jwk.c jose/jws.c jose/signature.c jose/thumbprint.c jose/verify.c
