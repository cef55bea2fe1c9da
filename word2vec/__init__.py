"""Train, evaluate and query word embeddings."""
