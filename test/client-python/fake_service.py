"""A server that answers what a test told it to, and keeps what it was asked."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

ANSWER = "application/json"
PROBLEM = "application/problem+json"


@dataclass
class Reply:
    """An answer; `cut` bytes of its body are promised and not sent."""

    status: int = 200
    body: str = "{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0


@dataclass
class Hang:
    """Sends a head without end, byte after byte, until the test is over."""


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


def answer(value: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value), {"Content-Type": ANSWER})


def problem(status: int, code: str, **headers: str) -> Reply:
    body = {"type": f"urn:bakehouse:problem:{code}", "code": code, "detail": f"it is {code}", "status": status}
    return Reply(status, json.dumps(body), {"Content-Type": PROBLEM, **headers})


class FakeService:
    """Answers one reply after another, and the last one for ever; None drops the connection."""

    def __init__(self, *replies: Reply | Hang | None) -> None:
        self.replies: list[Reply | Hang | None] = list(replies)
        self.asked: list[Asked] = []
        self.over = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_request(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                text = self.rfile.read(length).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                service.asked.append(Asked(self.command, self.path, headers, json.loads(text) if text else None))
                reply = service.replies.pop(0) if len(service.replies) > 1 else service.replies[0]
                self.close_connection = True
                if isinstance(reply, Hang):
                    self.hang()
                elif reply is not None:
                    self.reply(reply)

            def reply(self, reply: Reply) -> None:
                body = reply.body.encode()
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body) + reply.cut))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass

            def hang(self) -> None:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
                # Often enough that no single read at the other side runs into its own time-out.
                while not service.over.wait(0.02):
                    try:
                        self.wfile.write(b"x")
                    except OSError:
                        return

            do_GET = handle_request
            do_POST = handle_request

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> FakeService:
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
