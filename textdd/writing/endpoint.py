"""Writing by a server that speaks OpenAI's completions protocol, such as vLLM, llama.cpp or TGI.

Prompts go to the address that was named and nowhere else: redirections are not followed. The key is taken from the
environment variable `OPENAI_API_KEY`; it is in no option, no file and no message.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from textdd.errors import TextddError
from textdd.writing.writer import BATCH, Draft, Manner, Reply

KEY = "OPENAI_API_KEY"

AGAIN = (408, 409, 425, 429, 500, 502, 503, 504)
"""Answers after which the same request may succeed later."""

TRIES, LONGEST_WAIT = 6, 60.0
"""How often a request is sent, and most seconds between two of them; each wait is twice the one before it."""

TIMEOUT = 120.0
"""Seconds after which a server that says nothing has failed."""

RESUME = "What was written is kept: type the same command to go on"

REMEDIES = {
    401: f"Type: export {KEY}=..., and the same command again",
    403: f"Type: export {KEY}=..., and the same command again",
    404: "Is it the address of the protocol, which mostly ends in /v1? Type: distiller.endpoint=http://HOST:PORT/v1 "
    "distiller.endpoint_model=NAME",
}


def checked_address(endpoint: str) -> str:
    """The address that requests are built on; where it has no path, that is /v1.

    Raises:
        TextddError: it is none of http, or it holds a name and password, which would be stored with the options.
    """
    example = "Type: distiller.endpoint=http://localhost:8000/v1"
    try:
        url = httpx.URL(endpoint)
    except httpx.InvalidURL as error:
        raise TextddError(f"Got distiller.endpoint={endpoint}, which is no address: {error}. {example}") from error
    if url.userinfo:
        raise TextddError(
            f"Got distiller.endpoint with a name and a password, which would be stored with the run. Keys come from "
            f"the environment variable {KEY}. Type: distiller.endpoint={url.copy_with(userinfo=b'')}"
        )
    if url.scheme not in ("http", "https") or not url.host:
        raise TextddError(f"Got distiller.endpoint={endpoint}; an address of http or https is allowed. {example}")
    return str(url.copy_with(path="/v1") if url.path in ("", "/") else url).rstrip("/")


class Endpoint:
    """Writes by requests to a server.

    Args:
        address: of the protocol, such as http://localhost:8000/v1.
        model: which of its models; None leaves the choice to the server.
        side_by_side: requests at a time.
        wait: seconds before a request is sent again.

    Raises:
        TextddError: the key in the environment cannot be one.
    """

    context: int | None = None

    def __init__(self, address: str, model: str | None, side_by_side: int, wait: float = 1.0) -> None:
        self.address: str | None = address
        self.model, self.side_by_side, self.wait = model, side_by_side, wait
        self.key, self.what = f"endpoint {address} {model}", f"{model or 'the model'} at {address}"
        key = os.environ.get(KEY, "").strip()
        if not (key.isascii() and key.isprintable()):
            raise TextddError(f"The environment variable {KEY} holds signs that no key has. Type: export {KEY}=...")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.client = httpx.Client(headers=headers, timeout=TIMEOUT, follow_redirects=False)

    def counts(self, texts: list[str]) -> list[int]:
        """A token is seldom shorter than three bytes."""
        return [-(-len(text.encode()) // 3) for text in texts]

    def write(self, prompt: str, seed: int, manner: Manner) -> Reply:
        """As for every writer: one request a line, since not all servers answer with several.

        Raises:
            TextddError: the server refuses a request, or does not answer it after several tries.
        """
        body: dict[str, Any] = {
            "prompt": prompt,
            "max_tokens": manner.longest,
            "temperature": manner.temperature,
            "top_p": manner.top_p,
            "stop": ["\n"],
        }
        body |= {"model": self.model} if self.model else {}
        bodies = [{**body, "seed": (seed + i) % 2**31} for i in range(BATCH)]
        pool = ThreadPoolExecutor(self.side_by_side)
        try:
            answers = list(pool.map(self.ask, bodies))
        finally:
            pool.shutdown(cancel_futures=True)
        drafts, read, written = [], 0, 0
        for answer in answers:
            try:
                choice, usage = answer["choices"][0], answer.get("usage") or {}
                drafts.append(Draft(str(choice["text"]).split("\n", 1)[0].strip(), choice["finish_reason"] != "length"))
                read += int(usage.get("prompt_tokens") or 0)
                written += int(usage.get("completion_tokens") or 0)
            except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
                raise TextddError(
                    f"{self.address} answered, but not in OpenAI's completions protocol: {str(answer)[:200]}. "
                    "Type: distiller.endpoint=http://HOST:PORT/v1"
                ) from error
        return Reply(drafts, read, written)

    def ask(self, body: dict[str, Any]) -> Any:
        """Send a request until it is answered.

        Returns:
            What the answer's JSON holds.

        Raises:
            TextddError: as for `write`.
        """
        reason = ""
        for number in range(TRIES):
            wait = min(self.wait * 2**number, LONGEST_WAIT)
            try:
                response = self.client.post(f"{self.address}/completions", json=body)
            except httpx.HTTPError as error:
                reason = f"{type(error).__name__} {error}".strip()
            else:
                reason = f"{response.status_code} {' '.join(response.text.split())[:300]}".strip()
                if response.status_code == 200:
                    try:
                        return response.json()
                    except ValueError:
                        return response.text
                if response.status_code not in AGAIN:
                    remedy = REMEDIES.get(response.status_code, "See what it says of the options; " + RESUME.lower())
                    raise TextddError(f"{self.address} refused a request: {reason}. {remedy}")
                asked = response.headers.get("Retry-After", "")
                wait = min(float(asked), LONGEST_WAIT) if asked.isdecimal() else wait
            if number < TRIES - 1:
                time.sleep(wait)
        raise TextddError(f"{self.address} did not answer {TRIES} times: {reason}. {RESUME}")
