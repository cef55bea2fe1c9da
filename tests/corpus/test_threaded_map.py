"""A function applied in threads: the order of the results, and how many items exist at a time."""

from collections.abc import Iterator

import pytest

from word2vec.corpus.threaded_map import threaded_map


@pytest.mark.parametrize("threads", [1, 3])
def test_results_are_in_order_and_items_are_created_when_they_are_needed(threads: int) -> None:
    created: list[int] = []

    def items() -> Iterator[int]:
        for number in range(20):
            created.append(number)
            yield number

    for done, result in enumerate(threaded_map(lambda number: number * number, items(), threads)):
        assert result == done * done
        assert len(created) <= done + threads + 1
    assert len(created) == 20


def test_error_of_the_function_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        list(threaded_map(lambda number: 1 // number, [1, 0, 1], 2))
