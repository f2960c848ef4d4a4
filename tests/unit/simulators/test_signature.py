from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.signature import fault, sign

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def test_the_header_is_the_one_of_the_contract():
    t = int(NOW.timestamp())
    digest = hmac.new(b"secret", f"{t}.".encode() + b"{}", hashlib.sha256).hexdigest()
    assert sign("secret", b"{}", NOW) == f"t={t},v1={digest}"


@given(body=st.binary(max_size=200), age_s=st.integers(-300, 300))
def test_a_signature_holds_for_five_minutes(body, age_s):
    assert fault("secret", body, sign("secret", body, NOW), NOW + timedelta(seconds=age_s)) is None


@pytest.mark.parametrize("age_s", [301, -301, 86_400])
def test_an_old_signature_is_refused(age_s):
    header = sign("secret", b"{}", NOW)
    assert fault("secret", b"{}", header, NOW + timedelta(seconds=age_s)) == "signature too old"


@given(st.text(max_size=120))
def test_any_other_header_is_refused(header):
    assert fault("secret", b"{}", header, NOW) is not None


def test_another_body_secret_or_time_is_refused():
    header = sign("secret", b"{}", NOW)
    later = header.replace(header[2:12], str(int(header[2:12]) + 1))
    assert fault("secret", b"{ }", header, NOW) == "wrong signature"
    assert fault("other", b"{}", header, NOW) == "wrong signature"
    assert fault("secret", b"{}", later, NOW) == "wrong signature"
    assert fault("secret", b"{}", None, NOW) == "no signature"
