"""Password and token: who gets in, who has to wait, what is refused at the start."""

import contextlib
import functools
import logging
import os

import pytest
from polyglance.cli import app
from polyglance.config import Settings
from polyglance.errors import UsageError
from polyglance.ui.web import admission, attempts, auth
from polyglance.ui.web.addresses import parse_networks
from polyglance.ui.web.attempts import ACCOUNT, CLIENT, Attempts
from polyglance.ui.web.auth import Secret
from polyglance.ui.web.devices import Devices
from polyglance.ui.web.server import Server, build, policy_for, serve
from starlette.testclient import TestClient
from typer.testing import CliRunner

TOKEN = "0123456789abcdef"


@pytest.fixture
def quick(monkeypatch):
    """Wrong passwords are answered at once, and time stands still for those that have to wait."""
    monkeypatch.setattr(admission, "WRONG_PASSWORD_SECONDS", 0)
    monkeypatch.setattr(admission, "Attempts", lambda: Attempts(lambda: 0.0))


@pytest.fixture(scope="module")
def application(library):
    """The application by the text of its secret and its names; building it takes longer than most tests."""
    return functools.cache(lambda text, names: build(library, policy_for("0.0.0.0", Secret.from_text(text), names)))


@pytest.fixture
def guarded(application, quick):
    """Clients of a server that others reach, by the text of its secret."""
    opened = []

    def make(text, host="192.168.1.5", names=(), **options):
        whole = application(text, tuple(names))
        whole.middleware_stack = whole.build_middleware_stack()  # with a gate that knows of no wrong passwords
        client = TestClient(whole, base_url=f"http://{host}:7860", **options)
        opened.append(client.__enter__())
        return client

    yield make
    for client in opened:
        client.__exit__(None, None, None)


EVERYTHING = ["/", "/api/v1/status", "/api/v1/docs", "/api/v1/openapi.json", "/ui/page.js", "/favicon.ico",
              "/api/v1/photos/1/original", "/api/v1/photos/1/thumbnail", "/theme.css", "/nothing"]  # fmt: skip


@pytest.mark.parametrize("address", EVERYTHING)
def test_nothing_is_served_without_the_password(guarded, address):
    answer = guarded("me:correct horse").get(address)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_user_with_the_password_gets_in(guarded):
    client = guarded("me:correct: horse é")
    for address in ("/", "/api/v1/status", "/ui/page.js"):
        assert client.get(address, auth=("me", "correct: horse é".encode())).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [("me", "wrong horse"), ("you", "correct horse"), ("me", ""), ("", "correct horse"), ("ME", "correct horse")],
)
def test_a_wrong_user_or_password_does_not(guarded, wrong):
    assert guarded("me:correct horse").get("/api/v1/status", auth=wrong).status_code == 401


