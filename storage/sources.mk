# Sources of storage/, relative to the top folder.
