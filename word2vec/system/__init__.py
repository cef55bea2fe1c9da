"""The machine that the package runs on: files, signals, memory, compiled code, the cache, downloads.

Every other room may use this one. It imports only `errors`, and nothing in it knows of word vectors. Import its
modules directly: some of them load large libraries.
"""
