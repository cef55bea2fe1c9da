"""The Triton kernels of the fused GPU engine; cbow_kernel.py trains CBOW in place of `train`.

Four kernels run for each chunk of the text: `survivors` decides which words survive subsampling, `compact` moves the
survivors together, `draw` draws the noise words and the window width of each, and `train` does the arithmetic. The
first three process only a few bytes per word; they write their results to memory, where `train` and the tests read
them.

Random numbers come from SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators"), whose
n-th number can be computed without the previous ones: it is a mix of seed + n * GOLDEN.

Each program of `train` processes its own part of the text, CENTERS words at a time. The input rows of all words that
may be in their windows stay in registers meanwhile, and their steps are added to the table at the end, so a row is used
several times per load and store (FULL-W2V, Randall et al. 2021, keeps it as long as it is in the window). The output
rows of a word and of its noise words are loaded for that word, and their steps are added at once. All steps are atomic
additions, because other programs update the same tables.
"""

import triton
import triton.language as tl

GOLDEN = tl.constexpr(0x9E3779B97F4A7C15)
MIX_1, MIX_2 = tl.constexpr(0xBF58476D1CE4E5B9), tl.constexpr(0x94D049BB133111EB)
UNIT = tl.constexpr(2.0**-53)  # 53 bits fill the mantissa of a float64


@triton.jit
def _bits(seed, number):
    """Return random bits, uint64, for each number, int64, of the stream of a seed, uint64."""
    mixed = seed + number.to(tl.uint64) * GOLDEN
    mixed = (mixed ^ (mixed >> 30)) * MIX_1
    mixed = (mixed ^ (mixed >> 27)) * MIX_2
    return mixed ^ (mixed >> 31)


# subtle: by default triton specializes on integers that are 1 or multiples of 16, on their size, and on pointers
# aligned to 16 bytes, which slices are not always; it would compile again in the middle of training
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
    """Decide which words of a chunk survive subsampling; words outside the vocabulary never do.

    Args:
        tokens: (n_tokens,) int32, word ids.
        n_tokens: Number of words in the chunk.
        first_number: Number of words before the chunk.
        keep: (V,) int64, a word survives if a draw of 32 bits is less than this.
        vocabulary_size: V.
        seed: Seed of the random numbers.
        kept: (n_tokens,) int8, output, 1 for words that survive.
        BLOCK: Words per program.
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
    """Write the surviving words without gaps.

    Args:
        tokens: (n_tokens,) int32, word ids.
        sentence: (n_tokens,) int32, number of the sentence of each word.
        kept: (n_tokens,) int8, from `survivors`.
        places: (n_tokens,) int64, cumulative sum of `kept`.
        n_tokens: Number of words in the chunk.
        words: (n_tokens,) int32, output: the surviving words; the rest is not written.
        sentences: (n_tokens,) int32, output: their sentences; the rest is not written.
        BLOCK: Words per program.
    """
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = place < n_tokens
    survives = tl.load(kept + place, mask=inside, other=0) != 0
    to = tl.load(places + place, mask=inside, other=1) - 1
    tl.store(words + to, tl.load(tokens + place, mask=inside, other=0), mask=survives)
    tl.store(sentences + to, tl.load(sentence + place, mask=inside, other=0), mask=survives)


@triton.jit(
    do_not_specialize=["first_number", "vocabulary_size", "log_size", "min_width", "n_widths", "seed"],
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
    min_width: tl.int32,
    n_widths: tl.int32,
    seed: tl.uint64,
    targets,
    widths,
    NEGATIVES: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Draw the noise words and the window width of each surviving word.

    Args:
        words: (count,) int32, word ids.
        count: Pointer to the number of words, int64.
        first_number: Number of words of the text before the chunk, so that no two chunks draw the same.
        alias_acceptance: (V,) int64, acceptance probabilities of the alias table in units of 2^-32.
        alias: (V,) int64, aliases of the alias table.
        cumulative: (V,) float64, cumulative noise distribution.
        vocabulary_size: V.
        log_size: Smallest integer n such that 2^n is at least V.
        min_width: Smallest window width.
        n_widths: Number of possible widths.
        seed: Seed of the random numbers.
        targets: (count, 1 + NEGATIVES) int32, output: each word followed by its noise words.
        widths: (count,) int32, output: window widths.
        NEGATIVES: Noise words per word.
        BLOCK: Words per program.
    """
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = place < tl.load(count)
    center = tl.load(words + place, mask=inside, other=0).to(tl.int64)
    # each word uses numbers of its own: one for the width, two for each noise word
    number = (first_number + place.to(tl.int64)) * (1 + 2 * NEGATIVES)
    tl.store(widths + place, min_width + _below(_bits(seed, number), n_widths).to(tl.int32), mask=inside)
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
    """Turn random bits into a number from 0 to bound - 1, using their upper half."""
    return (((bits >> 32) * bound.to(tl.uint64)) >> 32).to(tl.int64)


@triton.jit
def _other_word(word, cumulative, vocabulary_size, log_size, bits):
    """Draw from the noise distribution without `word`: invert the cumulative distribution, skipping its interval."""
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
    # subtle: rounding may still hit the word; the most frequent other word gets that probability
    return tl.where(low == word, (word == 0).to(tl.int64), low)


