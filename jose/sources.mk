SRC += jose/binding.c jose/digest.c jose/ec.c jose/jwk.c jose/jws.c jose/key_change.c jose/mac.c jose/signature.c jose/thumbprint.c jose/verify.c
