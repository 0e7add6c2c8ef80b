"""Makes calls: adds the credential, bounds time and size, repeats safe calls. Source: ``src/client/transport.ts``."""

from __future__ import annotations

import queue
import random
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from typing import Literal
from urllib.parse import urlencode
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, getproxies

from .answers import Problem
from .credential import check_credential
from .errors import BakehouseError, ConnectionFailure, ProblemError
from .jsontext import encode_json
from .origin import base_of
from .reading import read_answer
from .words import PROBLEM_MEDIA_TYPE, REQUEST_ID

Credential = str | Callable[[], str]
"""An ID token or a service credential, or a function that gets it."""

Repeat = Literal["always", "unanswered", "never"]
"""When a call may be made again.

``always``: making it twice does no more than once. ``unanswered``: once the service has said that it could not answer
(429, 503 ``unavailable``), but not if nobody knows. ``never``: not even then, except 429: a 503 can be that of an answer
which was lost behind the commit.
"""

TIMEOUT = 10.0
RETRIES = 2
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 10.0
_MOST_BYTES = 64 * 1024 * 1024
"""A batch of the largest tokens, answered, is smaller."""
SMALL_ANSWER = 1024 * 1024
"""Most bytes of an answer with one token, or none. A third party may answer, too: it must not fill the memory."""

_HEADER = re.compile(r"[\x21-\x7e]+")
_SECONDS = re.compile("[0-9]{1,6}")
_GATEWAY = (502, 503, 504)


@dataclass(frozen=True)
class Call:
    """One call."""

    method: Literal["GET", "POST"]
    path: str
    repeat: Repeat | Callable[[], Repeat]
    """A function is asked once it fails."""
    body: Mapping[str, object] | None = field(default=None, repr=False)
    query: Mapping[str, object] = field(default_factory=dict[str, object])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    anonymous: bool = False
    """Whether to leave the credential out."""
    most_bytes: int = _MOST_BYTES


@dataclass(frozen=True)
class Answered:
    """An answer that is no error."""

    status: int
    body: str = field(repr=False)


