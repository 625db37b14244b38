"""Settings: typed, from options, environment and file in that order; what is bad is named and not shown."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from conjunct.core.settings import Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither variables nor a `.env` of whoever runs the tests."""
    import os

    for name in os.environ:
        if name.startswith(("CONJUNCT_", "DATABASE_URL")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_everything_has_a_default() -> None:
    settings = load_settings()
    assert settings.database_url is None
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.data_dir == Path(".conjunct")


def test_an_option_wins_over_the_environment_which_wins_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("CONJUNCT_PORT=1001\nCONJUNCT_HOST=file\nCONJUNCT_LOG_LEVEL=error\n")
    monkeypatch.setenv("CONJUNCT_PORT", "1002")
    monkeypatch.setenv("CONJUNCT_HOST", "environment")
    settings = load_settings(port=1003, host=None)
    assert (settings.port, settings.host, settings.log_level) == (1003, "environment", "error")


def test_a_file_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "named").write_text("DATABASE_URL=postgresql://u:p@h/d\n")
    monkeypatch.setenv("CONJUNCT_SETTINGS_FILE", str(tmp_path / "named"))
    found = load_settings().database_url
    assert found is not None
    assert found.get_secret_value() == "postgresql://u:p@h/d"


def test_a_named_file_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONJUNCT_SETTINGS_FILE", "/no/such/file")
    with pytest.raises(SettingsError, match="CONJUNCT_SETTINGS_FILE: there is no file /no/such/file"):
        load_settings()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CONJUNCT_PORT", "hush"),
        ("CONJUNCT_PORT", "70000"),
        ("CONJUNCT_PORT", "-1"),
        ("CONJUNCT_LOG_LEVEL", "hush"),
        ("CONJUNCT_LOG_FORMAT", "hush"),
        ("CONJUNCT_DATABASE_POOL_SIZE", "1"),
        ("CONJUNCT_ALLOWED_NETWORKS", "10.0.0.0/8,hush"),
        ("CONJUNCT_ALLOWED_NETWORKS", "10.0.0.1/8"),
        ("CONJUNCT_CORS_ORIGINS", "hush.example.com"),
        ("CONJUNCT_CORS_ORIGINS", "https://example.com/hush"),
        ("CONJUNCT_PUBLIC_URL", "hush"),
        ("CONJUNCT_PUBLIC_URL", "ftp://hush"),
        ("CONJUNCT_MAX_BODY_BYTES", "10"),
        ("CONJUNCT_WORKER_SLOTS", "0"),
        ("CONJUNCT_LEASE_SECONDS", "0"),
        ("CONJUNCT_LEASE_SECONDS", "hush"),
        ("CONJUNCT_DELIVERY_TIMEOUT_SECONDS", "301"),
        ("DATABASE_URL", "hush"),
        ("DATABASE_URL", "mysql://user:hush@host/name"),
        ("DATABASE_URL", "postgresql://user:hush@host:port/name"),
        ("DATABASE_URL", "postgresql://user:hush@[::1/name"),
        ("DATABASE_URL", "postgresql://user:hush@ho st/name"),
    ],
)
def test_a_bad_value_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as told:
        load_settings()
    assert str(told.value).startswith(f"{variable}")
    assert "hush" not in str(told.value)


def test_every_bad_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONJUNCT_PORT", "x")
    monkeypatch.setenv("CONJUNCT_LOG_LEVEL", "y")
    with pytest.raises(SettingsError, match=r"CONJUNCT_PORT: .*; CONJUNCT_LOG_LEVEL: "):
        load_settings()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:p%40ss@host:5432/name",
        "postgres://host/name",
        "postgresql+asyncpg://user@host/name",
        "postgresql://user:p#a/s?s:w@host:5432/name?sslmode=require",
        "postgresql://user:password@/name?host=/var/run/postgresql&port=5432",
        "postgresql://user@[::1]:5432/name",
    ],
)
def test_database_urls_of_all_shapes_are_taken(url: str) -> None:
    found = load_settings(database_url=url).database_url
    assert found is not None
    assert found.get_secret_value() == url


def test_networks_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONJUNCT_ALLOWED_NETWORKS", "127.0.0.0/8, fd00::/8,")
    assert load_settings().allowed_networks == (ip_network("127.0.0.0/8"), ip_network("fd00::/8"))


def test_the_environment_for_a_child_gives_it_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    given = load_settings(
        database_url="postgresql://u:p@h/d", allowed_networks="127.0.0.0/8,10.0.0.0/8", port=9, lease_seconds=2.5
    )
    for name, value in given.environment().items():
        monkeypatch.setenv(name, value)
    assert load_settings() == given


def test_secrets_are_not_in_the_repr() -> None:
    settings = Settings(database_url="postgresql://u:hush@h/d", master_key="k1:hush")
    assert "hush" not in repr(settings)
    assert "hush" not in str(settings)


def test_a_bad_master_key_is_told_and_not_shown() -> None:
    with pytest.raises(SettingsError, match="CONJUNCT_MASTER_KEY: ") as told:
        Settings(master_key="k1:aHVzaA==").load_master_keys()
    assert "aHVzaA" not in str(told.value)


def test_the_master_key_of_a_data_folder_is_made_once(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    sealed = settings.load_master_keys().encrypt(b"text", "place")
    assert settings.load_master_keys().decrypt(sealed, "place") == b"text"
    assert (tmp_path / "data" / "master.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["- a list", "hubspot: not a url", "a: [", "5"])
def test_bad_provider_overrides_are_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "overrides.yaml"
    path.write_text(content)
    with pytest.raises(SettingsError, match="CONJUNCT_PROVIDER_OVERRIDES: "):
        Settings(provider_overrides=path).load_provider_overrides()


def test_a_folder_of_own_providers_must_be_there(tmp_path: Path) -> None:
    assert load_settings(providers_dir=tmp_path).environment()["CONJUNCT_PROVIDERS_DIR"] == str(tmp_path)
    with pytest.raises(SettingsError, match=r"CONJUNCT_PROVIDERS_DIR: .*there is no folder"):
        load_settings(providers_dir=tmp_path / "nosuch")


def test_provider_overrides(tmp_path: Path) -> None:
    path = tmp_path / "overrides.yaml"
    path.write_text("hubspot: http://127.0.0.1:8081/\n")
    assert Settings(provider_overrides=path).load_provider_overrides() == {"hubspot": "http://127.0.0.1:8081"}
    assert Settings().load_provider_overrides() == {}
