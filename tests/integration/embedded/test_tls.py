"""`doorguard up` as devices reach it from a network: the MQTT listener speaks TLS."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.embedded.installation import Installation
from app.embedded.services import Plan, Services
from core.clock import SystemClock
from core.errors import ConfigurationError
from simulators.button import Button
from simulators.connection import Credentials
from tests.e2e.conftest import DOORGUARD


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="doorguard-tls-"))
    made.chmod(0o711 if os.geteuid() == 0 else 0o700)
    yield made
    shutil.rmtree(made)


def services(folder: Path, plan: Plan) -> Services:
    return Services(
        Installation(folder),
        plan,
        clock=SystemClock(),
        on_line=lambda _name, _line: None,
        progress=lambda _text: None,
        reachable=folder,
    )


def test_beyond_loopback_only_with_a_certificate(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="--tls-cert"):
        services(folder, Plan(host="0.0.0.0"))  # noqa: S104


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate")
def test_a_device_is_heard_over_tls(folder: Path) -> None:
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=doorguard.example", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", key, "-out", cert],
        check=True,
        capture_output=True,
    )  # fmt: skip
    plan = Plan(
        host="0.0.0.0",  # noqa: S104 - what the test is about
        tls_cert=str(cert),
        tls_key=str(key),
        device_host="localhost",
        durable=False,
    )

    def run(*words: str) -> dict[str, object]:
        done = subprocess.run(
            [*DOORGUARD, *words, "--data", str(folder), "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
        return found

    with services(folder, plan) as running:
        running.start()
        run("household", "add", "home-tls")
        device = run("device", "add", "button-tls", "--household", "home-tls", "--kind", "button")
        assert (device["host"], device["tls"]) == ("localhost", True)
        button = Button(Credentials.from_json({**device, "ca_file": str(cert)}))
        button.start()
        try:
            assert button.wait_online(15)
            assert button.wait_acked(button.press(), 15) is not None
        finally:
            button.stop()
