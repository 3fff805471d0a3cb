"""What kind of failure an error of obstore is, and what to do: fixed texts, because its own may have keys in them."""

from __future__ import annotations

import re
from typing import NamedTuple

VARIABLES = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_SERVICE_ACCOUNT (the path of a key file)",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}


class Explanation(NamedTuple):
    """What is wrong, as the end of a sentence, and the next step. `{variables}` are those of the credentials."""

    kind: str
    hint: str


NO_BUCKET = Explanation("there is no such bucket", "Check its name.")
OTHER = Explanation("the storage does not answer as it should", "Check the network, the endpoint and the credentials.")

_KINDS = (
    ("NoSuchBucket|ContainerNotFound|bucket does not exist", NO_BUCKET),
    (
        r"169\.254\.|metadata\.google|Account must be specified|CredentialsNotLoaded|MissingCredential",
        Explanation("there are no credentials", "Set {variables}, or give this machine a role."),
    ),
    (
        "credential error|Invalid Access Key|Unable to (open|decode) service account",
        Explanation("the credentials cannot be read", "Check {variables}."),
    ),
    (
        "PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint|redirect without LOCATION",
        Explanation("the bucket is in another region", "Set AWS_REGION to the region of the bucket."),
    ),
    (
        "RequestTimeTooSkewed|RequestExpired",
        Explanation("the clock of this machine is wrong", "Set the clock, or let it follow a time server."),
    ),
    (
        "InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|AuthenticationFailed|401 |Unauthenticated",
        Explanation("the credentials are not accepted", "Check {variables}."),
    ),
    ("AccessDenied|403 |PermissionDenied", Explanation("permission denied", "Let these credentials list and read it.")),
    (
        "InvalidCertificate|CERTIFICATE_VERIFY_FAILED|UnknownIssuer",
        Explanation(
            "its TLS certificate is not accepted",
            "Check the endpoint, and that this machine knows who signed its certificate.",
        ),
    ),
    (
        "TimedOut|kind: Timeout|timed out",
        Explanation("it does not answer in time", "Check the network and the endpoint, and try again."),
    ),
    (
        "kind: Connect|ConnectError|ConnectionRefused|URLError",
        Explanation("its endpoint cannot be reached", "Check the network and the endpoint."),
    ),
    (
        "SlowDown|status code: 5[0-9][0-9]|HTTP Error 5[0-9][0-9]",
        Explanation("the storage has a fault of its own, or too much to do", "Try again later."),
    ),
)
"""What stands in an error -> what it means; the first that fits."""

_ADDRESSES = re.compile(r"\b(GET|HEAD|PUT|POST) \S+ in|uri: Some\(\s*\S+")
"""They hold names of objects, which may look like an error, and hosts; the one that gives credentials is kept."""


def explain(scheme: str, error: Exception) -> Explanation:
    """Return what kind of failure this is, without a word of the error's own."""
    text = _ADDRESSES.sub(_host_of_credentials, f"{type(error).__name__}: {error}")
    kind, hint = next((known for pattern, known in _KINDS if re.search(pattern, text)), OTHER)
    return Explanation(kind, hint.format(variables=VARIABLES.get(scheme, "them")))


def _host_of_credentials(match: re.Match[str]) -> str:
    return " 169.254." if "//169.254.169.254/" in match[0] or "//metadata.google" in match[0] else " "