def test_a_token_goes_as_bearer_or_as_the_password_of_anybody(guarded):
    client = guarded(TOKEN)
    assert client.get("/api/v1/status", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert client.get("/api/v1/status", auth=("anybody", TOKEN)).status_code == 200
    assert client.get("/api/v1/status", headers={"Authorization": f"Bearer {TOKEN}x"}).status_code == 401


@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic !!!", "Basic /////w==", "Basic bWU=", "Bearer", "Bearer \xff", "Digest x", "x" * 5000],
)
def test_what_is_no_password_at_all_is_refused(guarded, header):
    answer = guarded("me:correct horse").get("/api/v1/status", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401


def test_a_password_is_no_bearer_token(guarded):
    headers = {"Authorization": "Bearer correct horse"}
    assert guarded("me:correct horse").get("/api/v1/status", headers=headers).status_code == 401


RIGHT, WRONG = ("me", "correct horse"), ("me", "guess")


def guess(client, times, **options):
    """The statuses of so many wrong passwords."""
    return [client.get("/api/v1/status", auth=WRONG, **options).status_code for _ in range(times)]


def test_whoever_guesses_waits_and_then_even_the_right_password_does(guarded):
    client = guarded("me:correct horse")
    assert guess(client, CLIENT.free + 2) == [401] * (CLIENT.free + 1) + [429]
    answer = client.get("/api/v1/status", auth=RIGHT)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert client.get("/api/v1/status").status_code == 401


@pytest.mark.parametrize("proxies", [(), ("192.0.2.1",)], ids=["no proxy", "another proxy"])
def test_an_address_that_the_client_makes_up_evades_nothing(library, quick, proxies):
    policy = policy_for("0.0.0.0", Secret.from_text("me:correct horse"), ["photos.example.org"], proxies)
    with TestClient(behind(policy, library), base_url="http://photos.example.org") as client:
        forged = [{"X-Forwarded-For": f"198.51.100.{number}"} for number in range(100)]
        statuses = [client.get("/api/v1/status", auth=WRONG, headers=each).status_code for each in forged]
    assert statuses == [401] * (CLIENT.free + 1) + [429] * (99 - CLIENT.free)


def behind(policy, library):
    """The application as the server runs it: with what it believes of proxies."""
    server = Server(build(library, policy), "", lambda _: None, proxies=policy.proxies)
    server.config.load()
    return server.config.loaded_app


def test_a_guesser_behind_the_same_proxy_does_not_lock_the_owner_out(library, quick):
    policy = policy_for("0.0.0.0", Secret.from_text("me:correct horse"), ["photos.example.org"], ["10.0.0.0/8"])
    owner = {"X-Forwarded-For": "203.0.113.7"}
    with TestClient(behind(policy, library), base_url="http://photos.example.org", client=("10.1.2.3", 1)) as client:
        # What the guesser makes up stands before what the proxy says.
        guesses = [{"X-Forwarded-For": f"198.51.100.{number}, 203.0.113.66"} for number in range(20)]
        statuses = [client.get("/api/v1/status", auth=WRONG, headers=each).status_code for each in guesses]
        assert statuses[-1] == 429
        assert client.get("/api/v1/status", auth=RIGHT, headers=owner).status_code == 200


def test_a_browser_that_has_been_let_in_is_not_held_up_by_a_guesser_at_its_address(guarded):
    client = guarded("me:correct horse")
    answer = client.get("/api/v1/status", auth=RIGHT)
    device = answer.headers["set-cookie"].partition(";")[0]
    assert "HttpOnly" in answer.headers["set-cookie"]
    client.cookies.clear()
    assert guess(client, CLIENT.free + 2)[-1] == 429
    assert client.get("/api/v1/status", auth=RIGHT).status_code == 429
    owner = {"Cookie": f"other=1; {device}"}
    answer = client.get("/api/v1/status", auth=RIGHT, headers=owner)
    assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
    client.cookies.clear()
    assert client.get("/api/v1/status", headers=owner).status_code == 401  # it opens nothing
    assert guess(client, CLIENT.free + 2, headers=owner)[-1] == 429  # and its own guesses are slowed down
    for made_up in ("polyglance_device=x", "polyglance_device=a.b", device + "0", "polyglance_device=\x00", "=;;"):
        headers = {"Cookie": made_up.encode()}
        assert client.get("/api/v1/status", auth=RIGHT, headers=headers).status_code == 429


def test_the_cookie_is_only_given_with_the_right_password_and_kept_from_scripts_and_open_lines(guarded):
    client = guarded("me:correct horse")
    assert "set-cookie" not in client.get("/api/v1/status").headers
    assert "set-cookie" not in client.get("/api/v1/status", auth=WRONG).headers
    devices = Devices()
    assert "Secure" in devices.cookie(is_encrypted=True)
    cookie = devices.cookie(is_encrypted=False)
    assert "Secure" not in cookie
    assert devices.name(cookie)
    assert Devices().name(cookie) is None


@pytest.mark.parametrize("address", ["example.org", "*", "10.0.0.1/8", "", "127.0.0.1,", "::1/129"])
def test_what_is_no_address_of_a_proxy_is_refused(address):
    with pytest.raises(UsageError, match="is no address of a proxy"):
        policy_for("127.0.0.1", None, (), [address])


def test_proxies_are_addresses_and_networks():
    assert parse_networks(["127.0.0.1", "[::1]", " 10.0.0.0/8"]) == parse_networks(
        ["127.0.0.1/32", "::1", "10.0.0.0/8"]
    )


def test_attempts_wait_longer_each_time_and_are_forgotten():
    now = [0.0]
    made = Attempts(lambda: now[0])
    waits = []
    for _ in range(CLIENT.free + 4):
        made.failed("192.0.2.1")
        waits.append(made.seconds_to_wait("192.0.2.1"))
    assert waits == [0] * CLIENT.free + [1, 2, 4, 8]
    assert made.seconds_to_wait("192.0.2.2") == 0
    now[0] = 8
    assert made.seconds_to_wait("192.0.2.1") == 0
    for _ in range(50):
        made.failed("192.0.2.1")
    assert made.seconds_to_wait("192.0.2.1") == CLIENT.longest
    now[0] += attempts.FORGOTTEN_AFTER + 1
    made.failed("192.0.2.1")
    assert made.seconds_to_wait("192.0.2.1") == 0


def test_the_right_password_from_the_guessers_address_does_not_free_the_guesser():
    made = Attempts(lambda: 0.0)
    for _ in range(CLIENT.free + 4):
        made.failed("192.0.2.1")
    made.succeeded("192.0.2.1")
    assert made.seconds_to_wait("192.0.2.1") == 8


def test_guesses_from_many_addresses_are_slowed_down_together_but_not_those_that_are_known():
    made = Attempts(lambda: 0.0)
    made.succeeded("203.0.113.7")
    tried = 0
    for number in range(5000):
        address = f"10.0.{number // 250}.{number % 250}"
        if not made.seconds_to_wait(address):
            made.failed(address)
            tried += 1
    assert tried == ACCOUNT.free + 1
    assert made.seconds_to_wait("203.0.113.7") == 0
    assert made.seconds_to_wait("203.0.113.8") == 1
    assert made.seconds_to_wait("203.0.113.8", "the owner's browser") == 0
    for _ in range(50):
        made.failed("10.9.9.9")
    assert made.seconds_to_wait("203.0.113.8") == ACCOUNT.longest


def test_attempts_from_many_addresses_take_no_more_memory_and_one_network_is_one():
    made = Attempts()
    for number in range(attempts.CLIENTS * 3):
        address = f"10.{number // 65536}.{number // 256 % 256}.{number % 256}"
        made.failed(address)
        made.succeeded(address)
    assert len(made._wrong) == len(made._known) == attempts.CLIENTS
    for number in range(20):
        made.failed(f"2001:db8::{number:x}")
    made.succeeded("2001:db8:0:1::2")
    assert made.seconds_to_wait("2001:db8::ffff") > 0
    assert made.seconds_to_wait("2001:db8:0:1::1") == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "photos.example.org"}, 200),
        ({"Host": "PHOTOS.example.org:8443"}, 200),
        ({"Host": "photos.example.org.evil.example"}, 403),
        ({"Host": "192.168.1.5:7860"}, 200),
        ({"Host": "[2001:db8::1]:7860"}, 200),
        ({"Host": "localhost:7860"}, 200),
        ({"Host": "192.168.1.5", "Origin": "http://192.168.1.6"}, 403),
        ({"Host": "192.168.1.5", "Origin": "http://evil.example"}, 403),
        ({"Host": "192.168.1.5", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, 403),
    ],
)
def test_the_browsers_of_others_are_held_to_the_same_origin_with_the_password(guarded, headers, status):
    client = guarded("me:correct horse", names=["photos.example.org"])
    assert client.get("/api/v1/status", headers=headers, auth=("me", "correct horse")).status_code == status


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_no_other_site_writes_with_the_password_the_browser_keeps(guarded, method):
    client = guarded("me:correct horse")
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
    ):
        answer = client.request(method, "/api/v1/photos/1/favourite", headers=headers, auth=("me", "correct horse"))
        assert answer.status_code == 403


