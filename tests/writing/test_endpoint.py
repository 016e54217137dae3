"""Requests to a server: what is sent and where, what is tried again, and what a user is told."""

import os
import signal
import time

import pytest

from textdd.errors import TextddError
from textdd.writing import endpoint as module
from textdd.writing.drafts import drafts, kept
from textdd.writing.endpoint import TRIES, Endpoint, checked_address
from textdd.writing.prompts import Prompt
from textdd.writing.writer import BATCH, Manner

MANNER = Manner(0.7, 0.9, 12)
PROMPTS = [Prompt(i % 2, i // 2, i % 2, (i,), f"prompt {i} is a secret\n-") for i in range(4)]


@pytest.fixture
def writer(server):
    return Endpoint(server.address, "small", 4, wait=0.001)


def test_a_line_for_each_request(server, writer):
    reply = writer.write("a prompt\n-", 2**40 + 5, MANNER)
    seeds = [(2**40 + 5 + i) % 2**31 for i in range(BATCH)]
    assert [draft.line for draft in reply.drafts] == [f"text 10 {seed}" for seed in seeds]
    assert [draft.finished for draft in reply.drafts] == [seed % 4 > 0 for seed in seeds]
    assert (reply.read, reply.written) == (7 * BATCH, 3 * BATCH)
    wanted = {"path": "/v1/completions", "model": "small", "prompt": "a prompt\n-", "stop": ["\n"]}
    wanted |= {"max_tokens": 12, "temperature": 0.7, "top_p": 0.9}
    assert all(asked.items() >= wanted.items() for asked in server.asked)
    assert "Authorization" not in server.headers[0]


def test_the_server_may_choose_the_model(server):
    Endpoint(server.address, None, 4).write("a prompt", 0, MANNER)
    assert all("model" not in asked for asked in server.asked)


def test_requests_go_side_by_side_and_no_more_than_allowed(server, writer):
    server.seconds = 0.02
    writer.write("a prompt", 0, MANNER)
    assert 2 <= server.most <= 4


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_what_may_succeed_later_is_tried_again(status, server, writer):
    server.failures = [(status, {"Retry-After": "0"}, "not now")] * 3
    assert len(writer.write("a prompt", 0, MANNER).drafts) == BATCH
    assert len(server.asked) == BATCH + 3


def test_what_never_succeeds_ends_with_the_reason(server, writer):
    server.failures = [(500, {}, "out of memory")] * 1000
    with pytest.raises(TextddError, match=rf"did not answer {TRIES} times: 500 out of memory\. What was written"):
        writer.write("a prompt", 0, MANNER)


def test_a_server_that_says_nothing(server, writer, monkeypatch):
    server.seconds = 0.3
    monkeypatch.setattr(module, "TRIES", 2)
    writer.client.timeout = 0.05
    with pytest.raises(TextddError, match="did not answer 2 times: ReadTimeout"):
        writer.write("a prompt", 0, MANNER)


def test_no_server(server, writer, monkeypatch):
    monkeypatch.setattr(module, "TRIES", 2)
    writer.address = "http://127.0.0.1:9/v1"
    with pytest.raises(TextddError, match=r"127\.0\.0\.1:9/v1 did not answer 2 times: ConnectError"):
        writer.write("a prompt", 0, MANNER)


REFUSALS = {
    400: "refused a request: 400 no such option. See what it says",
    401: "refused a request: 401 .* Type: export OPENAI_API_KEY=",
    403: "refused a request: 403 .* Type: export OPENAI_API_KEY=",
    404: r"refused a request: 404 .* Type: distiller\.endpoint=http://HOST:PORT/v1 distiller\.endpoint_model=NAME",
}


@pytest.mark.parametrize("status", REFUSALS)
def test_refusals_are_not_tried_again(status, server, writer):
    server.failures = [(status, {}, "no such option")] * 1000
    with pytest.raises(TextddError, match=REFUSALS[status]):
        writer.write("a prompt", 0, MANNER)
    assert len(server.asked) <= BATCH


@pytest.mark.parametrize("answer", ["<html>", "[]", "{}", '{"choices": []}', '{"choices": [{"text": "a"}]}', "7"])
def test_another_protocol(answer, server, writer):
    server.failures = [(200, {}, answer)] * BATCH
    with pytest.raises(TextddError, match="answered, but not in OpenAI's completions protocol"):
        writer.write("a prompt", 0, MANNER)


def test_redirections_are_not_followed(server, writer):
    server.failures = [(307, {"Location": f"{server.address}/elsewhere"}, "")] * 1000
    with pytest.raises(TextddError, match="refused a request: 307"):
        writer.write("a prompt", 0, MANNER)
    assert {asked["path"] for asked in server.asked} == {"/v1/completions"}


def test_the_key_is_sent_and_never_kept(server, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-123\n")
    writer = Endpoint(server.address, "small", 4, wait=0.001)
    drafts(writer, PROMPTS[:2], MANNER, 0, tmp_path)
    assert {headers["Authorization"] for headers in server.headers} == {"Bearer sk-123"}
    server.failures = [(401, {}, "wrong key")] * 1000
    with pytest.raises(TextddError) as error:
        drafts(writer, PROMPTS, MANNER, 0, tmp_path)
    seen = [str(error.value), writer.key, writer.what, *(path.read_text() for path in tmp_path.iterdir())]
    assert not any("sk-123" in text for text in (*seen, *capsys.readouterr()))


@pytest.mark.parametrize("key", ["schlüssel", "a\nb", "a\x00b"])
def test_a_key_that_cannot_be_one(key, server, monkeypatch):
    monkeypatch.setattr(os, "environ", {"OPENAI_API_KEY": key})
    with pytest.raises(TextddError, match=r"holds signs that no key has\. Type: export OPENAI_API_KEY="):
        Endpoint(server.address, None, 1)


ADDRESSES = {
    "http://localhost:8000": "http://localhost:8000/v1",
    "http://localhost:8000/": "http://localhost:8000/v1",
    "https://host/v1/": "https://host/v1",
    "https://host/other/v2": "https://host/other/v2",
}


@pytest.mark.parametrize("given", ADDRESSES)
def test_addresses(given):
    assert checked_address(given) == ADDRESSES[given]


@pytest.mark.parametrize(
    "given", ["localhost:8000", "ftp://host/v1", "host", "http://", "http://host:port", "file:///etc"]
)
def test_what_is_no_address(given):
    with pytest.raises(TextddError, match=r"Type: distiller\.endpoint=http://localhost:8000/v1"):
        checked_address(given)


def test_passwords_in_addresses_are_not_repeated():
    with pytest.raises(TextddError, match="OPENAI_API_KEY") as error:
        checked_address("http://me:hush@host:8000/v1")
    assert str(error.value).endswith("Type: distiller.endpoint=http://host:8000/v1")
    assert "hush" not in str(error.value)


def test_it_is_said_what_goes_out(server, writer, tmp_path, capsys):
    drafts(writer, PROMPTS, MANNER, 0, tmp_path)
    drafts(writer, PROMPTS, MANNER, 0, tmp_path)
    said, told = capsys.readouterr().err, "32 times each: with the names of the classes and 4 texts of the corpus"
    assert said.count(f"4 prompts go to {server.address}, {told}") == 1
    assert said.count(f"{7 * 4 * BATCH} tokens read, {3 * 4 * BATCH} written") == 2
    assert len(server.asked) == 4 * BATCH


def test_a_kill_loses_a_batch_at_most(server, writer, tmp_path):
    """The process is killed while it waits for answers; another asks only for what is not there."""
    server.seconds = 0.02
    child = os.fork()
    if not child:
        try:
            drafts(writer, PROMPTS, MANNER, 0, tmp_path / "killed")
        finally:
            os._exit(0)
    while not (found := list((tmp_path / "killed").glob("*.jsonl"))) or len(kept(found[0])) < 2:
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    before = len(kept(found[0]))
    time.sleep(0.1)
    server.asked.clear()
    again = Endpoint(server.address, "small", 4)
    found, whole = (drafts(again, PROMPTS, MANNER, 0, tmp_path / name) for name in ("killed", "whole"))
    assert found == whole
    assert len(server.asked) == (4 - before) * BATCH + 4 * BATCH
    assert before >= 2
