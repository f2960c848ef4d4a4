"""The event lane's sessions at the broker: opened, made ahead and deleted, by share."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from app.processes.running import session_for
from core.errors import BrokerAway
from core.settings import Settings, broker_addresses
from core.wire import MAX_MESSAGE_BYTES
from gateway.mqtt import Session, forget_session
from gateway.nats_config import MAX_PAYLOAD_BYTES
from gateway.roles import client_id, service_password, service_username
from ingest.sharing.layout import Share

_ROLE = "ingest"
_AT_ONCE = 4  # each makes a stored cursor or two; a cluster agrees on every one
_WITHIN_S = 20.0
_COALESCE_S = 0.004  # a fifth of what a batch waits for company anyway


class LaneSessions:
    """Makes the sessions of one worker from its settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def control(self) -> Session:
        """Return the worker's own session, which hears nothing and leaves nothing behind."""
        name = f"{service_username(_ROLE)}-{secrets.token_hex(8)}"
        return session_for(_ROLE, self._settings, name=name)

    def reader(self, share: Share) -> Session:
        """Return the session of a share, for whoever holds its lock."""
        return session_for(
            _ROLE,
            self._settings,
            name=share.session,
            durable=True,
            subscriptions=share.heard(),
            coalesce_s=_COALESCE_S,
            # one more than is allowed is enough to refuse it; reports carry rejects
            max_payload_bytes=MAX_PAYLOAD_BYTES if share.aside else MAX_MESSAGE_BYTES + 1,
        )

    def make(self, shares: Iterable[Share]) -> None:
        """Have the broker keep messages for these from now on. Raises `BrokerAway`."""

        def one(share: Share) -> None:
            session = session_for(
                _ROLE,
                self._settings,
                name=share.session,
                durable=True,
                subscriptions=share.kept(),
            )
            session.start()
            try:
                if not session.wait_ready(_WITHIN_S):
                    raise BrokerAway(f"the session of {share} was not made")
            finally:
                session.stop()

        _each(one, shares)

    def forget(self, shares: Iterable[Share]) -> None:
        """Delete these at the broker, with what waits in them. Raises `BrokerAway`."""
        settings = self._settings
        addresses = broker_addresses(settings.broker)

        def one(share: Share) -> None:
            forget_session(
                addresses,
                client_id=client_id(settings.service_key, share.session),
                username=addresses[0].username or service_username(_ROLE),
                password=addresses[0].password or service_password(settings.service_key, _ROLE),
                ca_file=settings.broker_ca_file,
                pinned=settings.broker_pinned,
                timeout_s=_WITHIN_S,
            )

        _each(one, shares)


def _each(do: Callable[[Share], None], shares: Iterable[Share]) -> None:
    with ThreadPoolExecutor(_AT_ONCE, "lane-sessions") as pool:
        for done in [pool.submit(do, share) for share in shares]:
            done.result()
