"""The kernels of the fused GPU engine, in triton.

Four, one after another for each chunk of the text: `survivors` decides which words survive subsampling, `compact` moves
them together, `draw` draws the noise words and the width of the window of each, `train` does the arithmetic. The first
three only touch a few bytes a word; what they drew lies in memory for `train`, and for whoever wants to look at it.

Random numbers are SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators"), whose n-th
number needs none of those before it: it is a mix of seed + n * GOLDEN.

A program of `train` walks over its own stretch of the text, CENTERS words at a time. The input rows of all words that
can be in their windows stay in registers meanwhile, and the steps on them are added to the table at the end: a row is
used several times before it goes back (FULL-W2V keeps it for its whole life in the window). The output rows of a word
and its noise words are fetched for that word and their steps added at once. All steps are atomic additions, for other
programs work on the same tables.
"""

import triton
import triton.language as tl

GOLDEN = tl.constexpr(0x9E3779B97F4A7C15)
MIX_1, MIX_2 = tl.constexpr(0xBF58476D1CE4E5B9), tl.constexpr(0x94D049BB133111EB)
UNIT = tl.constexpr(2.0**-53)  # 53 bits fill the mantissa of a float64


@triton.jit
def _bits(seed, number):
    """64 random bits for each number (int64), from a seed (uint64)."""
    mixed = seed + number.to(tl.uint64) * GOLDEN
    mixed = (mixed ^ (mixed >> 30)) * MIX_1
    mixed = (mixed ^ (mixed >> 27)) * MIX_2
    return mixed ^ (mixed >> 31)


# subtle: triton would compile anew, in the midst of training, for numbers of other sizes, for 1 and multiples of 16,
# and for addresses that are or are not multiples of 16, as those of slices
@triton.jit(
    do_not_specialize=["n_tokens", "first_number", "vocabulary_size", "seed"],
    do_not_specialize_on_alignment=["tokens"],
)
def survivors(
    tokens,
    n_tokens: tl.int32,
    first_number: tl.int64,
    keep,
    vocabulary_size: tl.int32,
    seed: tl.uint64,
    kept,
    BLOCK: tl.constexpr,
):
    """Write for each word of a chunk whether it survives; words outside of the vocabulary never do.

    Args:
        tokens: (n_tokens,) int32 word ids.
        n_tokens: words in the chunk.
        first_number: how many words come before the chunk.
        keep: (V,) int64, a word survives if 32 random bits, as a number, are below this.
        vocabulary_size: V.
        seed: of the random numbers.
        kept: (n_tokens,) int8, written.
        BLOCK: words a program.
    """
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = place < n_tokens
    word = tl.load(tokens + place, mask=inside, other=-1)
    known = (word >= 0) & (word < vocabulary_size)
    bits = _bits(seed, first_number + place.to(tl.int64))
    limit = tl.load(keep + word, mask=known, other=0)
    tl.store(kept + place, ((bits >> 32).to(tl.int64) < limit).to(tl.int8), mask=inside)


@triton.jit(do_not_specialize=["n_tokens"], do_not_specialize_on_alignment=["tokens"])
def compact(tokens, sentence, kept, places, n_tokens: tl.int32, words, sentences, BLOCK: tl.constexpr):
    """Write the surviving words side by side.

    Args:
        tokens: (n_tokens,) int32.
        sentence: (n_tokens,) int32, the sentence of each.
        kept: (n_tokens,) int8, from `survivors`.
        places: (n_tokens,) int64, the running sum of `kept`.
        n_tokens: words in the chunk.
        words: (n_tokens,) int32, written as far as words survive.
        sentences: (n_tokens,) int32, written likewise.
        BLOCK: words a program.
    """
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = place < n_tokens
    survives = tl.load(kept + place, mask=inside, other=0) != 0
    to = tl.load(places + place, mask=inside, other=1) - 1
    tl.store(words + to, tl.load(tokens + place, mask=inside, other=0), mask=survives)
    tl.store(sentences + to, tl.load(sentence + place, mask=inside, other=0), mask=survives)


