"""DeepWalk: two groups of nodes with few edges between them, random walks, and skip-gram on the walks."""

import json
import random

from gensim.models import Word2Vec

random.seed(7)
group = {str(node): node // 12 for node in range(24)}
edges = {node: set() for node in group}
for a in group:
    for b in group:
        if a < b and random.random() < (0.5 if group[a] == group[b] else 0.02):
            edges[a].add(b)
            edges[b].add(a)
edges["0"].add("12")
edges["12"].add("0")


def walk(start, length):
    nodes = [start]
    while len(nodes) < length and edges[nodes[-1]]:
        nodes.append(random.choice(sorted(edges[nodes[-1]])))
    return nodes


walks = [walk(node, 20) for _ in range(40) for node in group]
model = Word2Vec(
    sentences=walks, vector_size=16, window=5, min_count=0, sg=1, hs=0, negative=5, workers=1, epochs=5, seed=1
)
purity = []
for node in model.wv.index_to_key:
    near = [other for other, _ in model.wv.most_similar(node, topn=5)]
    purity.append(sum(group[other] == group[node] for other in near) / 5)
print(json.dumps({"nodes": len(model.wv), "pure": sum(purity) / len(purity) > 0.9}))
