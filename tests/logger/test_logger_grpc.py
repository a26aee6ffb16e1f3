"""`sidelight logger` between a gRPC client and a gRPC server: from the call to the log."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import grpc  # type: ignore[import-untyped]
import numpy as np

from sidelight.events import Exchange
from sidelight.events.exchanges import from_record
from sidelight.log import open_log, topics
from sidelight.protocols.decoding import decode_inputs
from sidelight.protocols.v2_grpc import encode_request
from sidelight.tensors import Column, Columns
from tests.logger.commanding import Logger, running
from tests.logger.grpc_running import INFER, SERVICE, Model, channel_to, model_server
from tests.logger.sinks import wait_until

ROWS = Columns((Column("age", np.array([31.0, 45.5])),))


def grpc_address(logger: Logger) -> tuple[str, int]:
    logger.address("traffic")
    pattern = re.compile(r"\s+grpc\s+(\S+):(\d+)  ->")
    wait_until(lambda: any(map(pattern.match, logger.said)), "the address of gRPC")
    found = next(match for line in logger.said if (match := pattern.match(line)))
    return found[1], int(found[2])


def recorded(folder: Path) -> list[Exchange]:
    with closing(open_log(folder / "log")) as log:
        return [from_record(stored.record) for stored in log.read(topics.INFERENCE, 0, 0)]


def test_calls_reach_the_model_server_and_the_log_over_a_port_of_their_own(tmp_path: Path) -> None:
    message = encode_request(ROWS, "income", "3")
    with model_server(Model()) as port:
        flags = ("--grpc-listen", "127.0.0.1:0", "--grpc-upstream", f"127.0.0.1:{port}")
        with running(tmp_path, *flags) as logger, channel_to(grpc_address(logger)) as channel:
            call = channel.unary_unary(INFER)
            assert call(message, wait_for_ready=True, timeout=30) == message
            with channel_to(http_address(logger)) as other:
                failing = other.unary_unary(f"{SERVICE}Fail").future(b"", wait_for_ready=True)
                assert failing.code() is grpc.StatusCode.INVALID_ARGUMENT
            wait_until(lambda: logger.metric("exchanges_recorded_total") == 2)
            assert logger.stop() == 0
    answered, failed = sorted(recorded(tmp_path), key=lambda one: one.status)
    assert (answered.model, answered.version, answered.status) == ("income", "3", 200)
    assert decode_inputs(answered)["age"].values.tolist() == [31.0, 45.5]
    assert (failed.status, failed.extensions["grpcstatus"]) == (400, "3")


def http_address(logger: Logger) -> tuple[str, int]:
    """HTTP's port takes gRPC too."""
    host, _, port = logger.address("traffic").rpartition(":")
    return host, int(port)
