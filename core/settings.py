"""Settings of every process, from the environment (`DOORGUARD_…`) or from files of secrets.

A secret `X` may be given as `DOORGUARD_X` or, for Docker and systemd, as a file named in
`DOORGUARD_X_FILE`. There are no default passwords: what is missing is named in the error.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit
from zoneinfo import available_timezones

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import ConfigurationError


class Settings(BaseSettings):
    """One field a setting; units stand in the names."""

    model_config = SettingsConfigDict(env_prefix="DOORGUARD_", extra="ignore", frozen=True)

    database: str = Field(description="libpq connection string or postgresql:// URL")
    broker: str = Field(
        description="mqtt://[user:password@]host:port, mqtts:// for TLS; the nodes of a cluster "
        "separated by commas"
    )
    receive: Literal["bulk", "plain"] = Field(
        default="bulk", description="how sessions read: in blocks, or by paho as shipped"
    )
    instance: str = Field(default="", description="tells processes of one kind on one host apart")
    service_key: str = Field(
        min_length=32,
        description="secret from which the services' broker passwords and page links are derived",
    )
    export_key: str | None = Field(
        default=None,
        min_length=32,
        description="secret of the key that signs exported incidents; the service key when unset",
    )
    broker_ca_file: str | None = Field(
        default=None, description="CA of the broker's certificate; the system's when unset"
    )
    objects: str = Field(description="folder or URL of the object store for evidence")
    public_url: str = Field(description="where people reach the app; stands in every page's links")
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=0, le=65535)
    state_folder: Path = Field(description="where a process keeps what it can rebuild")
    timezone: str = Field(default="Asia/Seoul", description="local time of shifts and screens")
    language: Literal["en", "ko"] = Field(
        default="en", description="of the screens, until somebody chooses another there"
    )
    broker_pinned: bool = Field(
        default=False,
        description="trust exactly the certificate in broker_ca_file, whatever name it carries: "
        "our own broker on this machine",
    )
    device_host: str | None = Field(
        default=None, description="how devices reach the broker, where that differs from our way"
    )
    answer_within_s: float = Field(
        default=15.0, gt=0, description="an unanswered page goes on to the next responder"
    )
    operator_grace_s: float = Field(
        default=15.0, gt=0, description="intrusion pages go out unless an operator took it by then"
    )
    silence_after_s: float = Field(
        default=90.0,
        ge=20.0,
        description="a device whose path is lost is told within so long (EN 50136: 90 s, or 20 s)",
    )
    rules: Path | None = Field(
        default=None, description="file of rules that make incidents of events; ours when unset"
    )
    stun_urls: str = Field(
        default="", description="stun:host:port of talks, separated by commas; empty: none is asked"
    )
    turn_urls: str = Field(
        default="", description="turn:host:port?transport=… of talks, separated by commas"
    )
    turn_secret: str | None = Field(
        default=None, repr=False, description="the static-auth-secret of that TURN server (coturn)"
    )
    person_model: Path | None = Field(
        default=None, description="ONNX file that tells people; the detectors do without one"
    )
    person_layout: Literal["yolo", "yolo-objectness", "ssd"] = Field(
        default="yolo", description="form of the model's output (docs/detection.md)"
    )
    person_class: int = Field(default=0, ge=0, description="class of a person; 1 in most SSD files")
    person_least: float = Field(default=0.4, gt=0, lt=1, description="least score of a person")
    person_side_px: int = Field(
        default=640, ge=32, le=2048, description="side of the model's input where it is left open"
    )
    keep_evidence_d: int = Field(
        default=30,
        ge=1,
        description="days for which pictures of people at a door are kept; what an incident needs "
        "for longer is exported",
    )
    route_url: str = Field(
        default="https://map.kakao.com/link/to/Door%20Guard,{lat},{lon}",
        description="what a responder's page opens for the way, with {lat} and {lon}",
    )
    road_service: str = Field(
        default="",
        description="osrm+http://host:port or valhalla+http://host:port: who reckons travel times; "
        "by distance when unset",
    )
    map_tiles: str = Field(
        default="",
        description="URL of map tiles, https://…/{z}/{x}/{y}.png; a drawn schematic when empty",
    )
    map_attribution: str = Field(default="", description="what the map's makers want said on it")
    second_factor: Literal["required", "offered"] = Field(
        default="required", description="staff enrol a telephone when they first sign in"
    )
    oidc_issuer: str | None = Field(
        default=None, description="URL of an OpenID Connect provider whose users may sign in"
    )
    oidc_client: str | None = Field(default=None, description="our client id at the provider")
    oidc_secret: str | None = Field(default=None, description="our secret at the provider")
    oidc_name: str = Field(default="SSO", description="what the button of signing in says")
    synthetic_every_s: float = Field(default=60.0, gt=0, description="period of the synthetic SOS")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"{name!r} is no time zone; Asia/Seoul, say")
        return name

    @model_validator(mode="after")
    def _relay_has_a_secret(self) -> Settings:
        if self.turn_urls and not self.turn_secret:
            raise ValueError("DOORGUARD_TURN_URLS needs DOORGUARD_TURN_SECRET beside it")
        return self


def secret(name: str) -> str | None:
    """Return `DOORGUARD_{name}`, or what stands in the file that `DOORGUARD_{name}_FILE` names.

    Raises `ConfigurationError` when that file cannot be read.
    """
    file = os.environ.get(f"DOORGUARD_{name}_FILE")
    if not file:
        return os.environ.get(f"DOORGUARD_{name}")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"DOORGUARD_{name}_FILE: {error}") from error


def database_dsn(given: str | None = None) -> str | None:
    """Return the database's connection string, with `DOORGUARD_DATABASE_PASSWORD` put in."""
    dsn = given or secret("DATABASE")
    password = secret("DATABASE_PASSWORD")
    if not dsn:
        return None
    try:
        words = conninfo_to_dict(dsn)
    except ProgrammingError as error:
        raise ConfigurationError(f"the database's connection string: {error}") from error
    return make_conninfo(dsn, password=password) if password and "password" not in words else dsn


def load(**given: object) -> Settings:
    """Read the settings; `given` wins over the environment. Raises `ConfigurationError`."""
    found = {
        "database": database_dsn(),
        "service_key": secret("SERVICE_KEY"),
        "broker": secret("BROKER"),
        "turn_secret": secret("TURN_SECRET"),
        "export_key": secret("EXPORT_KEY"),
        "oidc_secret": secret("OIDC_SECRET"),
        **{name: value for name, value in given.items() if value is not None},
    }
    values = {name: value for name, value in found.items() if value is not None}
    try:
        return Settings(**values)  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [
            f"DOORGUARD_{'_'.join(map(str, item['loc'])).upper()}: {item['msg']}"
            for item in error.errors()
        ]
        raise ConfigurationError("; ".join(lines)) from None


class BrokerAddress:
    """A parsed broker URL."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError as error:
            raise ConfigurationError(f"broker: {error}") from error
        if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
            raise ConfigurationError(
                f"broker {parts.scheme}://{parts.hostname}: mqtt://host:port or mqtts://host:port "
                "is expected"
            )
        self.host: str = parts.hostname
        self.tls = parts.scheme == "mqtts"
        self.port: int = port or (8883 if self.tls else 1883)
        self.username = unquote(parts.username) if parts.username else None
        self.password = unquote(parts.password) if parts.password else None


def broker_addresses(urls: str) -> list[BrokerAddress]:
    """Return the nodes of a broker, in the order given. Raises `ConfigurationError`."""
    return [BrokerAddress(url.strip()) for url in urls.split(",")]
