"""Clients that keep the server waiting: in every phase of a connection, from one address and from several."""

import contextlib
import errno
import logging
import resource
import socket
import subprocess
import sys
import time
from dataclasses import replace
from urllib.parse import urlsplit

import children
import pytest
from compare import until
from polyglance.errors import UsageError
from polyglance.ui.web import connections, descriptors, repeats
from polyglance.ui.web.addresses import parse_networks
from polyglance.ui.web.gate import Policy
from polyglance.ui.web.limits import LIMITS, BodyLimits, Limits

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is an address of its own on Linux only")

ME, OTHER = "127.0.0.1", "127.0.0.2"
QUICK = Limits(
    connections=12,
    per_address=6,
    header_seconds=1.0,
    idle_seconds=1,
    write_seconds=1.0,
    body=BodyLimits(piece_seconds=1.0, bytes_a_second=100_000, total_seconds=2.0),
)
HALF = b"GET /ui/page.js HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half"
UPLOAD = b"POST /api/v1/similar HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n"


class Place:
    """A running server, and ways to bother it. Every connection is closed at the end."""

    def __init__(self, address):
        self._place = urlsplit(address)
        self._opened = []

    def connect(self, data=b"", source=ME, buffer=None):
        client = socket.socket()
        self._opened.append(client)
        client.settimeout(20)
        if buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.bind((source, 0))
        client.connect((self._place.hostname, self._place.port))
        client.sendall(data)
        return client

    def get(self, path="/ui/page.js", source=ME, keep=False):
        """The first line of the answer, and the connection."""
        end = b"" if keep else b"Connection: close\r\n"
        client = self.connect(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n" % (path.encode(), end), source)
        return client.recv(65536).partition(b"\r\n")[0], client

    def is_served(self, source=ME):
        try:
            return b" 200 " in self.get(source=source)[0]
        except ConnectionError:
            return False

    def close(self):
        for client in self._opened:
            client.close()


@pytest.fixture
def place(serve_in_thread, library):
    """Start a server with limits, and a policy."""
    opened = []

    def start(*arguments):
        opened.append(Place(serve_in_thread(library, *arguments)))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def is_ended(client):
    """Wait until the server ends a connection; what it says before does not matter."""
    try:
        while client.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


@pytest.mark.parametrize("data", [b"", HALF, b"\r\n"], ids=["nothing", "half a header", "an empty line"])
def test_a_request_that_does_not_come_ends_the_connection(place, data):
    assert is_ended(place(QUICK).connect(data))


def test_a_header_that_comes_byte_by_byte_ends_the_connection(place):
    client = place(QUICK).connect(HALF)
    with pytest.raises(ConnectionError):
        for _ in range(100):
            client.sendall(b"x")
            time.sleep(0.1)


def test_half_a_request_after_a_whole_one_ends_the_connection(place):
    _, client = place(QUICK).get(keep=True)
    client.sendall(HALF)
    assert is_ended(client)


def test_an_idle_connection_ends(place):
    line, client = place(QUICK).get(keep=True)
    assert b" 200 " in line
    assert is_ended(client)


@pytest.mark.parametrize("interval", [60, 0.2], ids=["no piece", "a byte now and then"])
def test_a_body_that_does_not_come_in_time_is_given_up(place, interval):
    client = place(QUICK).connect(UPLOAD % 10_000_000)
    client.settimeout(interval)
    answer = b""
    for _ in range(100):
        with contextlib.suppress(TimeoutError):
            answer = client.recv(65536)
            break
        client.sendall(b"x")
    assert b" 408 " in answer.partition(b"\r\n")[0]


def test_a_body_may_take_longer_the_more_of_it_has_come_but_not_for_ever():
    bounds = BodyLimits(piece_seconds=30, bytes_a_second=1000, total_seconds=100)
    assert [bounds.seconds(received) for received in (0, 10_000, 10_000_000)] == [30, 40, 100]


def answers_nobody_reads(ids):
    return b"GET /api/v1/photos/%d/original HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % ids["brick.png"] * 40


def test_an_answer_that_is_not_read_ends_the_connection(place, ids, pictures):
    times = 10
    asked = times * 40 * (pictures / "brick.png").stat().st_size
    assert asked > 30_000_000  # the system's buffers hold a few of it
    client = place(QUICK).connect(answers_nobody_reads(ids) * times, buffer=4096)
    for _ in range(50):  # so little that it would take hours
        time.sleep(0.1)
        if not client.recv(100):
            break
    left = 0
    with contextlib.suppress(ConnectionError):
        while piece := client.recv(1 << 20):
            left += len(piece)
    assert left < asked / 2


def test_an_answer_that_is_read_slowly_comes_whole(place, ids, pictures):
    server = place(replace(QUICK, write_bytes=1024))
    client = server.connect(
        b"GET /api/v1/photos/%d/original HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n" % ids["brick.png"],
        buffer=4096,
    )
    answer = b""
    while piece := client.recv(8192):
        answer += piece
        time.sleep(0.01)
    assert answer.endswith((pictures / "brick.png").read_bytes())


@pytest.mark.parametrize("data", [b"", HALF], ids=["idle", "half a header"])
def test_connections_of_one_address_take_no_room_of_others(place, data):
    server = place(replace(QUICK, header_seconds=60))
    for _ in range(40):
        server.connect(data)
    time.sleep(2 * connections.FRESH_SECONDS)
    for source in (OTHER, ME):
        assert [server.is_served(source) for _ in range(5)] == [True] * 5


def test_connections_of_many_addresses_lock_nobody_out(place):
    server = place(replace(QUICK, header_seconds=60))
    for number in range(60):
        server.connect(HALF, source=f"127.0.1.{number // 5 + 1}")
    time.sleep(2 * connections.FRESH_SECONDS)
    assert server.is_served()


def test_a_browser_with_many_tabs_is_served(place):
    server = place(QUICK)
    for _ in range(30):
        line, _ = server.get(keep=True)
        assert b" 200 " in line


def test_beyond_the_limit_of_an_address_requests_are_refused_and_said_so_once(place, caplog, monkeypatch):
    monkeypatch.setattr(repeats.once_a_minute, "_logged", {})
    server = place(replace(QUICK, body=BodyLimits()))
    busy = [server.connect(UPLOAD % 100 + b"x") for _ in range(QUICK.per_address)]
    time.sleep(0.3)
    with caplog.at_level(logging.WARNING):
        refused = [server.connect() for _ in range(20)]
        answers = [client.recv(65536) for client in refused]
    assert all(b" 503 " in each and b"application/problem+json" in each for each in answers)
    assert server.is_served(OTHER)
    assert caplog.text.count("Too many connections from 127.0.0.1") == 1
    busy[0].close()
    time.sleep(0.3)
    assert server.is_served()


def test_a_proxy_may_have_the_connections_of_all_its_clients(place):
    server = place(QUICK, Policy(proxies=parse_networks([ME])))
    busy = [server.connect(UPLOAD % 100 + b"x") for _ in range(QUICK.per_address + 2)]
    time.sleep(0.3)
    assert server.is_served()
    assert len(busy) == 8


def test_a_websocket_is_a_request_like_others(place):
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n"
    client = place(QUICK).connect(b"GET /ui/page.js HTTP/1.1\r\nHost: 127.0.0.1\r\n" + upgrade)
    assert client.recv(100).startswith(b"HTTP/1.1 200 ")
    assert is_ended(client)


# --- pictures that are sent ---------------------------------------------------------------------------------------


def test_slow_pictures_hold_up_no_other_one(place, pictures):
    server = place(replace(LIMITS, body=BodyLimits(piece_seconds=60)))
    picture = (pictures / "rocket.jpg").read_bytes()
    slow = [server.connect(UPLOAD % len(picture) + picture[:1000]) for _ in range(LIMITS.pictures_at_once + 1)]
    time.sleep(0.5)
    assert b" 200 " in server.connect(UPLOAD % len(picture) + picture).recv(100)
    for client in slow:
        client.sendall(picture[1000:])
        assert b" 200 " in client.recv(100)


def test_pictures_being_sent_have_so_much_memory_together(place, pictures):
    picture = (pictures / "rocket.jpg").read_bytes()
    body = BodyLimits(piece_seconds=2, memory_bytes=100_000)
    assert len(picture) > body.memory_bytes
    server = place(replace(LIMITS, body=body))
    first = server.connect(UPLOAD % len(picture) + picture[:-9])  # more than all may have: but it is the oldest
    time.sleep(0.5)
    second = server.connect(UPLOAD % len(picture) + picture[:50_000])
    for number in range(4):
        first.sendall(picture[number - 9 : number - 8])
        time.sleep(0.8)
    assert b" 503 " in second.recv(100)
    third = server.connect(UPLOAD % len(picture) + picture)
    first.sendall(picture[-5:])
    assert b" 200 " in first.recv(100)
    assert b" 200 " in third.recv(100)


# --- the process ----------------------------------------------------------------------------------------------------


def within(limits, soft, hard):
    """What `within_descriptors` makes of limits in a process that may open so many files, and how many it may then."""
    code = (
        "import resource, logging; logging.basicConfig()\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))\n"
        "from polyglance.ui.web.descriptors import within_descriptors; from polyglance.ui.web.limits import Limits\n"
        f"print(within_descriptors(Limits(connections={limits})).connections)\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.split(), done.stderr


def test_as_many_files_may_be_open_as_the_connections_need():
    assert within(1000, 1024, 4096) == (["1000", "2320"], "")
    assert within(100, 1024, 4096) == (["100", "1024"], "")
    shown, said = within(1000, 1024, 1024)
    assert shown == ["352", "1024"]
    assert "At most 352 connections are served" in said
    assert "are too few for a server" in within(1000, 300, 300)[1]
    assert descriptors.connections_within(1024) == 352


def test_too_few_descriptors_are_an_error_of_one_line(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (300, 300))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    with pytest.raises(UsageError, match="300 open files are too few"):
        descriptors.within_descriptors(LIMITS)


class Served(Place):
    """A server in a process of its own."""

    def __init__(self, library, folder, **limits):
        self.said, self.errors = folder / "said", folder / "errors"
        self.said.touch()
        self.process = children.start(children.serve, library.folder, self.said, self.errors, **limits)
        until(lambda: "\n" in self.said.read_text(), 60)
        super().__init__(self.said.read_text().strip())

    def terminate(self):
        """Its exit code, and what it said after the address and on stderr."""
        self.process.terminate()
        self.process.join(20)
        return self.process.exitcode, self.said.read_text().splitlines()[1:], self.errors.read_text()


@pytest.fixture
def served(library, tmp_path):
    """Start a server in a process of its own, that may open so many files, with limits of connections."""
    opened = []

    def start(**limits):
        opened.append(Served(library, tmp_path, **limits))
        return opened[-1]

    yield start
    for each in opened:
        each.process.kill()
        each.process.join()
        each.close()


def test_when_no_connection_can_be_accepted_one_line_is_logged(served):
    server = served(files=200, per_address=1000, connections=1000)
    for _ in range(300):
        server.connect()
    time.sleep(2.5)  # asyncio tries again each second
    _, _, err = server.terminate()
    assert err.count("Connections cannot be accepted") == 1
    assert "Traceback" not in err
    assert len(err.splitlines()) < 5, err


def test_a_server_that_ends_before_asyncio_tries_again_prints_no_traceback():
    class Loop:
        said = 0

        def default_exception_handler(self, context):
            self.said += 1

    loop = Loop()
    message = "Exception in callback BaseSelectorEventLoop._start_serving(functools.partial(<class>))"
    connections.on_loop_error(loop, {"message": message, "exception": ValueError("Invalid file descriptor: -1")})
    assert loop.said == 0
    connections.on_loop_error(loop, {"message": "Exception in callback f()", "exception": ValueError("another")})
    assert loop.said == 1


def test_with_its_connections_limited_a_server_never_lacks_descriptors(served):
    server = served(files=400, per_address=1000, connections=descriptors.connections_within(400))
    for number in range(500):
        with contextlib.suppress(OSError):
            server.connect(HALF, source=f"127.0.1.{number // 200 + 1}")
    until(lambda: server.is_served(OTHER))  # at first all connections may be too new for one to make room
    assert [server.is_served(OTHER) for _ in range(5)] == [True] * 5
    code, last, err = server.terminate()
    assert (code, last) == (0, ["closed"])
    assert "cannot be accepted" not in err
    assert "failed" not in err


def test_sigterm_ends_stalled_clients_without_a_word(served, ids):
    server = served(files=1024, per_address=1000, connections=100)
    for data in (b"", HALF, UPLOAD % 100 + b"x", answers_nobody_reads(ids)):
        for _ in range(3):
            server.connect(data, buffer=4096)
    time.sleep(0.5)
    assert server.terminate() == (0, ["closed"], "")


def test_other_errors_of_the_event_loop_are_shown_as_ever():
    shown = []

    class Loop:
        default_exception_handler = staticmethod(shown.append)

    connections.on_loop_error(Loop, {"exception": OSError(errno.EMFILE, "Too many open files")})
    assert shown == []
    context = {"exception": ValueError("other")}
    connections.on_loop_error(Loop, context)
    assert shown == [context]


def test_a_message_is_logged_once_a_minute():
    now = [0.0]
    repeats_ = repeats.Repeats(lambda: now[0])

    def passes(text, number, error=None):
        return repeats_.filter(logging.LogRecord("x", logging.WARNING, "", 0, text, (number,), error))

    assert [passes("%d of them", 1), passes("%d of them", 2), passes("%d others", 3)] == [True, False, True]
    assert passes("%d of them", 2, (ValueError, ValueError(), None))
    now[0] = repeats.SECONDS
    assert passes("%d of them", 4)
