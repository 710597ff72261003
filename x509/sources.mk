# Sources of x509/, relative to the top folder.
