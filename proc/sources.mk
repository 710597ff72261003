# Sources of proc/, relative to the top folder.
