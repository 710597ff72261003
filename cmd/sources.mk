# Sources of cmd/, relative to the top folder.
SRC += cmd/run.c
