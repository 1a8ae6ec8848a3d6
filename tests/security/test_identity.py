"""Names and ids never meet: whose token a token is, whatever its subject looks like."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from typer.testing import CliRunner

from app.api.authentication import TokenVerifier, issue_token
from app.api.problems import Unauthenticated
from app.cli.main import app
from app.doctor.diagnosis import Verdict
from app.doctor.tenant_protections import tenants
from pipeline.errors import ConfigurationError
from pipeline.identity import OPERATOR, named_user, user_id
from pipeline.settings import Settings, load_settings

SECRET = "a secret of more than thirty-two characters"
PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ANNA = user_id("anna")
FIRST, SECOND = "https://first.example/", "https://second.example/"
FORMS = (str(ANNA), str(ANNA).upper(), ANNA.hex, f"{{{ANNA}}}", f"urn:uuid:{ANNA}")


def signed(subject: Any, issuer: Any = None, key: Any = SECRET) -> str:
    """A token with good dates for our audience."""
    claims = {"sub": subject, "aud": "insurance-navigator", "exp": time.time() + 60}
    if issuer is not None:
        claims["iss"] = issuer
    # PyJWT would not write some of them
    raw = jwt.api_jws.PyJWS()
    return raw.encode(json.dumps(claims).encode(), key, "HS256" if key is SECRET else "RS256")


@pytest.fixture
def verifier(tmp_path: Path) -> Callable[..., TokenVerifier]:
    """A verifier of our own secret's tokens, or of a provider's with `provider=True`."""

    def made(*, provider: bool = False, **given: Any) -> TokenVerifier:
        if not provider:
            return TokenVerifier(Settings(home=tmp_path, jwt_secret=SECRET, **given))
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(PRIVATE.public_key()))
        path = tmp_path / "keys.json"
        path.write_text(json.dumps({"keys": [public | {"kid": "1", "alg": "RS256"}]}))
        return TokenVerifier(Settings(home=tmp_path, jwks=str(path), **given))

    return made


async def user_of(verifier: TokenVerifier, *token: Any, **given: Any) -> UUID:
    """Whom a token speaks for."""
    return (await verifier.verify(signed(*token, **given))).user_id


@pytest.mark.parametrize("subject", FORMS)
async def test_a_name_that_is_anothers_id_is_only_a_name(
    verifier: Callable[..., TokenVerifier], subject: str
) -> None:
    """Who calls oneself by another user's id, in any spelling, is somebody else."""
    ours, provider = verifier(), verifier(provider=True)
    users = {
        await user_of(ours, subject),
        await user_of(ours, subject, FIRST),
        await user_of(provider, subject, FIRST, PRIVATE),
        await user_of(provider, subject, None, PRIVATE),
    }
    assert ANNA not in users
    assert len(users) == 4 - 1, "the same issuer is the same user, whoever checks"


async def test_our_own_tokens_speak_of_the_command_lines_users(
    verifier: Callable[..., TokenVerifier], tmp_path: Path
) -> None:
    """`navigator token --user anna` is the anna of `navigator ingest --user anna`."""
    for issuer in (None, FIRST):
        ours = verifier(jwt_issuer=issuer)
        settings = Settings(home=tmp_path, jwt_secret=SECRET, jwt_issuer=issuer)
        for name in ("anna", " anna "):
            token = issue_token(settings, name, service=False, hours=1)
            assert (await ours.verify(token)).user_id == ANNA
    assert await user_of(verifier(), "anna") == ANNA


async def test_each_issuer_has_users_of_its_own(verifier: Callable[..., TokenVerifier]) -> None:
    """The same subject of two issuers, and the command line's name, are three users."""
    ours, provider = verifier(), verifier(provider=True)
    found = [
        await user_of(ours, "anna", FIRST),
        await user_of(provider, "anna", FIRST, PRIVATE),
        await user_of(provider, "anna", SECOND, PRIVATE),
        await user_of(provider, "anna", None, PRIVATE),
    ]
    assert found[0] == found[1]
    assert len({*found, ANNA}) == 4
    assert await user_of(provider, "a", "bc", PRIVATE) != await user_of(
        provider, "ab", "c", PRIVATE
    )


async def test_a_setting_makes_one_issuers_users_the_command_lines(
    verifier: Callable[..., TokenVerifier],
) -> None:
    """As all were before: for that issuer alone."""
    provider = verifier(provider=True, jwt_local_issuer=FIRST)
    assert await user_of(provider, "anna", FIRST, PRIVATE) == ANNA
    assert await user_of(provider, "anna", SECOND, PRIVATE) != ANNA
    assert await user_of(provider, str(ANNA), FIRST, PRIVATE) != ANNA


