"""The whole logger under rules: a secret is sent in every form, and looked for everywhere."""

from __future__ import annotations

import base64
import gzip
import http.client
import subprocess
from contextlib import closing
from itertools import count
from pathlib import Path
from urllib.request import urlopen

import yaml

from sidelight.log import open_log, topics
from tests.logger.commanding import Logger, running
from tests.logger.grpc_running import INFER, Model, channel_to
from tests.logger.grpc_running import model_server as grpc_server
from tests.logger.serving import Handler, served
from tests.logger.sinks import Answer, sink_server, wait_until
from tests.sidelight.redacting import FEATURES, forms

SECRET = "4111-1111-1111-1111"  # the card of every row
ROWS = [{"age": 43.0, "card": SECRET, "city": "Ulm", "income": 1234.5}]
PATHS = {
    "v1": "/v1/models/income:predict",
    "v2": "/v2/models/income/infer",
    "other": "/v2/models/other/infer",
    "chat": "/v1/chat/completions",
}


def configuration(folder: Path, sink: str) -> Path:
    said = {
        "logger": {
            "headers": ["x-note"],
            "redact": {"patterns": ["4111(-?[0-9]{4}){3}"]},
            "sinks": {"events": {"url": sink}},
        },
        "models": {
            "income": {
                "features": dict.fromkeys(FEATURES, "categorical"),
                "redact": {"columns": {"card": "drop"}},
            }
        },
    }
    path = folder / "sidelight.yaml"
    path.write_text(yaml.safe_dump(said))
    return path


class Echo(Handler):
    """Answers with what it was sent; every third time as an error."""

    asked = count()

    def do_POST(self) -> None:
        body = self.body()
        self.send_response(422 if next(self.asked) % 3 == 2 else 200)
        for name in ("Content-Type", "Content-Encoding", "Inference-Header-Content-Length"):
            if name in self.headers:
                self.send_header(name, self.headers[name])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def send(address: str) -> int:
    """Every form to every path, whole, compressed, cut and as garbage; how many were answered."""
    answered = 0
    with closing(http.client.HTTPConnection(address, timeout=30)) as connection:
        for path in PATHS.values():
            for _, body in forms(ROWS).values():
                contents = [body.content, body.content[:-7], b"x" + body.content]
                for content in (*contents, gzip.compress(body.content)):
                    headers = {"X-Note": SECRET, "X-Request-Id": SECRET, "Cookie": SECRET}
                    headers["Content-Type"] = body.content_type or "application/json"
                    if content[:2] == b"\x1f\x8b":
                        headers["Content-Encoding"] = "gzip"
                    if body.json_length is not None:
                        headers["Inference-Header-Content-Length"] = str(body.json_length)
                    connection.request("POST", f"{path}?card={SECRET}", content, headers)
                    answer = connection.getresponse()
                    assert answer.read() == content  # whatever is kept: the client gets all of it
                    answered += 1
    return answered


def send_grpc(address: str) -> int:
    host, _, port = address.partition(":")
    messages = [body.content for form, (_, body) in forms(ROWS).items() if form == "grpc typed"]
    with channel_to((host, int(port))) as channel:
        for message in messages:
            answer = channel.unary_unary(INFER)(message, metadata=(("x-note", SECRET),), timeout=30)
            assert answer == message
    return len(messages)


def everything(folder: Path) -> bytes:
    """All that lies on the disk, read by another process: to close SQLite's files drops locks."""
    found = subprocess.run(
        ["find", str(folder), "-type", "f", "-exec", "cat", "{}", "+"],
        capture_output=True,
        check=True,
    )
    return found.stdout


def scraped(logger: Logger) -> bytes:
    with urlopen(f"http://{logger.address('metrics')}/metrics", timeout=10) as answer:
        return bytes(answer.read())


def test_a_secret_sent_in_every_form_is_found_nowhere(tmp_path: Path) -> None:
    folder = tmp_path  # under a folder of it a socket's name is too long
    refusing = sink_server(lambda event: Answer(400))  # so there are dead letters too
    model = Model()
    with served(Echo) as upstream, grpc_server(model) as grpc_port, refusing as sink:
        path = configuration(folder, sink.url)
        flags = ("--config", str(path), "--upstream", upstream)
        settings = {"SIDELIGHT_LOGGER__GRPC_UPSTREAM": f"127.0.0.1:{grpc_port}"}
        with running(folder, *flags, **settings) as logger:
            sent = send(logger.address("traffic")) + send_grpc(logger.address("traffic"))
            wait_until(lambda: logger.metric("captures_received_total") == sent, "all captures")
            logger.kill("recorder")
            sent += send(logger.address("traffic"))
            wait_until(lambda: logger.tells("sink_dead_lettered_total"), "the sink's counters")
            wait_until(lambda: logger.metric("sink_dead_lettered_total") > 9, "dead letters")
            wait_until(lambda: logger.metric("proxy_waiting_exchanges") == 0, "the recorder")
            dropped = logger.metric("proxy_dropped_total")
            shown = scraped(logger)
            assert logger.metric("bodies_withheld_total") > 0
            assert logger.stop() == 0
        shown += "".join(logger.said).encode()
        shown += b"".join(one.body + repr(one.headers).encode() for one in sink.taken)
    found = shown + everything(folder)
    for secret in (SECRET.encode(), b"4111-1111", base64.b64encode(SECRET.encode())[:16]):
        assert secret not in found
    with closing(open_log(folder / "log")) as log:
        kept = log.span(topics.INFERENCE, 0).end
        assert 50 < kept <= sent <= kept + dropped
        assert log.span(topics.DEAD_LETTERS, 0).end > 9
