# Sources of cmd/, relative to the top folder.
