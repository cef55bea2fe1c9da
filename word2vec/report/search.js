"use strict";

/** The most frequent words and their quantized vectors; finds nearest words and spelling suggestions. */
class EmbeddedVectors {
  /** @param {{words: string[], dim: number, rows: string}} data rows: base64 of N x dim signed bytes */
  constructor({ words, dim, rows }) {
    this.words = words;
    this.dim = dim;
    this.rows = Int8Array.from(atob(rows), (byte) => byte.charCodeAt(0));
    this.index = new Map(words.map((word, row) => [word, row]));
    this.lengths = Float64Array.from(words, (_, row) => Math.sqrt(this.dot(row, this.row(row))) || 1);
  }

  row(row) {
    return this.rows.subarray(row * this.dim, (row + 1) * this.dim);
  }

  /** Returns the dot product of a quantized row with a direction. */
  dot(row, direction) {
    const start = row * this.dim;
    let sum = 0;
    for (let i = 0; i < this.dim; i++) sum += this.rows[start + i] * direction[i];
    return sum;
  }

  /** Returns the words most similar to the sum of the unit vectors `plus` minus those of `minus`; ties by frequency. */
  nearest(plus, minus, count) {
    const direction = new Float64Array(this.dim);
    for (const [words, sign] of [[plus, 1], [minus, -1]]) {
      for (const word of words) {
        const row = this.index.get(word);
        this.row(row).forEach((value, i) => { direction[i] += (sign * value) / this.lengths[row]; });
      }
    }
    const length = Math.hypot(...direction) || 1;
    const cosines = Float64Array.from(this.words, (_, row) => this.dot(row, direction) / this.lengths[row] / length);
    const queried = new Set([...plus, ...minus]);
    return [...this.words.keys()]
      .filter((row) => !queried.has(this.words[row]))
      .sort((a, b) => cosines[b] - cosines[a] || a - b)
      .slice(0, count)
      .map((row) => ({ word: this.words[row], cosine: cosines[row] }));
  }

  /** Suggests spellings of an unknown word: words that differ only in case first, then by edit distance. */
  spellings(word, count) {
    const maxDistance = Math.min(2, Math.floor(word.length / 2));
    const folded = word.toLowerCase();
    return this.words
      .filter((other) => Math.abs(other.length - word.length) <= maxDistance)
      .map((other) => ({ other, distance: editDistance(folded, other.toLowerCase()) }))
      .filter(({ distance }) => distance <= maxDistance)
      .sort((a, b) => a.distance - b.distance) // the sort is stable: ties stay in order of frequency
      .slice(0, count)
      .map(({ other }) => other);
  }
}

/** Returns the number of insertions, deletions and substitutions between two words (Levenshtein 1966). */
function editDistance(one, other) {
  let above = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      row.push(Math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1)));
    }
    above = row;
  }
  return above[other.length];
}

/** Returns up to `count` words that start with a prefix, most frequent first. */
function completions(words, prefix, count) {
  const found = [];
  for (const word of words) {
    if (found.length === count) break;
    if (prefix && word.startsWith(prefix)) found.push(word);
  }
  return found;
}

/** Parses a query such as `king - man + woman`; a word of the vocabulary is always parsed as that word. */
function parseQuery(text, known) {
  const query = text.trim();
  if (known.has(query)) return { plus: [query], minus: [] };
  const sides = { "+": [], "-": [] };
  let sign = "+";
  for (const token of query.split(/\s+/).filter(Boolean)) {
    if (token in sides) sign = token;
    else {
      sides[sign].push(token);
      sign = "+";
    }
  }
  return { plus: sides["+"], minus: sides["-"] };
}