def test_the_secret_is_in_no_error_no_log_and_no_repr(guarded, caplog, capsys):
    secret = Secret.from_text(f"me:{TOKEN}")
    with caplog.at_level(logging.DEBUG):
        client = guarded(f"me:{TOKEN}")
        answers = [client.get("/api/v1/status", auth=("me", TOKEN)), client.get("/api/v1/nothing", auth=("me", TOKEN))]
        answers.append(client.get("/api/v1/status", auth=("me", TOKEN + "x")))
    said = caplog.text + "".join(capsys.readouterr()) + repr(secret) + repr(policy_for("::", secret))
    assert TOKEN not in said + "".join(answer.text for answer in answers)
    assert TOKEN not in repr(Settings(auth=TOKEN))


@pytest.mark.parametrize("text", ["", "short", "me:short", ":long enough", "two\nlines of it", "bell\a in the token"])
def test_secrets_that_protect_nothing_are_refused_without_being_shown(text):
    with pytest.raises(UsageError) as caught:
        Secret.from_text(text)
    assert not text or text not in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="permissions are another matter there")
def test_a_file_that_others_can_read_is_refused(tmp_path):
    file = tmp_path / "secret"
    file.write_text(f"me:{TOKEN}\n")
    for mode in (0o644, 0o640, 0o604):
        file.chmod(mode)
        with pytest.raises(UsageError, match="can be read by others"):
            auth.read(file)
    file.chmod(0o600)
    assert auth.read(file).accepts("Basic bWU6MDEyMzQ1Njc4OWFiY2RlZg==")
    with pytest.raises(UsageError, match="cannot be read"):
        auth.read(tmp_path / "missing")
    file.write_bytes(b"\xff" * 20)
    with pytest.raises(UsageError, match="one line"):
        auth.read(file)


