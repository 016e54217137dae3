"""What tests of writing share: a server of the completions protocol that does as it is told, a writer, and adapters."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from textdd.seeds import torch_generator
from textdd.spaces.language_model import load_language_model
from textdd.students.adapters import Adapters
from textdd.writing.writer import BATCH, Draft, Reply


class Stub(ThreadingHTTPServer):
    """Answers with a text that its prompt and seed decide.

    Attributes:
        asked: the bodies of all requests, and `headers` theirs.
        failures: (status, headers, body) of the next answers; afterwards all goes well.
        seconds: that an answer takes.
        most: requests at a time, so far.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.headers, self.failures = [], [], []
        self.seconds, self.now, self.most, self.guard = 0.0, 0, 0, threading.Lock()
        self.address = f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request, client_address):
        """Clients that went away are no news."""


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        stub, body = self.server, json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with stub.guard:
            stub.asked.append({"path": self.path, **body})
            stub.headers.append(dict(self.headers))
            stub.now += 1
            stub.most = max(stub.most, stub.now)
            failure = stub.failures.pop(0) if stub.failures else None
        time.sleep(stub.seconds)
        with stub.guard:
            stub.now -= 1
        text = f" text {len(body['prompt'])} {body['seed']}\nand more"
        right = {
            "choices": [{"text": text, "finish_reason": "length" if body["seed"] % 4 == 0 else "stop"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3},
        }
        status, headers, answer = failure or (200, {}, json.dumps(right))
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(answer.encode()))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.encode())

    def do_GET(self):
        """A redirection that was followed would come by here."""
        self.server.asked.append({"path": self.path})
        self.send_error(404)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    stub = Stub()
    thread = threading.Thread(target=stub.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield stub
    stub.shutdown()
    stub.server_close()
    thread.join()


class Scribe:
    """A writer without a model: lines that prompt and seed decide; it fails after some prompts."""

    key, what, address, context = "scribe", "a scribe", None, None

    def __init__(self, fails_after=None):
        self.fails_after, self.seen = fails_after, []

    def counts(self, texts):
        return [len(text.split()) for text in texts]

    def write(self, prompt, seed, manner):
        if len(self.seen) == self.fails_after:
            raise KeyboardInterrupt
        self.seen.append(prompt)
        return Reply([Draft(f"line {i} of {seed}", i % 8 > 0) for i in range(BATCH)], 5, 9)


@pytest.fixture
def scribe():
    return Scribe


@pytest.fixture
def base(language_model):
    return load_language_model(str(language_model))


@pytest.fixture
def adapters(base):
    """Adapters whose B are not zero, so that both factors matter."""
    made = Adapters(base.model.base_model, 2, base.path)
    generator = torch_generator(0)
    for parameter in made.parameters():
        parameter.data.normal_(0, 0.3, generator=generator)
    return made
