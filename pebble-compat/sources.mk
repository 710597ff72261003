# Sources of pebble-compat/, relative to the top folder.
SRC += pebble-compat/command.c pebble-compat/flags.c pebble-compat/hierarchy.c pebble-compat/quick_rsa.c \
	pebble-compat/settings.c pebble-compat/surface.c pebble-compat/yaml.c
