"""The secrets with which the sandbox's servers are entered, made once per store.

A store whose secrets were made before there were as many gets new ones.
"""

import secrets
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from extractors.sandbox.limits import HOUR, limits_of
from extractors.sandbox.store import Store

_META = "credentials"
_TOKENS = "access_tokens"
ACCOUNT = "1234567_SB1"
TOKEN_SECONDS = HOUR
KEY_BITS = 3072
SALESFORCE_KEY_BITS = 2048
_ENTRIES = {
    "salesforce",
    "salesforce_jwt",
    "salesforce_refresh",
    "salesforce_public_key",
    "stripe",
    "netsuite",
    "netsuite_tba",
    "netsuite_public_key",
}


def credentials(store: Store) -> dict[str, Any]:
    """Per system what a client needs besides the URL, and the public keys that are trusted."""
    known = store.meta(_META)
    if known is None or known.keys() < _ENTRIES:
        known = _make(store.path.parent)
        store.set_meta(_META, known)
    return known


def _make(folder: Path) -> dict[str, Any]:
    app = {
        "client_id": f"3MVG9{secrets.token_urlsafe(32)}",
        "client_secret": secrets.token_hex(32).upper(),
    }
    certified, salesforce_public = _key_pair(folder / "salesforce_key.pem", SALESFORCE_KEY_BITS)
    key_path, netsuite_public = _key_pair(folder / "netsuite_key.pem", KEY_BITS)
    return {
        "salesforce": app,
        "salesforce_jwt": {
            "client_id": app["client_id"],
            "username": "integration@sandbox.example",
            "private_key_path": certified,
        },
        "salesforce_refresh": {**app, "refresh_token": f"5Aep{secrets.token_urlsafe(48)}"},
        "salesforce_public_key": salesforce_public,
        # The key of a live account, whose limits are those that a night has to do with.
        "stripe": {"api_key": f"rk_live_sandbox{secrets.token_hex(16)}"},
        "netsuite": {
            "account": ACCOUNT,
            "client_id": secrets.token_hex(32),
            "certificate_id": secrets.token_urlsafe(24),
            "private_key_path": key_path,
        },
        "netsuite_tba": {
            "account": ACCOUNT,
            "consumer_key": secrets.token_hex(32),
            "consumer_secret": secrets.token_hex(32),
            "token_id": secrets.token_hex(32),
            "token_secret": secrets.token_hex(32),
        },
        "netsuite_public_key": netsuite_public,
    }


def _key_pair(key_path: Path, bits: int) -> tuple[str, str]:
    """The path of a new private key that only its owner may read, and the public key."""
    key = rsa.generate_private_key(65537, bits)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    key_path.touch(mode=0o600)
    key_path.write_bytes(private)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return str(key_path.resolve()), public.decode()


def issue_token(store: Store, system: str) -> str:
    """An access token, good for an hour of real time unless limits say otherwise."""
    token = secrets.token_urlsafe(48)
    with store.transaction():
        live = {
            t: kept for t, kept in store.meta(_TOKENS, {}).items() if kept["until"] > time.time()
        }
        lasts = limits_of(store, system).token_seconds
        live[token] = {"system": system, "until": time.time() + lasts}
        store.set_meta(_TOKENS, live)
    return token


def is_live_token(store: Store, system: str, authorization: str | None) -> bool:
    scheme, _, token = (authorization or "").partition(" ")
    kept = store.meta(_TOKENS, {}).get(token)
    return (
        scheme.lower() == "bearer"
        and kept is not None
        and kept["system"] == system
        and kept["until"] > time.time()
    )


def revoke_tokens(store: Store) -> None:
    """End every session, as an administrator or a policy would."""
    store.set_meta(_TOKENS, None)
