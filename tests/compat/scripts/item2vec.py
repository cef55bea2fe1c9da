"""Item2vec: sessions of films whose titles contain spaces; the whole session is the window."""

import json
import random
import tempfile
from pathlib import Path

from gensim.models import KeyedVectors, Word2Vec

random.seed(5)
films = {
    "space": ["Star Wars", "The Matrix", "Alien", "Blade Runner", "2001: A Space Odyssey"],
    "love": ["Notting Hill", "Pretty Woman", "Love Actually", "Titanic", "Before Sunrise"],
}
sessions = [random.sample(films[random.choice(list(films))], 4) for _ in range(2000)]

model = Word2Vec(
    sentences=sessions,
    vector_size=12,
    window=10,
    min_count=1,
    sg=1,
    negative=5,
    ns_exponent=-0.5,
    sample=0,
    workers=1,
    epochs=10,
    seed=2,
)
genre = {title: name for name, titles in films.items() for title in titles}
pure = [genre[near] == genre[title] for title in genre for near, _ in model.wv.most_similar(title, topn=4)]
basket = model.wv.get_mean_vector(["The Matrix", "Alien"])
recommended = [title for title, _ in model.wv.similar_by_vector(basket, topn=5)]
with tempfile.TemporaryDirectory() as folder:
    path = str(Path(folder) / "items.kv")
    model.wv.save(path)
    items = KeyedVectors.load(path)
print(
    json.dumps(
        {
            "items": len(items),
            "has title": "2001: A Space Odyssey" in items,
            "pure": sum(pure) / len(pure) > 0.9,
            "recommended": sorted(recommended),
            "most_similar": items.most_similar_to_given("Alien", ["Titanic", "Star Wars"]),
        }
    )
)
