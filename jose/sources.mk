SRC += jose/digest.c jose/jwk.c jose/jws.c jose/verify.c
