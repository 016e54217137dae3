"""The server of Weights & Biases: which it is, whether a key for it is at hand, and whether it answers."""

from __future__ import annotations

import netrc
import os
import ssl
import threading
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import wandb

FORMER = "api.wandb.ai"
"""Where keys were kept before version 0.31 of wandb, which still finds them there."""

SECONDS = 5.0
"""Longest that a server is waited for; the look-up of its name alone may take longer than that."""


def server() -> str:
    """The server's address."""
    return os.environ.get("WANDB_BASE_URL") or wandb.Settings().base_url


def has_key() -> bool:
    """Whether W&B would find a key: in the environment, or in the netrc file that `wandb login` writes."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    try:
        known = netrc.netrc(os.environ.get("NETRC"))
    except (OSError, netrc.NetrcParseError):
        return False
    hosts = [urlsplit(server()).netloc] + ([] if os.environ.get("WANDB_BASE_URL") else [FORMER])
    return any(known.authenticators(host) for host in hosts)


def is_reachable(address: str) -> bool:
    """Whether a server answers, whatever it says, within seconds; proxies are gone through as the environment says."""
    answers: list[bool] = []

    def ask() -> None:
        try:
            with urlopen(Request(address, method="HEAD"), timeout=SECONDS):
                answers.append(True)
        except HTTPError:
            answers.append(True)
        except URLError as error:
            answers.append(isinstance(error.reason, ssl.SSLError))  # wandb may know certificates that Python does not
        except (OSError, ValueError):
            answers.append(False)

    # No timeout holds for the look-up of a name, so somebody else waits for it.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(SECONDS)
    return answers == [True]
