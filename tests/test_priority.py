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
