# Sources of ra/, relative to the top folder.
