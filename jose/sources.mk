SRC += jose/jwk.c jose/jws.c
