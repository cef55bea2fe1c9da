"""The tutorial corpus: 300 news documents, word pairs and analogies, word2vec's file format."""

import json
import tempfile
from pathlib import Path

from gensim.models import KeyedVectors, Word2Vec
from gensim.test.utils import datapath
from gensim.utils import simple_preprocess


class Lee:
    def __iter__(self):
        for line in open(datapath("lee_background.cor"), encoding="utf-8"):
            yield simple_preprocess(line)


model = Word2Vec(sentences=Lee(), vector_size=50, sg=1, alpha=0.05, epochs=20, workers=2, seed=1)
near = [word for word, _ in model.wv.most_similar(positive=["israeli"], topn=25)]
pearson, spearman, unknown = model.wv.evaluate_word_pairs(datapath("wordsim353.tsv"))
score, sections = model.wv.evaluate_word_analogies(datapath("questions-words.txt"))
with tempfile.TemporaryDirectory() as folder:
    path = str(Path(folder) / "vectors.bin")
    model.wv.save_word2vec_format(path, binary=True)
    vectors = KeyedVectors.load_word2vec_format(path, binary=True, limit=100)
print(
    json.dumps(
        {
            "vocabulary": len(model.wv),
            "near israeli": "palestinian" in near,
            "unknown pairs": round(unknown, 3),
            "sections": [section["section"] for section in sections],
            "questions": len(sections[-1]["correct"]) + len(sections[-1]["incorrect"]),
            "score": 0 <= score <= 1,
            "loaded": [len(vectors), vectors.index_to_key[:3]],
        }
    )
)
