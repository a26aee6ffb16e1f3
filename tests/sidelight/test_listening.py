from __future__ import annotations

import re
import socket

import pytest

from sidelight.errors import ConfigError
from sidelight.serving.listening import bound


def test_an_address_that_is_taken_is_told_with_the_setting_and_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        said = f"dashboard.listen: cannot listen on {address}: Address already in use; stop what"
        with pytest.raises(ConfigError, match=re.escape(said)):
            bound("dashboard.listen", address)


def test_a_name_that_is_not_of_this_machine_is_told_in_words() -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.invalid:1: [A-Z].*; stop what"):
        bound("dashboard.listen", "nowhere.invalid:1")


def test_port_0_is_any_that_is_free() -> None:
    with bound("dashboard.listen", "127.0.0.1:0") as listens:
        assert listens.getsockname()[1] > 0
