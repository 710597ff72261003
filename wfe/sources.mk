# Sources of wfe/, relative to the top folder.
