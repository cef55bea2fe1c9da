"""`python -m word2vec`: the same as the command `word2vec`."""

from word2vec.cli import main

if __name__ == "__main__":
    main()
