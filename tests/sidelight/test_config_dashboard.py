from __future__ import annotations

import pytest
from pydantic import ValidationError

from sidelight.config.showing.service import DashboardSettings


@pytest.mark.parametrize(
    "public_url", ["https://ops.example", "https://ops.example:8443/", "http://[::1]:9084/"]
)
def test_people_reach_it_by_a_host_of_its_own(public_url: str) -> None:
    assert DashboardSettings(public_url=public_url).public_url == public_url


@pytest.mark.parametrize(
    ("public_url", "said"),
    [
        ("ops.example", "'ops.example' is no address; write https://HOST"),
        ("ftp://ops.example", "write https://HOST"),
        ("https://", "write https://HOST"),
        ("https://ops.example/sidelight", "more than a host: the dashboard's pages begin at /"),
        ("https://ops.example/?page=1", "a host name or port of its own"),
    ],
)
def test_a_place_that_links_could_not_lead_to_is_refused(public_url: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said.replace("?", r"\?")):
        DashboardSettings(public_url=public_url)