@triton.jit
def rows_at(table, numbers, used, column, STRIDE: tl.constexpr):
    """Return pointers to the rows of a table with these numbers, (N,) -> (N, COLUMNS), and where they may be used."""
    place = table + numbers.to(tl.int64)[:, None] * STRIDE + column[None, :]
    return place, used[:, None] & (column < STRIDE)[None, :]


@triton.jit
def trained(numbers, used, frozen):
    """Return which rows with these numbers, (N,), a step is added to: those in use that are not frozen, (N, 1)."""
    if frozen is not None:
        used = used & (tl.load(frozen + numbers, mask=used, other=0) == 0)
    return used[:, None]


@triton.jit(do_not_specialize_on_alignment=["count"])
def train(
    words,
    sentences,
    bounds,
    count,
    targets,
    widths,
    inputs,
    outputs,
    frozen_inputs,
    frozen_outputs,
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
    LEFT: tl.constexpr,
    RIGHT: tl.constexpr,
    CENTERS: tl.constexpr,
    ROWS: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """Train the surviving words of a chunk.

    Args:
        words: (count,) int32, word ids.
        sentences: (count,) int32, number of the sentence of each word.
        bounds: (sentences + 1,) int64, number of words before each sentence, and the number of all words.
        count: Pointer to the number of words, int64.
        targets: (count, N_TARGETS) int32, each word and its noise words.
        widths: (count,) int32, window width of each word.
        inputs: (V, STRIDE) float32, input table, updated.
        outputs: (V, STRIDE) float32, output table, updated.
        frozen_inputs: (V,) uint8, 1 for rows of the input table that are not updated; or None.
        frozen_outputs: The same for the output table.
        log_q: (V,) float32, subtracted from the scores if CORRECTED.
        constants: Constants of the objective, float32.
        first_lr: Learning rate at the first word.
        last_lr: Learning rate after the last word; it falls linearly between.
        losses: (programs,) float64, sums of the losses, added to.
        pairs: (programs,) int64, numbers of pairs, added to.
        gradient: A function of engines/gpu/objectives.py.
        CORRECTED: Whether the scores are corrected by log_q.
        STRIDE: Floats in a row; those beyond the dimensions are zero, and stay zero.
        COLUMNS: A power of two, at least STRIDE.
        N_TARGETS: 1 + K.
        TARGETS: A power of two, at least 1 + K.
        LEFT: Largest number of context words before a center word.
        RIGHT: Largest number of context words after it.
        CENTERS: Center words that share the input rows in registers.
        ROWS: Input rows in registers, a power of two.
        PRECISION: Precision of the products, an `input_precision` of tl.dot.
    """
    row, column, k = tl.arange(0, ROWS), tl.arange(0, COLUMNS), tl.arange(0, TARGETS)
    total = tl.load(count)
    stretch = tl.cdiv(tl.cdiv(total, CENTERS), tl.num_programs(0)) * CENTERS
    begin = tl.program_id(0) * stretch
    loss, n_pairs = tl.zeros((), tl.float64), tl.zeros((), tl.int64)
    for first in range(begin, tl.minimum(begin + stretch, total), CENTERS):
        last = tl.minimum(first + CENTERS, total)
        lr = first_lr + (last_lr - first_lr) * (first / total)
        low, high = first - LEFT, last + RIGHT
        if CENTERS + LEFT + RIGHT > ROWS:  # several tiles, but none of them in other sentences
            low = tl.maximum(low, tl.load(bounds + tl.load(sentences + first)))
            high = tl.minimum(high, tl.load(bounds + tl.load(sentences + last - 1) + 1))
        for block in range(low, high, ROWS):
            place = block + row
            inside = (place >= 0) & (place < total)
            sentence = tl.load(sentences + place, mask=inside, other=-1)
            context = tl.load(words + place, mask=inside, other=0)
            x_place, x_used = rows_at(inputs, context, inside, column, STRIDE)  # (ROWS, COLUMNS)
            # subtle: ".cg" bypasses the cache of the multiprocessor, which does not see the additions of the others
            x = tl.load(x_place, mask=x_used, other=0.0, cache_modifier=".cg")
            steps = tl.zeros((ROWS, COLUMNS), tl.float32)
            for center in range(tl.maximum(first, block - RIGHT), tl.minimum(last, block + ROWS + LEFT)):
                distance = tl.abs(place - center)
                near = (distance > 0) & (distance <= tl.load(widths + center))
                if LEFT != RIGHT:  # words on one side only
                    near = near & (place >= center - LEFT) & (place <= center + RIGHT)
                near = near & (sentence == tl.load(sentences + center))  # (ROWS,)
                used = k < N_TARGETS
                target = tl.load(targets + center * N_TARGETS + k, mask=used, other=0)
                y_place, y_used = rows_at(outputs, target, used, column, STRIDE)  # (TARGETS, COLUMNS)
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
                y_moves = y_used & trained(target, used, frozen_outputs)
                if frozen_inputs is not None:  # `steps` is also what is added to the rows in registers
                    steps = tl.where(trained(context, inside, frozen_inputs), steps, 0.0)
                tl.atomic_add(y_place, y_step, mask=y_moves, sem="relaxed")
            tl.atomic_add(x_place, steps, mask=x_used & trained(context, inside, frozen_inputs), sem="relaxed")
            tl.debug_barrier()  # the next tile contains some of these rows, and other warps read them
    program = tl.program_id(0)
    tl.store(losses + program, tl.load(losses + program) + loss)
    tl.store(pairs + program, tl.load(pairs + program) + n_pairs)
