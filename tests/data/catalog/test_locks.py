import multiprocessing

import pytest
from polyglance.data.catalog import locks
from polyglance.errors import LibraryBusy


def _hold(folder, ready, leave):
    with locks.writer_lock(folder):
        ready.set()
        leave.wait(30)


def test_second_writer_process_is_told_who_holds_the_lock(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, leave = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(tmp_path, ready, leave))
    holder.start()
    assert ready.wait(30)
    with pytest.raises(LibraryBusy, match=f"process {holder.pid}") as caught, locks.writer_lock(tmp_path):
        pass
    assert caught.value.exit_code == 4
    leave.set()
    holder.join()
    with locks.writer_lock(tmp_path):
        pass


def test_lock_of_a_killed_process_is_free(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, leave = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(tmp_path, ready, leave))
    holder.start()
    assert ready.wait(30)
    holder.kill()
    holder.join()
    with locks.writer_lock(tmp_path):
        pass
