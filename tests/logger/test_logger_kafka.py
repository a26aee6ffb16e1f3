"""`sidelight logger` with its log on a broker that comes late, falls, and comes back."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from sidelight.demo.broker import Broker
from sidelight.log import open_log
from tests.kafka import require_kafka
from tests.logger.commanding import Client, model_server, running
from tests.logger.shipping import carried, made
from tests.logger.sinks import wait_until


def test_predictions_do_not_notice_what_becomes_of_the_broker(tmp_path: Path) -> None:
    require_kafka()
    broker = Broker(tmp_path / "kafka")
    url = f"kafka://{broker.bootstrap}/late"
    variables = {
        "SIDELIGHT_LOG__URL": url,
        "SIDELIGHT_LOG__PARTITIONS": "3",
        "SIDELIGHT_LOG__KAFKA__TIMEOUT_SECONDS": "3",
    }
    with (
        model_server() as model,
        running(tmp_path, "--upstream", model, **variables) as logger,
        closing(Client(logger.address("traffic"))) as client,
    ):
        for line in (f"  log       {url}", "  spool     sidelight.spool lies on"):
            wait_until(lambda line=line: any(line in said for said in logger.said), line)  # type: ignore[misc]
        client.ask(200)
        wait_until(lambda: logger.metric("exchanges_recorded_total") == 200, "the spool")
        wait_until(lambda: "records wait: no Kafka at" in logger.ready(), "the detail")
        assert logger.ready().startswith("ready\n"), "capturing goes on"
        wait_until(lambda: logger.metric("sink_waiting_records") == 200, "the account")
        assert logger.metric("sink_up") == 0
        assert any('"event": "sink failed"' in line for line in logger.said)
        with broker:
            log = made(url)
            wait_until(lambda: logger.metric("sink_delivered_total") == 200, "delivery", 60)
            assert logger.metric("sink_up") == 1
            assert logger.ready() == "ready\n"
            broker.kill()
            client.ask(100)
            logger.kill("shipper log")
            broker.start()
            client.ask(100)
            wait_until(lambda: logger.metric("sink_delivered_total") == 400, "the rest", 60)
            assert logger.stop() == 0
            with closing(open_log(log)) as opened:
                found = [one for partition in carried(opened) for one in partition]
    assert sorted({one.correlation_id for one in found}) == client.answered
