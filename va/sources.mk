# Sources of va/, relative to the top folder.
