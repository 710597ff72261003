# Sources of config/, relative to the top folder.