async def test_a_setting_makes_subjects_ids(verifier: Callable[..., TokenVerifier]) -> None:
    """Users whose subject was an id keep it, where the operator says so of one issuer."""
    provider = verifier(provider=True, jwt_issuer=FIRST, jwt_subject_ids=True)
    assert await user_of(provider, str(ANNA), FIRST, PRIVATE) == ANNA
    assert await user_of(provider, "anna", FIRST, PRIVATE) != ANNA
    ours = verifier(jwt_subject_ids=True)
    assert await user_of(ours, str(ANNA)) == ANNA
    assert await user_of(ours, str(ANNA), SECOND) != ANNA


def test_ids_of_nobody_in_particular_are_refused(tmp_path: Path) -> None:
    """With public keys, ids are taken from one named issuer only."""
    with pytest.raises(ConfigurationError, match="NAVIGATOR_JWT_ISSUER"):
        load_settings(home=tmp_path, jwks="keys.json", jwt_subject_ids=True)


@pytest.mark.parametrize(
    "subject",
    ["", " ", "anna ", " anna", "\tanna", "anna\n", "anna\u00a0", "an\x00na", "an\x1fna",
     "ann\u200ba", "\u202eanna", "anna\ud800", "a\u0308nna", "a" * 256, None, 7, 7.5, True,
     ["anna"], {"name": "anna"}],
    ids=repr,
)  # fmt: skip
async def test_a_subject_that_names_nobody_is_refused(
    verifier: Callable[..., TokenVerifier], subject: Any
) -> None:
    """Blank, invisible, decomposed, endless or no text: it would be a double of somebody."""
    with pytest.raises(Unauthenticated):
        await user_of(verifier(), subject)
    with pytest.raises(Unauthenticated):
        await user_of(verifier(provider=True), subject, FIRST, PRIVATE)


@pytest.mark.parametrize("issuer", [" ", "first\x1fsecond", 7, ["first"], {"a": 1}], ids=repr)
async def test_an_issuer_that_is_none_is_refused(
    verifier: Callable[..., TokenVerifier], issuer: Any
) -> None:
    """It would be another namespace than the one that it looks like."""
    with pytest.raises(Unauthenticated):
        await user_of(verifier(provider=True), "anna", issuer, PRIVATE)


def test_a_name_of_the_command_line_is_one_user_however_it_is_typed() -> None:
    """Blanks and the composition of letters are no other user; case and letters are."""
    assert user_id("Zo\u00eb") == user_id("Zoe\u0308") == user_id(" Zo\u00eb ")
    assert len({user_id(name) for name in ("zo\u00eb", "Zo\u00eb", "Zoe", "\u0417o\u00eb")}) == 4
    assert named_user(str(ANNA)) != ANNA
    assert user_id("anna\udcff").version == 5


def test_no_name_is_the_operators() -> None:
    """Runs over everybody's documents are filed under nobody's name."""
    assert user_id("operator") != OPERATOR
    assert user_id("") != OPERATOR


def test_a_token_for_an_id_is_refused_where_ids_are_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`navigator token --user ID` says what to do, rather than print another user's token."""
    monkeypatch.setenv("NAVIGATOR_HOME", str(tmp_path))
    asked = ["token", "--user", str(ANNA)]
    refused = CliRunner().invoke(app, asked)
    assert refused.exit_code == 2
    monkeypatch.setenv("NAVIGATOR_JWT_SUBJECT_IDS", "true")
    assert CliRunner().invoke(app, asked).exit_code == 0


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "vectors are a user's own"),
        ({"share_vectors": True}, "NAVIGATOR_SHARE_VECTORS"),
        ({"jwt_subject_ids": True}, "NAVIGATOR_JWT_SUBJECT_IDS"),
        ({"jwt_local_issuer": FIRST}, "NAVIGATOR_JWT_LOCAL_ISSUER"),
    ],
)
async def test_the_doctor_says_what_users_share(
    tmp_path: Path, given: dict[str, Any], told: str
) -> None:
    """Whose vectors serve whom, and whether a subject may be an id; what is open is a note."""
    async with AsyncExitStack() as stack:
        found = await tenants(Settings(home=tmp_path, **given), stack)
    assert told in f"{found.detail} {found.remedy}"
    assert (found.verdict is Verdict.OK) == (not found.remedy)
