import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from polyglance import priority


def niceness():
    return os.getpriority(os.PRIO_PROCESS, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own")
def test_the_thread_and_those_it_starts_give_way_and_no_other():
    before = niceness()

    def work():
        priority.give_way()
        with ThreadPoolExecutor(1) as more:
            return niceness(), more.submit(niceness).result()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result() == (max(before, priority.NICENESS),) * 2
    assert niceness() == before


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own")
def test_only_a_process_for_one_command_gives_way_as_a_whole(monkeypatch):
    """A notebook that indexes keeps its priority: an unprivileged process could not raise it again."""

    def niceness_after():
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(lambda: (priority.give_way_in_own_process(), niceness())[1]).result()

    before = niceness()
    assert not priority.is_own_process
    assert niceness_after() == before
    monkeypatch.setattr(priority, "is_own_process", True)
    assert niceness_after() == max(before, priority.NICENESS)
    assert niceness() == before
