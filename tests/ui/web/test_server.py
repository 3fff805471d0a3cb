import os
import signal
import socket
import threading
import time
import urllib.request

import children
import pytest
from compare import until
from gradio.queueing import Queue
from polyglance.errors import UsageError
from polyglance.ui.web import frontends
from polyglance.ui.web.server import address_of, build, listen, serve
from starlette.testclient import TestClient


def never(_):
    raise AssertionError("it must not start")


def test_a_port_in_use_is_said_so(library):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError) as caught:
            serve(library, host="127.0.0.1", port=port, on_ready=never)
    assert caught.value.message == f"Port {port} on 127.0.0.1 is in use."
    assert "--port" in caught.value.hint


def test_a_port_that_cannot_be_is_refused(library):
    with pytest.raises(UsageError, match="70000 is no port"):
        serve(library, host="127.0.0.1", port=70000, on_ready=never)


def test_localhost_is_listened_on_and_shown_as_an_address():
    with listen("localhost", 0) as listener:
        assert address_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.skipif(os.name == "nt", reason="signals are another matter there")
def test_no_part_of_an_answer_waits_for_the_client_to_acknowledge_the_one_before():
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_cleanly(library, tmp_path, number):
    said, errors = tmp_path / "said", tmp_path / "errors"
    said.touch()
    process = children.start(children.serve, library.folder, said, errors)
    until(lambda: "\n" in said.read_text(), 60)
    with urllib.request.urlopen(f"{said.read_text().strip()}/ui/page.js") as answer:
        assert answer.status == 200
    os.kill(process.pid, number)
    process.join(20)
    assert (process.exitcode, said.read_text().splitlines()[1:], errors.read_text()) == (0, ["closed"], "")


def test_an_idle_server_looks_for_events_of_gradio_a_few_times_a_second(library, monkeypatch):
    looks, count = [], Queue.__len__
    monkeypatch.setattr(Queue, "__len__", lambda queue: looks.append(queue) or count(queue))
    with TestClient(build(library), base_url="http://127.0.0.1") as client:
        assert client.get("/").status_code == 200
        looks.clear()
        time.sleep(0.5)
        queues = set(map(id, looks))  # of this server's page and blocks, and of other tests' servers
        assert len(queues) >= 2
        assert len(looks) < 25 * len(queues)


def test_its_end_does_not_wait_for_gradio(library, monkeypatch):
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def build_slowly(*_, **__):
        begun.set()
        may_end.wait(20)
        ended.set()
        raise RuntimeError("nobody asks any more")

    monkeypatch.setattr(frontends, "build", build_slowly)
    with TestClient(build(library, ahead=True)):
        assert begun.wait(20)
    assert not ended.is_set()
    may_end.set()