@triton.jit(
    do_not_specialize=["first_number", "vocabulary_size", "log_size", "window", "seed"],
    do_not_specialize_on_alignment=["count"],
)
def draw(
    words,
    count,
    first_number: tl.int64,
    alias_acceptance,
    alias,
    cumulative,
    vocabulary_size: tl.int32,
    log_size: tl.int32,
    window: tl.int32,
    seed: tl.uint64,
    targets,
    widths,
    NEGATIVES: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Write each surviving word's targets, itself and its noise words, and the width of its window.

    Args:
        words: (count,) int32.
        count: pointer to the number of words, int64.
        first_number: how many words of the text come before the chunk, so that no two chunks draw the same.
        alias_acceptance: (V,) int64, the shard of a column of the alias table that is its own, in 2^-32.
        alias: (V,) int64, whom the rest belongs to.
        cumulative: (V,) float64, of the noise distribution.
        vocabulary_size: V.
        log_size: the smallest number whose power of two is V or more.
        window: the largest width.
        seed: of the random numbers.
        targets: (count, 1 + NEGATIVES) int32, written.
        widths: (count,) int32, written.
        NEGATIVES: noise words a word.
        BLOCK: words a program.
    """
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = place < tl.load(count)
    center = tl.load(words + place, mask=inside, other=0).to(tl.int64)
    # each word has its own numbers: one for the width, two for a noise word
    number = (first_number + place.to(tl.int64)) * (1 + 2 * NEGATIVES)
    tl.store(widths + place, 1 + _below(_bits(seed, number), window).to(tl.int32), mask=inside)
    target = targets + place.to(tl.int64) * (1 + NEGATIVES)
    tl.store(target, center.to(tl.int32), mask=inside)
    for k in range(1, NEGATIVES + 1):
        bits = _bits(seed, number + k)
        column = _below(bits, vocabulary_size)
        own = (bits & 0xFFFFFFFF).to(tl.int64) < tl.load(alias_acceptance + column)
        word = tl.where(own, column, tl.load(alias + column))
        hit = inside & (word == center)
        if tl.max(hit.to(tl.int32), axis=0) > 0:
            again = _bits(seed, number + NEGATIVES + k)
            word = tl.where(hit, _other_word(center, cumulative, vocabulary_size, log_size, again), word)
        tl.store(target + k, word.to(tl.int32), mask=inside)


@triton.jit
def _below(bits, bound):
    """A number from 0 to bound - 1, from the upper half of the bits."""
    return (((bits >> 32) * bound.to(tl.uint64)) >> 32).to(tl.int64)


@triton.jit
def _other_word(word, cumulative, vocabulary_size, log_size, bits):
    """A draw from the noise distribution given that it is not `word`: by inversion, stepping over its stretch."""
    before = tl.load(cumulative + word - 1, mask=word > 0, other=0.0)
    own = tl.load(cumulative + word) - before
    place = (bits >> 11).to(tl.float64) * UNIT * (1.0 - own)
    place += tl.where(place >= before, own, 0.0)
    low, high = word * 0, word * 0 + vocabulary_size - 1
    for _ in range(log_size):
        middle = (low + high) // 2
        above = tl.load(cumulative + middle) > place
        high = tl.where(above, middle, high)
        low = tl.where(above, low, tl.minimum(middle + 1, high))
    # subtle: rounding may land on the word all the same; its most frequent neighbor takes that sliver
    return tl.where(low == word, (word == 0).to(tl.int64), low)


@triton.jit(do_not_specialize_on_alignment=["count"])
def train(
    words,
    sentences,
    count,
    targets,
    widths,
    inputs,
    outputs,
    log_q,
    constants,
    first_lr: tl.float32,
    last_lr: tl.float32,
    losses,
    pairs,
    gradient: tl.constexpr,
    CORRECTED: tl.constexpr,
    STRIDE: tl.constexpr,
    COLUMNS: tl.constexpr,
    N_TARGETS: tl.constexpr,
    TARGETS: tl.constexpr,
    WINDOW: tl.constexpr,
    CENTERS: tl.constexpr,
    ROWS: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """Train on the words of a chunk that survived.

    Args:
        words: (count,) int32.
        sentences: (count,) int32, the number of the sentence that each word is in.
        count: pointer to the number of words, int64.
        targets: (count, N_TARGETS) int32, each word and its noise words.
        widths: (count,) int32, how far each word's window reaches to either side.
        inputs: (V, STRIDE) float32, changed.
        outputs: (V, STRIDE) float32, changed.
        log_q: (V,) float32, subtracted from the scores if CORRECTED.
        constants: of the objective.
        first_lr: the learning rate at the first word.
        last_lr: the learning rate behind the last word, falling linearly between.
        losses: (programs,) float64, added to.
        pairs: (programs,) int64, added to.
        gradient: one of gpu_gradients.py.
        CORRECTED: whether the objective wants its scores corrected by log_q.
        STRIDE: numbers in a row; zeros fill it up behind the dimensions, and stay zeros.
        COLUMNS: a power of two, STRIDE or more.
        N_TARGETS: 1 + K.
        TARGETS: a power of two, 1 + K or more.
        WINDOW: the largest width.
        CENTERS: words whose windows share the input rows in registers.
        ROWS: input rows in registers, a power of two.
        PRECISION: of the products, as tl.dot has it.
    """
    row, column, k = tl.arange(0, ROWS), tl.arange(0, COLUMNS), tl.arange(0, TARGETS)
    total = tl.load(count)
    stretch = tl.cdiv(tl.cdiv(total, CENTERS), tl.num_programs(0)) * CENTERS
    begin = tl.program_id(0) * stretch
    loss, n_pairs = tl.zeros((), tl.float64), tl.zeros((), tl.int64)
    for first in range(begin, tl.minimum(begin + stretch, total), CENTERS):
        last = tl.minimum(first + CENTERS, total)
        lr = first_lr + (last_lr - first_lr) * (first / total)
        for block in range(first - WINDOW, last + WINDOW, ROWS):
            place = block + row
            inside = (place >= 0) & (place < total)
            sentence = tl.load(sentences + place, mask=inside, other=-1)
            context = tl.load(words + place, mask=inside, other=0).to(tl.int64)
            x_place = inputs + context[:, None] * STRIDE + column[None, :]  # (ROWS, COLUMNS)
            x_used = inside[:, None] & (column < STRIDE)[None, :]
            # subtle: ".cg" is the cache that all multiprocessors shard, where the additions of the others arrive
            x = tl.load(x_place, mask=x_used, other=0.0, cache_modifier=".cg")
            steps = tl.zeros((ROWS, COLUMNS), tl.float32)
            for center in range(tl.maximum(first, block - WINDOW), tl.minimum(last, block + ROWS + WINDOW)):
                distance = tl.abs(place - center)
                near = (distance > 0) & (distance <= tl.load(widths + center))
                near = near & (sentence == tl.load(sentences + center))  # (ROWS,)
                used = k < N_TARGETS
                target = tl.load(targets + center * N_TARGETS + k, mask=used, other=0).to(tl.int64)
                y_place = outputs + target[:, None] * STRIDE + column[None, :]  # (TARGETS, COLUMNS)
                y_used = used[:, None] & (column < STRIDE)[None, :]
                y = tl.load(y_place, mask=y_used, other=0.0, cache_modifier=".cg")
                now = x + steps
                scores = tl.dot(now, tl.trans(y), input_precision=PRECISION)  # (ROWS, TARGETS)
                if CORRECTED:
                    scores -= tl.load(log_q + target, mask=used, other=0.0)[None, :]
                example_losses, g = gradient(scores, k, N_TARGETS, constants)
                loss += tl.sum(tl.where(near, example_losses, 0.0), axis=0).to(tl.float64)
                n_pairs += tl.sum(near.to(tl.int64), axis=0)
                g = tl.where(near[:, None] & used[None, :], -lr * g, 0.0)
                y_step = tl.dot(tl.trans(g), now, input_precision=PRECISION)
                steps = tl.dot(g, y, steps, input_precision=PRECISION)
                tl.atomic_add(y_place, y_step, mask=y_used, sem="relaxed")
            tl.atomic_add(x_place, steps, mask=x_used, sem="relaxed")
            tl.debug_barrier()  # the next tile has some of these rows, and other warps read them
    program = tl.program_id(0)
    tl.store(losses + program, tl.load(losses + program) + loss)
    tl.store(pairs + program, tl.load(pairs + program) + n_pairs)
