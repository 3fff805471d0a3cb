import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from polyglance.errors import UsageError
from polyglance.ui.web.server import address_of, listen, serve


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


SERVE = """
import sys
from polyglance.library import Library
from polyglance.ui.web.server import serve
with Library.open(sys.argv[1], create=False) as library:
    serve(library, host="127.0.0.1", port=0, on_ready=lambda address: print(address, flush=True))
print("closed", flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are another matter there")
def test_no_part_of_an_answer_waits_for_the_client_to_acknowledge_the_one_before():
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_signals_end_it_cleanly(library):
    command = [sys.executable, "-c", SERVE, str(library.folder)]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as terminated,
        subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as interrupted,
    ):
        for process, number in ((terminated, signal.SIGTERM), (interrupted, signal.SIGINT)):
            address = process.stdout.readline().strip()
            with urllib.request.urlopen(f"{address}/ui/page.js") as answer:
                assert answer.status == 200
            process.send_signal(number)
            out, err = process.communicate(timeout=20)
            assert (process.returncode, out.strip(), err) == (0, "closed", "")
