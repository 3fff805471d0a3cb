"""Errors of object storage as obstore words them: each kind is told with its next step, and nothing of its text."""

import io
import json
import socket

import pytest
from polyglance.data import objects, paths
from polyglance.data.storage_errors import OTHER, explain
from polyglance.errors import FolderError, PictureUnreachable

REQUEST = "Generic S3 error: Error performing GET http://h.example/AccessDenied/TimedOut.png?list-type=2 in 3.8ms"
REFUSED = f"{REQUEST} - Server returned non-2xx status code: 403 Forbidden: <Error><Code>%s</Code></Error>"
CUT = f"{REQUEST} - HTTP error: error sending request Debug source: uri: Some( http://h/SlowDown, ), HttpError {{ %s }}"
METADATA = "Error performing PUT http://169.254.169.254/latest/api/token in 2s - HTTP error: error sending request"


@pytest.mark.parametrize(
    ("scheme", "text", "kind", "hint"),
    [
        ("s3", METADATA, "there are no credentials", "AWS_ACCESS_KEY_ID"),
        ("az", "Generic MicrosoftAzure error: Account must be specified", "there are no credentials", "AZURE_"),
        ("gs", "GCP credential error: Unable to decode service account file", "cannot be read", "GOOGLE_"),
        ("az", "Invalid Access Key: Invalid symbol 37, offset 0.", "cannot be read", "AZURE_STORAGE_ACCOUNT_KEY"),
        ("s3", REFUSED % "NoSuchBucket", "no such bucket", "name"),
        ("s3", REFUSED % "AccessDenied", "permission denied", "list and read"),
        ("s3", REFUSED % "SignatureDoesNotMatch", "credentials are not accepted", "AWS_SECRET_ACCESS_KEY"),
        ("s3", REFUSED % "RequestTimeTooSkewed", "clock of this machine", "clock"),
        ("s3", REFUSED % "AuthorizationHeaderMalformed", "another region", "AWS_REGION"),
        ("s3", f"{REQUEST} - Received redirect without LOCATION, this", "another region", "AWS_REGION"),
        ("s3", CUT % "kind: Connect, InvalidCertificate(Expired)", "TLS certificate", "certificate"),
        ("s3", CUT % "kind: Timeout, source: TimedOut", "does not answer in time", "try again"),
        ("s3", CUT % 'kind: Connect, ConnectError("dns error")', "endpoint cannot be reached", "network"),
        ("s3", f"{REQUEST} - Server returned non-2xx status code: 503 Service", "a fault of its own", "later"),
        ("s3", f"{REQUEST} - something new", OTHER.kind, "credentials"),
    ],
)
def test_each_kind_of_failure_has_its_next_step(scheme, text, kind, hint):
    known = explain(scheme, ValueError(text))
    assert kind in known.kind and hint in known.hint
    assert "h.example" not in str(known) and "\n" not in str(known)


@pytest.fixture
def closed_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"


@pytest.mark.cluster
@pytest.mark.parametrize("scheme", ["s3", "gs", "az"])
def test_storage_that_does_not_listen_is_told_in_one_line(monkeypatch, closed_port, scheme):
    pytest.importorskip("obstore", reason="obstore is not installed: extra cluster")
    google = {"gcs_base_url": closed_port, "disable_oauth": True}
    environment = {
        "AWS_ENDPOINT": closed_port,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "key",
        "GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(
            google | dict.fromkeys(["client_email", "private_key", "private_key_id"], "")
        ),
        "AZURE_STORAGE_ACCOUNT_NAME": "account",
        "AZURE_STORAGE_ACCOUNT_KEY": "c2VjcmV0",
        "AZURE_ENDPOINT": closed_port,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(objects.RETRIES, "max_retries", 0)
    objects.forget_stores()
    root = f"{scheme}://bucket".encode()
    with pytest.raises(FolderError) as unlisted:
        list(objects.listing(root))
    with pytest.raises(PictureUnreachable, match="its endpoint cannot be reached") as unread:
        objects.fetch(root + b"/key", io.BytesIO(), size=1)
    assert str(unlisted.value) == (
        f"{paths.display(root)} cannot be listed: its endpoint cannot be reached. Check the network and the endpoint."
    )
    assert "\n" not in str(unread.value)
    objects.forget_stores()
