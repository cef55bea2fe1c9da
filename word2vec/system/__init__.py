"""System utilities: files, signals, memory, compiled code, the cache, downloads.

Every other subpackage may use this one. It imports only `errors` and is independent of word vectors. Import its modules
directly, because some of them load large libraries.
"""