def never(_):
    raise AssertionError("it must not start")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5"])
def test_others_are_not_served_without_a_password(library, host):
    with pytest.raises(UsageError) as caught:
        serve(library, host=host, port=0, on_ready=never)
    assert caught.value.message == f"{host} can be reached by others, and there is no password."
    assert "--auth FILE" in caught.value.hint


def test_a_name_for_this_server_needs_a_password_too(library):
    with pytest.raises(UsageError, match="can be reached by others"):
        serve(library, host="127.0.0.1", port=0, on_ready=never, names=["photos.example.org"])
    with pytest.raises(UsageError, match="is no host name"):
        serve(library, host="127.0.0.1", port=0, on_ready=never, secret=Secret.from_text(TOKEN), names=["http://x/"])


@pytest.mark.parametrize("host", ["example.com", "not a host", ""])
def test_only_addresses_are_listened_on(library, host):
    with pytest.raises(UsageError, match="is not an address"):
        serve(library, host=host, port=0, on_ready=never, secret=Secret.from_text(TOKEN))


@pytest.fixture
def started(monkeypatch):
    """Policies of the servers that the command would start; each is ready at once, and nothing listens."""
    policies = []

    def start(_listener, _library, policy, _offers, on_ready):
        policies.append(policy)
        on_ready("http://0.0.0.0:7860")

    monkeypatch.setattr("polyglance.ui.web.server.serve_on", start)
    monkeypatch.setattr("polyglance.ui.web.listening.listen", lambda *_: contextlib.nullcontext())
    return policies


def test_the_command_takes_the_password_from_a_file_or_the_environment(tmp_path, started):
    file = tmp_path / "secret"
    file.write_text(TOKEN)
    file.chmod(0o600)
    arguments = ["serve", "--library", str(tmp_path / "library"), "--host"]
    for more, environment in (
        (["0.0.0.0", "--auth", str(file)], {}),
        (["0.0.0.0"], {"POLYGLANCE_AUTH": TOKEN}),
        (["127.0.0.1"], {}),
    ):
        result = CliRunner().invoke(app, [*arguments, *more], env=environment)
        assert result.exit_code == 0, result.output
    bearer = f"Bearer {TOKEN}"
    assert [bool(each.secret and each.secret.accepts(bearer)) for each in started] == [True, True, False]
    assert isinstance(CliRunner().invoke(app, [*arguments, "0.0.0.0"]).exception, UsageError)
    assert len(started) == 3


def test_the_command_takes_proxies_from_options_or_the_environment(tmp_path, started):
    arguments = ["serve", "--library", str(tmp_path / "library"), "--allow-host", "photos.example.org"]
    secret = {"POLYGLANCE_AUTH": TOKEN}
    options = ["--proxy", "127.0.0.1", "--proxy", "10.0.0.0/8"]
    named = CliRunner().invoke(app, [*arguments, *options], env=secret | {"POLYGLANCE_PROXY": "::1"})
    assert "--proxy ADDRESS" not in named.output
    CliRunner().invoke(app, arguments, env=secret | {"POLYGLANCE_PROXY": "::1,10.0.0.0/8"})
    assert "--proxy ADDRESS" in CliRunner().invoke(app, arguments, env=secret).output
    proxies = [[str(network) for network in each.proxies] for each in started]
    assert proxies == [["127.0.0.1/32", "10.0.0.0/8"], ["::1/128", "10.0.0.0/8"], []]


def test_the_command_says_that_the_connection_is_not_encrypted(tmp_path, started):
    arguments = ["serve", "--library", str(tmp_path / "library"), "--host"]
    said = CliRunner().invoke(app, [*arguments, "0.0.0.0"], env={"POLYGLANCE_AUTH": TOKEN}).output
    assert "not encrypted" in said
    assert "not encrypted" not in CliRunner().invoke(app, [*arguments, "127.0.0.1"]).output
