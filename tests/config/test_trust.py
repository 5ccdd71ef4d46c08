"""Trusted issuers, as an operator writes them down."""

from pathlib import Path

import pytest

from actor_oauth.config import ConfigError, load_settings


@pytest.mark.requirement("A-15", "D-41")
def test_trusted_issuers_are_tables(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(
        """
        issuer = "https://as.example"

        [[trusted_issuers]]
        issuer = "https://idp.example"
        jwks_uri = "https://idp.example/keys"
        algorithms = ["RS256"]
        clients = ["aocl_agent"]
        assertion_seconds = 120

        [trusted_issuers.scopes]
        "files.ro" = ["mcp"]

        [[trusted_issuers]]
        issuer = "https://k8s.example"
        uses = ["workload"]
        jwks_uri = "https://k8s.example/keys"
        subjects = ["system:serviceaccount:prod:*"]
        """
    )

    idp, k8s = load_settings(file=file).policy("https://as.example").trust.issuers

    assert idp.uses == {"id-jag"}
    assert idp.algorithms == ("RS256",)
    assert idp.clients == {"aocl_agent"}
    assert idp.scopes == (("files.ro", ("mcp",)),)
    assert idp.assertion_life == 120
    assert k8s.uses == {"workload"}
    assert k8s.subjects == ("system:serviceaccount:prod:*",)


@pytest.mark.requirement("A-15")
def test_a_trust_that_is_no_good_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(
        'issuer = "https://as.example"\nsoftware_statement_required = true\n'
        '[[trusted_issuers]]\nissuer = "https://idp.example"\n'
    )

    with pytest.raises(ConfigError) as caught:
        load_settings(file=file)

    assert "needs either jwks_uri or jwks" in str(caught.value)
    assert "Software statements are required" in str(caught.value)
