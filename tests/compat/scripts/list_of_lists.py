"""Train on a list of lists in memory, query, save and load again."""

import json
import tempfile
from pathlib import Path

from gensim.models import Word2Vec

colors = ["red", "green", "blue", "yellow"]
animals = ["cat", "dog", "horse", "cow"]
sentences = []
for repetition in range(300):
    sentences.append([colors[(repetition + step) % 4] for step in (0, 1, 2)] + ["paint"])
    sentences.append([animals[(repetition + step) % 4] for step in (0, 2, 3)] + ["farm"])

model = Word2Vec(sentences, vector_size=20, window=4, min_count=1, sg=1, workers=1, seed=1, epochs=20, sample=0)
assert len(model.wv) == 10
assert model.wv["red"].shape == (20,)
with tempfile.TemporaryDirectory() as folder:
    path = str(Path(folder) / "word2vec.model")
    model.save(path)
    loaded = Word2Vec.load(path)
assert loaded.wv.most_similar("red", topn=3) == model.wv.most_similar("red", topn=3)
loaded.train([["red", "paint"]] * 10, total_examples=10, epochs=1)
print(
    json.dumps(
        {
            "near red": {word for word, _ in model.wv.most_similar("red", topn=3)} <= {*colors, "paint"},
            "near cat": {word for word, _ in model.wv.most_similar("cat", topn=3)} <= {*animals, "farm"},
            "odd": model.wv.doesnt_match(["red", "green", "dog", "blue"]),
            "same": bool(model.wv.similarity("red", "blue") > model.wv.similarity("red", "cow")),
            "count": int(model.wv.get_vecattr("paint", "count")),
        }
    )
)
