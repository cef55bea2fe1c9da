"""FastText: train CBOW with character n-grams, look up misspelled words, exchange a model in fastText's format."""

import json
import tempfile
from pathlib import Path

from gensim.models import FastText
from gensim.models.fasttext import load_facebook_model, load_facebook_vectors, save_facebook_model

colors = ["yellow", "orange", "purple", "crimson"]
animals = ["giraffe", "elephant", "crocodile", "hedgehog"]
sentences = []
for repetition in range(200):
    sentences.append([colors[(repetition + step) % 4] for step in (0, 1, 2)] + ["paint"])
    sentences.append([animals[(repetition + step) % 4] for step in (0, 2, 3)] + ["farm"])

model = FastText(sentences, vector_size=16, window=4, min_count=1, bucket=2000, workers=1, seed=1, epochs=10, sample=0)
with tempfile.TemporaryDirectory() as folder:
    path = str(Path(folder) / "model.bin")
    save_facebook_model(model, path)
    again = load_facebook_model(path)
    vectors = load_facebook_vectors(path)
again.build_vocab([["turquoise", "paint"]] * 10, update=True)
again.train([["turquoise", "paint"]] * 10, total_examples=10, epochs=2)
print(
    json.dumps(
        {
            "known": "elefant" in model.wv.key_to_index,
            "has vector": "elefant" in model.wv,
            "near elefant": model.wv.most_similar("elefant", topn=1)[0][0],
            "closer": bool(model.wv.similarity("purpel", "purple") > model.wv.similarity("purpel", "giraffe")),
            "same": bool(abs(vectors["elefant"] - model.wv["elefant"]).max() < 1e-6),
            "buckets": list(model.wv.vectors_ngrams.shape),
            "words": [len(model.wv), len(again.wv)],
        }
    )
)
