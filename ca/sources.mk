# Sources of ca/, relative to the top folder.
