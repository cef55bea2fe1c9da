"""Interfaces of other libraries on top of this package: `compat.gensim`.

The classes translate names, arguments and return values; everything else is done by the subpackages below.
"""
