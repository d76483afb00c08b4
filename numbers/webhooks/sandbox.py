"""Hosts that force an outcome for endpoints of a sandbox: no request is sent to them.

``<outcome>.webhooks.example``: the label before it says what happens, as in
``https://500.webhooks.example/``. For a live organization these are hosts that do not exist.
"""

import re
from urllib.parse import urlsplit

from numbers.webhooks.send import SECONDS, Outcome

DOMAIN = ".webhooks.example"
_REFUSED = "ConnectionRefusedError: Connection refused"
_FORCED = {
    "ok": Outcome(204),
    "timeout": Outcome(
        None, f"no complete response within {SECONDS:g} s", milliseconds=int(SECONDS * 1000)
    ),
    "refused": Outcome(None, _REFUSED),
    "tls": Outcome(None, "TLS: certificate has expired"),
}
_STATUS = re.compile(r"[2-5][0-9]{2}")


def forced_outcome(url: str, *, tries: int) -> Outcome | None:
    """Return the outcome that a sandbox URL forces, or None if its host forces none.

    ``flaky``: the first attempt fails, the next succeeds.
    """
    host = urlsplit(url).hostname or ""
    if not host.endswith(DOMAIN):
        return None
    label = host.removesuffix(DOMAIN)
    if label == "flaky":
        return Outcome(503, "the endpoint answered 503") if tries == 1 else Outcome(204)
    if _STATUS.fullmatch(label):
        status = int(label)
        return Outcome(status, "" if status < 300 else f"the endpoint answered {status}")
    unknown = Outcome(None, f"{host} can't be resolved: Name or service not known")
    return _FORCED.get(label, unknown)
