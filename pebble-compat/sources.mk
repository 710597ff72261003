# Sources of pebble-compat/, relative to the top folder.
SRC += pebble-compat/flags.c pebble-compat/surface.c
