"""Stream a corpus from disk with a class, build the vocabulary first, and log the loss in a callback."""

import json
import tempfile
from pathlib import Path

from gensim.models import Word2Vec
from gensim.models.callbacks import CallbackAny2Vec
from gensim.models.word2vec import LineSentence


class Corpus:
    def __init__(self, path):
        self.path = path

    def __iter__(self):
        with open(self.path, encoding="utf-8") as lines:
            for line in lines:
                yield line.lower().split()


class LossLogger(CallbackAny2Vec):
    def __init__(self):
        self.epoch, self.losses, self.last = 0, [], 0.0

    def on_epoch_begin(self, model):
        self.epoch += 1

    def on_epoch_end(self, model):
        loss = model.get_latest_training_loss()
        self.losses.append(loss - self.last)
        self.last = loss


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "corpus.txt"
    lines = ["The king rules the old kingdom", "the queen rules the old kingdom", "a fish swims in the deep sea"]
    path.write_text("\n".join(lines * 400) + "\n", encoding="utf-8")
    logger = LossLogger()
    model = Word2Vec(vector_size=16, window=3, min_count=5, sg=1, negative=5, workers=1, seed=3, sample=0)
    model.build_vocab(Corpus(path))
    model.train(
        Corpus(path),
        total_examples=model.corpus_count,
        epochs=10,
        compute_loss=True,
        callbacks=[logger],
    )
    lengths = [len(sentence) for sentence in LineSentence(str(path))]

print(
    json.dumps(
        {
            "sentences": model.corpus_count,
            "words": model.corpus_total_words,
            "epochs": logger.epoch,
            "losses fall": logger.losses[-1] < logger.losses[0],
            "losses are positive": min(logger.losses) > 0,
            "king is like queen": model.wv.rank("king", "queen") == 1,
            "lengths": sorted(set(lengths)),
            "first": model.wv.index_to_key[0],
            "unknown": "whale" in model.wv,
        }
    )
)
