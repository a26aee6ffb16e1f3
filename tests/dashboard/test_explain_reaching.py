"""The explain service is reached as configured: its address, its token, its certificate."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response

from sidelight.config.settings import Settings
from sidelight.errors import ConfigError
from sidelight.serving.answers import json_answer
from sidelight_dashboard.explaining.offering import Offer, Offers
from sidelight_dashboard.explaining.reaching import way_of
from sidelight_dashboard.explaining.service import ExplainService
from tests.ports import free_port
from tests.sidelight.kafka_security import Authority

METHOD = {"name": "x", "explains": "one row", "description": "", "options": {}}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    found = Authority(tmp_path_factory.mktemp("authority"))
    found.create()
    return found


@contextmanager
def over_tls(authority: Authority, hosts: str) -> Iterator[tuple[int, Path, Path]]:
    """The port of a service that asks for the token ``secret``, its certificate and its key."""
    certificate, key = authority.sign("explainers", hosts)
    app = FastAPI()

    @app.get("/v2/models/m")
    def metadata(request: Request) -> Response:
        if request.headers.get("authorization") != "Bearer secret":
            return json_answer({"error": "that is not the bearer token"}, 401)
        return json_answer({"methods": [METHOD]})

    port = free_port()
    config = uvicorn.Config(
        app, port=port, ssl_certfile=certificate, ssl_keyfile=key, log_config=None
    )
    server = uvicorn.Server(config)
    thread = Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
        yield port, certificate, key
    finally:
        server.should_exit = True
        thread.join()


def settings(**sections: Any) -> Settings:
    return Settings.model_validate(sections)


def offered(told: Settings) -> Offer:
    async def ask() -> Offer:
        service = ExplainService(way_of(told))
        try:
            return await Offers(service).of("m")
        finally:
            await service.close()

    return asyncio.run(ask())


def test_the_service_of_the_same_file_is_known_by_its_certificate_and_its_token(
    authority: Authority,
) -> None:
    """Whatever name it was made for."""
    with over_tls(authority, "DNS:explainers.example") as (port, certificate, key):
        explainers = {"cert_file": certificate, "key_file": key, "listen": f"127.0.0.1:{port}"}
        told = offered(settings(explainers={**explainers, "token": "secret"}))
        wrong = offered(settings(explainers={**explainers, "token": "other"}))

    assert [one.name for one in told.methods] == ["x"]
    assert "that is not the bearer token" in wrong.trouble


def test_another_service_is_known_by_who_signed_its_certificate(authority: Authority) -> None:
    with over_tls(authority, "IP:127.0.0.1") as (port, _, _):
        dashboard = {"explainers": f"https://127.0.0.1:{port}", "explainers_token": "secret"}
        trusted = {**dashboard, "explainers_ca_file": authority.certificate}
        told = offered(settings(dashboard=trusted))
        unknown = offered(settings(dashboard=dashboard))

    assert [one.name for one in told.methods] == ["x"]
    assert unknown.methods == ()
    assert "does not answer" in unknown.trouble


def test_another_service_must_have_the_name_by_which_it_is_asked(authority: Authority) -> None:
    with over_tls(authority, "DNS:explainers.example") as (port, _, _):
        dashboard = {
            "explainers": f"https://127.0.0.1:{port}",
            "explainers_token": "secret",
            "explainers_ca_file": authority.certificate,
        }
        assert "does not answer" in offered(settings(dashboard=dashboard)).trouble


def test_a_file_without_certificates_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("none")
    told = {"explainers": "https://127.0.0.1:1", "explainers_ca_file": tmp_path / "ca.crt"}

    with pytest.raises(ConfigError, match=r"ca\.crt holds no certificates"):
        way_of(settings(dashboard=told))


@pytest.mark.parametrize(
    ("sections", "url"),
    [
        ({}, "http://127.0.0.1:9083"),
        ({"explainers": {"listen": "0.0.0.0:7000"}}, "http://localhost:7000"),
        ({"explainers": {"listen": "[::1]:7000"}}, "http://[::1]:7000"),
        ({"dashboard": {"explainers": "explainers:9083"}}, "http://explainers:9083"),
        ({"dashboard": {"explainers": "https://explainers/"}}, "https://explainers"),
    ],
)
def test_the_address_is_that_of_the_dashboards_setting_or_of_the_service(
    sections: dict[str, Any], url: str
) -> None:
    assert way_of(settings(**sections)).url == url


def test_the_dashboards_own_token_goes_before_that_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("mounted\n")
    told = {"explainers_token_file": tmp_path / "token"}

    assert way_of(settings(dashboard=told, explainers={"token": "other"})).token() == "mounted"
    assert way_of(settings(explainers={"token": "other"})).token() == "other"
    assert way_of(settings()).token() == ""
