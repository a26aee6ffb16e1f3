"""Other people's servers and clients, with the whole logger between them and without it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sidelight.events import Exchange
from sidelight.events.exchanges import from_record
from sidelight.log import open_log, topics
from sidelight.protocols.decoding import decode_inputs, decode_outputs
from tests import peers
from tests.logger.commanding import Logger, running
from tests.logger.sinks import wait_until
from tests.logger.test_logger_grpc import grpc_address

ROWS = np.random.default_rng(7).normal(size=(6, 4)).round(3)
WANTED = {"linear": ROWS @ [1.0, -2.0, 0.5, 0.0] + 0.25}
CLIENTS = Path(__file__).with_name("peer_clients")
PATIENCE_SECONDS = 200


@pytest.fixture(scope="module", params=["linear", "income"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, peers.Server]]:
    """KServe's SDK server with its linear model, MLServer with a scikit-learn classifier."""
    model = request.param
    if model == "linear":
        with peers.kserve_server(model, [1.0, -2.0, 0.5, 0.0], 0.25) as running_server:
            yield model, running_server
    else:
        folder = peers.sklearn_model(tmp_path_factory.mktemp("models") / model)
        with peers.mlserver(folder) as running_server:
            yield model, running_server


def told(client: str, model: str, *pairs: tuple[str, str]) -> list[dict[str, Any]]:
    """What the client's program was answered over each pair of addresses, of HTTP and gRPC."""
    program = [str(peers.peer_python(client)), str(CLIENTS / f"{client}_client.py")]
    program += [model, json.dumps(ROWS.tolist()), *chain(*pairs)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def logging(folder: Path, server: peers.Server) -> Any:
    grpc = server.grpc.removeprefix("grpc://")
    flags = ("--upstream", server.http, "--grpc-listen", "127.0.0.1:0", "--grpc-upstream", grpc)
    return running(folder, *flags)


def recorded(logger: Logger, folder: Path, count: int) -> list[Exchange]:
    """All that the log holds once the logger has ended."""
    wait_until(lambda: logger.metric("exchanges_recorded_total") >= count, "the exchanges")
    assert logger.stop() == 0
    with closing(open_log(folder / "log")) as log:
        return [from_record(stored.record) for stored in log.read(topics.INFERENCE, 0, 0)]


@pytest.mark.parametrize("client", ["kserve", "tritonclient"])
def test_clients_are_told_the_same_and_all_of_it_is_in_the_log(
    client: str, server: tuple[str, peers.Server], tmp_path: Path
) -> None:
    model, model_server = server
    with logging(tmp_path, model_server) as logger:
        http = f"http://{logger.address('traffic')}"
        host, port = grpc_address(logger)
        direct, through, over_one_port = told(
            client,
            model,
            (model_server.http, model_server.grpc.removeprefix("grpc://")),
            (http, f"{host}:{port}"),
            (http, http.removeprefix("http://")),
        )
        asked = [name for name in direct if not name.endswith(("ready", "metadata"))]
        assert through == direct
        assert over_one_port == direct
        exchanges = recorded(logger, tmp_path, 2 * len(asked))
    assert len(exchanges) == 2 * len(asked)
    for one in exchanges:
        np.testing.assert_array_equal(rows(one), ROWS)
        assert one.outcome == "answered"
    answers = [answer(one) for one in exchanges if one.status == 200]
    assert len(answers) == 2 * sum(not is_refused(direct[name]) for name in asked)
    for found in answers:
        np.testing.assert_allclose(found, WANTED.get(model, answers[0]))
    refused = {(one.model, one.status) for one in exchanges if one.status != 200}
    assert ("nobody", 404) in refused


def is_refused(outcome: Any) -> bool:
    """A client's error, or a bare call without an answer."""
    return isinstance(outcome, list) and outcome[0] in ("refused", "")


def rows(exchange: Exchange) -> np.ndarray:
    """The request's rows, whichever of the forms it had."""
    columns = decode_inputs(exchange)
    return np.column_stack([column.values for column in columns.columns])


def answer(exchange: Exchange) -> np.ndarray:
    """The answer's only column."""
    (column,) = decode_outputs(exchange).columns
    return np.asarray(column.values).ravel()
