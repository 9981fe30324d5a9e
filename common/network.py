"""Whether a server can be reached: asked before every download, so that being offline is noticed at once."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request


def reachable(url: str, timeout: float = 4.0) -> bool:
    """Whether a web server answers within `timeout` seconds, whatever it answers; proxies of the environment are used.

    A name look-up that hangs, which knows no timeout of its own, counts as no.
    """
    answers: list[bool] = []

    def ask() -> None:
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=timeout).close()
        except urllib.error.HTTPError as error:  # a refusal is an answer
            error.close()
        except (OSError, ValueError):
            return
        answers.append(True)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout)
    return bool(answers)
