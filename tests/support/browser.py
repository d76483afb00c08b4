"""Chromium, driven by its DevTools protocol over a pipe, without a separate driver.

It runs with a fresh profile, and remembers what a test must not overlook: errors on the console, script
errors, violations of the Content-Security-Policy, answers of 500 and requests to any other host.
"""

import base64
import contextlib
import fcntl
import json
import os
import queue
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

BINARY = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
PATIENCE_SECONDS = 60

_FLAGS = (
    *(
        "--headless",
        "--remote-debugging-pipe",
        "--disable-gpu",
        "--no-first-run",
        "--disable-quic",
        "--mute-audio",
    ),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-extensions",
    ),
    *(
        "--disable-default-apps",
        "--disable-client-side-phishing-detection",
        "--disable-dev-shm-usage",
    ),
    *("--password-store=basic", "--hide-scrollbars", "--force-color-profile=srgb"),
)


class Browser:
    """One Chromium with one page."""

    def __init__(self) -> None:
        if BINARY is None:
            raise RuntimeError("Chromium is not installed")
        self._profile = tempfile.mkdtemp(prefix="desk-browser-")
        self._messages: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._pid, self._to, self._from = self._start(BINARY)
        threading.Thread(target=self._read, daemon=True).start()
        self._serial = 0
        self._session: str | None = None
        self._loaded = 0
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        self.desk = ""  # the address of the desk that a fixture opened
        self._open_page()

    def _start(self, binary: str) -> tuple[int, int, int]:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        # Above 4, so that copying onto 3 and 4 is never a copy onto itself, which would not survive exec.
        high_in, high_out = (
            fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (theirs_in, theirs_out)
        )
        devnull = os.open(os.devnull, os.O_RDWR)
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        pid = os.posix_spawn(
            binary,
            [binary, *_FLAGS, *root, f"--user-data-dir={self._profile}", "about:blank"],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, high_in, 3),
                (os.POSIX_SPAWN_DUP2, high_out, 4),
                *((os.POSIX_SPAWN_DUP2, devnull, fd) for fd in (0, 1, 2)),
            ],
            setpgroup=0,
        )
        for fd in (theirs_in, theirs_out, high_in, high_out, devnull):
            os.close(fd)
        return pid, ours_out, ours_in

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._to)
        shutil.rmtree(self._profile, ignore_errors=True)

    # --- the protocol --------------------------------------------------------------------------
    def _read(self) -> None:
        buffer = b""
        with open(self._from, "rb", buffering=0) as pipe:
            while chunk := pipe.read(1 << 16):
                *messages, buffer = (buffer + chunk).split(b"\0")
                for message in messages:
                    self._messages.put(json.loads(message))
        self._messages.put(None)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._serial += 1
        message = {"id": self._serial, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        payload = json.dumps(message).encode() + b"\0"
        while payload:
            payload = payload[os.write(self._to, payload) :]
        while True:
            answer = self._next()
            if answer.get("id") == self._serial:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]  # type: ignore[no-any-return]

    def _next(self) -> dict[str, Any]:
        message = self._messages.get(timeout=PATIENCE_SECONDS)
        if message is None:
            raise RuntimeError("Chromium ended")
        if "method" in message:
            self._note(message["method"], message["params"])
        return message

    def _note(self, method: str, event: dict[str, Any]) -> None:
        if method == "Page.loadEventFired":
            self._loaded += 1
        elif method == "Runtime.exceptionThrown":
            details = event["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded" and event["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{event['entry']['text']} {event['entry'].get('url', '')}")
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "assert"):
            self.complaints.append(
                " ".join(str(argument.get("value")) for argument in event["args"])
            )
        elif method == "Network.requestWillBeSent":
            parts = urlsplit(event["request"]["url"])
            if parts.scheme in ("http", "https", "ws", "wss"):
                self.hosts.add(parts.netloc)

    def _open_page(self) -> None:
        (target,) = [
            one for one in self.call("Target.getTargets")["targetInfos"] if one["type"] == "page"
        ]
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.call(f"{domain}.enable")
        self.resize(1280, 900)

    # --- what a person does --------------------------------------------------------------------
    def resize(self, width: int, height: int, *, phone: bool = False) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )

    def prefer(self, scheme: str) -> None:
        """``light`` or ``dark``."""
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    @contextlib.contextmanager
    def loading(self) -> Iterator[None]:
        """Wait for the page that what is done inside leads to."""
        before = self._loaded
        yield
        while self._loaded == before:
            self._next()

    def go(self, address: str) -> None:
        with self.loading():
            result = self.call("Page.navigate", url=address)
            if "errorText" in result:
                raise RuntimeError(f"{address}: {result['errorText']}")

    def evaluate(self, script: str) -> Any:
        """The value of a script, awaited where it is a promise."""
        answer = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def wait_for(self, condition: str) -> Any:
        """Until a script's value is true, looked at whenever the browser has drawn a frame."""
        script = f"""new Promise((found, give_up) => {{
            const end = performance.now() + {PATIENCE_SECONDS * 1000};
            const look = () => {{ const value = {condition};
                if (value) found(value);
                else if (performance.now() > end) give_up(new Error({json.dumps(condition)} + " never came true"));
                else requestAnimationFrame(look); }};
            look(); }})"""
        return self.evaluate(script)

    def fill(self, selector: str, text: str) -> None:
        self._focus(selector)
        self.evaluate(f"document.querySelector({json.dumps(selector)}).select?.()")
        self.call("Input.insertText", text=text)

    def choose(self, selector: str, value: str) -> None:
        """Of a drop-down list."""
        self.evaluate(
            f"(() => {{ const list = document.querySelector({json.dumps(selector)}); list.value = {json.dumps(value)};"
            " list.dispatchEvent(new Event('change', {bubbles: true})); })()"
        )

    def attach(self, selector: str, *files: Path) -> None:
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def click(self, selector: str) -> None:
        """A real click, in the middle of its first line: a wrapped link has gaps between its lines."""
        x, y = self.evaluate(f"""(() => {{
            const box = (document.querySelector({json.dumps(selector)}).scrollIntoView({{block: "center"}}),
                         document.querySelector({json.dumps(selector)}).getClientRects()[0]);
            return [box.x + box.width / 2, box.y + box.height / 2]; }})()""")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "Space": 32}
        text = {"Enter": "\r", "Space": " "}.get(key)
        name = " " if key == "Space" else key
        down: dict[str, Any] = {"key": name, "code": key, "windowsVirtualKeyCode": codes[key]}
        self.call(
            "Input.dispatchKeyEvent", type="keyDown", **down, **({"text": text} if text else {})
        )
        self.call("Input.dispatchKeyEvent", type="keyUp", **down)

    def _focus(self, selector: str) -> None:
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")

    def text(self, selector: str = "body") -> str:
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText"))

    def screenshot(self, file: Path, *, whole: bool = False) -> None:
        picture = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(picture["data"]))
