from __future__ import annotations

import http.server
import threading
import urllib.request

import pytest

from common.weights.hub import reachable


@pytest.fixture
def server():
    """A local web server that has nothing to give."""

    class Refuse(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(404)
            self.end_headers()

        def log_message(self, *args):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Refuse) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_any_answer_counts(server):
    assert reachable(server)


def test_no_server_no_answer():
    assert not reachable("http://127.0.0.1:9")
    assert not reachable("nonsense")


def test_a_name_look_up_that_hangs_counts_as_no(monkeypatch):
    release = threading.Event()
    ended = []

    def hang(*args, **kwargs):
        ended.append(release.wait(60))
        raise OSError("no such name")

    monkeypatch.setattr(urllib.request, "urlopen", hang)
    assert not reachable("http://127.0.0.1", timeout=0.3)
    assert ended == [], "the answer does not wait for the look-up"
    release.set()
