"""The machine: files, signals, memory, compiled code, caches, downloads. Nothing here knows of word vectors."""
