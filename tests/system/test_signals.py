"""Ctrl-C, SIGTERM and SIGHUP are collected during a block and have their usual effect after it."""

import os
import signal
import threading

import pytest

from word2vec.system.signals import SIGNALS, held_signals


@pytest.mark.parametrize("number", SIGNALS)
def test_signals_are_collected_and_handlers_restored(number: int) -> None:
    before = [signal.getsignal(each) for each in SIGNALS]
    with held_signals() as received:
        assert received == []
        os.kill(os.getpid(), number)
        assert received == [number]
    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_handlers_are_restored_if_the_block_fails() -> None:
    before = [signal.getsignal(each) for each in SIGNALS]
    with pytest.raises(ValueError, match="stop"), held_signals():
        raise ValueError("stop")
    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with held_signals() as received:
            os.kill(os.getpid(), signal.SIGINT)
            assert received == []
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_change_no_handler() -> None:
    before = [signal.getsignal(each) for each in SIGNALS]
    during: list[list[object]] = []

    def work() -> None:
        with held_signals():
            during.append([signal.getsignal(each) for each in SIGNALS])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert during == [before]