class Transport:
    """The way to one service. Threads may share it."""

    def __init__(
        self,
        url: str,
        credential: Credential | None,
        *,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        insecure_http: bool = False,
        ssl_context: ssl.SSLContext | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """See :class:`bakehouse.Bakehouse`. ``sleep`` is for tests."""
        self.origin, path = base_of(url, insecure_http)
        self._prefix = self.origin + path
        if isinstance(credential, str):
            check_credential(credential)
        self._credential = credential
        self._timeout = timeout
        self._retries = retries
        self._sleep = sleep
        self._opener = _opener(self.origin, ssl_context)

    @property
    def has_credential(self) -> bool:
        """Whether calls say who makes them."""
        return self._credential is not None

    def __repr__(self) -> str:
        return f"<transport to {self.origin}>"

    def call(self, call: Call, timeout: float | None = None) -> Answered:
        """Makes a call, and again where that is safe.

        :param timeout: seconds for each attempt
        :raises BakehouseError: if there is no answer
        """
        failed = 0
        while True:
            outcome = self._attempt(call, self._timeout if timeout is None else timeout)
            if isinstance(outcome, Answered):
                return outcome
            if failed >= self._retries or not _may_repeat(call, outcome):
                raise outcome
            self._sleep(_pause_for(failed, outcome.retry_after))
            failed += 1

    def _attempt(self, call: Call, timeout: float) -> Answered | BakehouseError:
        request = self._request(call)
        # The socket's own time-out begins anew with each byte, and looking up a name has none: so the whole attempt is
        # waited for from outside. A thread that is given up ends with its socket.
        outcomes: queue.SimpleQueue[Answered | BakehouseError] = queue.SimpleQueue()
        work = threading.Thread(
            target=lambda: outcomes.put(self._exchange(request, call.most_bytes, timeout)),
            name="bakehouse call",
            daemon=True,
        )
        work.start()
        try:
            return outcomes.get(timeout=timeout)
        except queue.Empty:
            return _timed_out()

    def _request(self, call: Call) -> Request:
        query = urlencode({name: value for name, value in call.query.items() if value is not None})
        headers = {"Accept": "application/json", "User-Agent": "bakehouse-python", **call.headers}
        if self._credential is not None and not call.anonymous:
            headers["Authorization"] = _bearer(self._credential)
        body = None
        if call.body is not None:
            body = encode_json(call.body).encode()
            headers["Content-Type"] = "application/json"
        url = self._prefix + call.path + (f"?{query}" if query else "")
        return Request(url, data=body, headers=headers, method=call.method)

    def _exchange(self, request: Request, most_bytes: int, timeout: float) -> Answered | BakehouseError:
        try:
            with self._opener.open(request, timeout=timeout) as response:
                return _answer(response, most_bytes)
        except TimeoutError:
            return _timed_out()
        except (OSError, HTTPException) as error:
            # Nothing of the error but its kind: it may hold a part of the answer.
            reason = getattr(error, "reason", error)
            if isinstance(reason, TimeoutError):
                return _timed_out()
            detail = f" ({reason.strerror})" if isinstance(reason, OSError) and reason.strerror else ""
            return ConnectionFailure("unreachable", f"the service at {self.origin} cannot be reached{detail}")
        except Exception as error:  # noqa: BLE001: a call has an outcome, whatever the machine below it does
            return ConnectionFailure("unreachable", f"the call broke with a {type(error).__name__}")


def _opener(origin: str, ssl_context: ssl.SSLContext | None) -> OpenerDirector:
    """Opens http or https alone, and answers with every status that comes: nothing here follows a redirect.

    A credential must not follow to a place that an answer points to. A proxy of the environment is used for https
    alone, where it can't read along.
    """
    opener = OpenerDirector()
    opener.addheaders = []
    if origin.startswith("http:"):
        opener.add_handler(HTTPHandler())
        return opener
    opener.add_handler(ProxyHandler({scheme: proxy for scheme, proxy in getproxies().items() if scheme == "https"}))
    opener.add_handler(HTTPSHandler(context=ssl_context or ssl.create_default_context()))
    return opener


def _bearer(credential: Credential) -> str:
    text = (credential if isinstance(credential, str) else credential()).strip()
    if not isinstance(credential, str):
        # One that is got anew is checked anew.
        check_credential(text)
    # Checked here, because the error of Python's own client repeats the header that it refuses.
    if _HEADER.fullmatch(text) is None:
        raise ValueError("the credential is no text that a header can carry")
    return f"Bearer {text}"


def _answer(response: HTTPResponse, most_bytes: int) -> Answered | BakehouseError:
    status = response.status
    is_good = 200 <= status < 300
    most = most_bytes if is_good else min(most_bytes, SMALL_ANSWER)
    data = response.read(most + 1)
    if len(data) > most:
        return ConnectionFailure("bad_answer", f"the answer exceeds {most} bytes", status=status)
    if response.length:
        return ConnectionFailure("unreachable", "the service cannot be reached (the answer broke off)")
    body = data.decode("utf-8", "replace")
    return Answered(status, body) if is_good else _problem(response, body)


def _problem(response: HTTPResponse, body: str) -> BakehouseError:
    """Reads an error's answer. One that is no problem document came from something else on the way."""
    status, headers = response.status, response.headers
    request_id = headers.get(REQUEST_ID)
    wait = headers.get("Retry-After") or ""
    retry_after = int(wait) if _SECONDS.fullmatch(wait) else None
    rule = f"status {status} without a problem document"
    if 300 <= status < 400:
        rule = "the answer points elsewhere"
    elif (headers.get("Content-Type") or "").startswith(PROBLEM_MEDIA_TYPE):
        try:
            problem = read_answer(Problem, body)
        except ConnectionFailure:
            pass
        else:
            return ProblemError(
                problem.code,
                problem.detail,
                status=status,
                member=problem.member,
                request_id=request_id,
                retry_after=retry_after,
            )
    return ConnectionFailure("bad_answer", rule, status=status, request_id=request_id, retry_after=retry_after)


def _timed_out() -> ConnectionFailure:
    return ConnectionFailure("timeout", "the service did not answer in time")


def _may_repeat(call: Call, error: BakehouseError) -> bool:
    if error.code == "rate_limited":
        return True
    repeat = call.repeat() if callable(call.repeat) else call.repeat
    if repeat == "never":
        return False
    if error.code == "unavailable":
        return True
    if repeat != "always":
        return False
    if error.code in ("idempotency_in_flight", "unreachable", "timeout"):
        return True
    # A gateway's own pages.
    return error.code == "bad_answer" and error.status in _GATEWAY


def _pause_for(failed: int, retry_after: int | None) -> float:
    """Seconds: at random up to a bound that grows, and never less than the service asked for."""
    bound = min(_FIRST_PAUSE * 4**failed, _LONGEST_PAUSE)
    least = min(float(retry_after or 0), _LONGEST_PAUSE)
    return least + random.random() * bound
