"""A dashboard beside a real explain service, over one log of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from sidelight.config.settings import LogSettings, Settings
from sidelight.log import Log, open_log
from sidelight.redaction.references import as_logged
from sidelight.tensors import Columns
from sidelight_dashboard.showing import Showing
from tests.dashboard.browsing import client
from tests.dashboard.filled import shown
from tests.explainers.explaining_services import model, service
from tests.explainers.logging_exchanges import appended, exchange
from tests.explainers.serving import score

ROWS = [[1.0, -0.5, 2.0], [0.0, 0.5, -1.0]]
NAMED = [dict(zip(("f0", "f1", "f2"), row, strict=True)) for row in ROWS]
NOTHING: Mapping[str, Any] = {}
HTML = {"accept": "text/html"}


@dataclass(frozen=True)
class Asking:
    """`place` is the address of an exchange of `ROWS`."""

    showing: Showing
    client: TestClient
    place: str

    @property
    def row(self) -> str:
        return f"/rows/{self.place}/0"

    def ask(self, method: str = "", **options: Any) -> str:
        """The address of an explanation that is asked for, in the API."""
        asked = {"exchange": self.place, "row": 0, "method": method or "shapley"}
        answer = self.client.post("/api/explanations", json={**asked, "options": options})
        assert answer.status_code == 202, answer.text
        return answer.headers["location"]

    def when(self, address: str, state: str) -> dict[str, Any]:
        """The explanation, when it has come to that state."""
        for _ in range(600):
            told: dict[str, Any] = self.client.get(address).json()
            if told["state"] == state:
                return told
            assert told["state"] == "running", told
            time.sleep(0.05)
        raise AssertionError(f"{address} is still {told['state']}")


def settings_at(folder: Path, explainers: str, **model_settings: Any) -> Settings:
    """Three numbers, explained at that address."""
    features = {"f0": "numeric", "f1": "numeric", "f2": "numeric"}
    document = {
        "log": {"url": str(folder / "log.db")},
        "models": {"m": {"features": features, **model_settings}},
        "dashboard": {"explainers": explainers},
    }
    return as_logged(Settings.model_validate(document))


def logged(folder: Path) -> LogSettings:
    return LogSettings(url=str(folder / "log.db"))


@contextmanager
def dashboard(folder: Path, explainers: str, **model_settings: Any) -> Iterator[Asking]:
    """Over the log in the folder, to which an exchange is added."""
    told = settings_at(folder, explainers, **model_settings)
    with closing(open_log(logged(folder))) as log, shown(told, log) as showing:
        place = put(log)
        with client(showing) as asked:
            yield Asking(showing, asked, place)


def put(log: Log) -> str:
    return str(appended(log, exchange(NAMED)))


@contextmanager
def asking(
    folder: Path, answer: Callable[[Columns], Columns] = score, **methods: Mapping[str, Any]
) -> Iterator[Asking]:
    """With an explain service that has these methods (Shapley values without any)."""
    with (
        service(model(answer, **methods), logged(folder)) as explainers,
        dashboard(folder, str(explainers.base_url).rstrip("/")) as found,
    ):
        yield found
