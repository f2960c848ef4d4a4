"""The second factor: codes by time (RFC 6238) from a telephone, and recovery codes on paper."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

import pyotp
import segno

from app.accounts.users import find_user
from core import sql
from core.database import Connection
from core.errors import NotFound, Refused
from core.sealing import Seal
from core.secrets import same

ISSUER = "Door Guard"
_STEP_S = 30  # RFC 6238, 5.2
_DRIFT_STEPS = (0, -1, 1)  # a telephone's clock may be a step off
_RECOVERY_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP_CHARS = 2, 6  # 31^12: 59 bits, each good once
_QUERIES = sql.load("app.accounts")


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a telephone scans, or its owner types in."""

    secret: str
    address: str  # otpauth://

    def picture(self) -> str:
        """Return the QR code as inline SVG, drawn here: no secret goes to another's server."""
        drawn = segno.make(self.address, error="m", micro=False)
        return str(drawn.svg_inline(scale=5, border=4, dark="#000", light="#fff"))


def begin(user_id: str, secret: str | None = None) -> Enrolment:
    """Return a new secret of 160 bits, or the given one once more, to enrol a telephone with."""
    secret = secret or pyotp.random_base32()
    address = pyotp.TOTP(secret, interval=_STEP_S).provisioning_uri(
        name=user_id, issuer_name=ISSUER
    )
    return Enrolment(secret, address)


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step a code belongs to, this one or a neighbour's; None when it fits none."""
    totp = pyotp.TOTP(secret, interval=_STEP_S)
    given = "".join(code.split())
    found = None
    for offset in _DRIFT_STEPS:
        if same(totp.at(for_time=now, counter_offset=offset), given) and found is None:
            found = int(now.timestamp()) // _STEP_S + offset
    return found


class SecondFactor:
    """Keeps secrets sealed under the service key."""

    def __init__(self, service_key: str) -> None:
        self._seal = Seal(service_key, "second-factor")

    def enrol(
        self, conn: Connection, user_id: str, secret: str, code: str, now: datetime
    ) -> list[str]:
        """Take a telephone into use; return recovery codes, which are kept nowhere in the clear.

        A telephone and codes of before end. Raises `Refused` for a wrong code, `NotFound`.
        """
        step = step_of(secret, code, now)
        if step is None:
            raise Refused("this is not the code", "user.code")
        given = {"user_id": user_id, "sealed": self._seal.close(secret.encode()), "step": step}
        if conn.execute(_QUERIES["set_second_factor"], given).rowcount == 0:
            raise NotFound(f"no user {user_id}", "user.unknown")
        codes = [_recovery_code() for _ in range(_RECOVERY_CODES)]
        conn.execute(_QUERIES["forget_recovery_codes"], given)
        with conn.cursor() as cursor:
            cursor.executemany(
                _QUERIES["add_recovery_code"],
                [{"user_id": user_id, "code_sha256": _digest(one)} for one in codes],
            )
        return codes

    def check(self, conn: Connection, user_id: str, code: str, now: datetime) -> None:
        """Take a code of the telephone, or a recovery code, each once; raise `Refused`."""
        row = find_user(conn, user_id)
        if row is None or row["totp_sealed"] is None:
            raise Refused("this user has no second factor", "user.code")
        secret = self._seal.open(bytes(row["totp_sealed"])).decode()
        step = step_of(secret, code, now)
        if step is not None:
            spent = conn.execute(_QUERIES["spend_totp_step"], {"user_id": user_id, "step": step})
        else:
            given = {"user_id": user_id, "code_sha256": _digest(code), "now": now}
            spent = conn.execute(_QUERIES["spend_recovery_code"], given)
        if spent.rowcount == 0:
            raise Refused("this is not the code, or it was used already", "user.code")


def forget(conn: Connection, user_id: str) -> None:
    """Take a lost telephone out of use, with its recovery codes. Raises `NotFound`."""
    given = {"user_id": user_id, "sealed": None, "step": 0}
    if conn.execute(_QUERIES["set_second_factor"], given).rowcount == 0:
        raise NotFound(f"no user {user_id}", "user.unknown")
    conn.execute(_QUERIES["forget_recovery_codes"], given)


def recovery_codes_left(conn: Connection, user_id: str) -> int:
    """Return how many recovery codes were not used yet."""
    row = conn.execute(_QUERIES["recovery_codes_left"], {"user_id": user_id}).fetchone()
    return int(row["n"]) if row else 0


def _recovery_code() -> str:
    return "-".join(
        "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_CHARS)) for _ in range(_GROUPS)
    )


def _digest(code: str) -> bytes:
    return hashlib.sha256("".join(code.lower().split()).encode()).digest()
