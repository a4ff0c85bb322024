"""Settings from the file, overridden by variables and options, and error messages."""

import ipaddress
from pathlib import Path

import pytest

from aggregator.config import KEYS, ConfigError, load_config


def config_in(home: Path, toml: str = "", **environ: str):
    (home / "evnews.toml").write_text(toml, encoding="utf-8")
    return load_config(home, environ=environ)


def test_defaults_need_no_file(tmp_path: Path) -> None:
    config = load_config(tmp_path / "new", environ={})
    assert config.database_url == f"sqlite:///{tmp_path / 'new' / 'archive.db'}"
    assert config.effective_user_agent.startswith("evnews/")
    assert config.worker_count >= 1
    assert config.keeps_pages


def test_variables_override_the_file_and_options_override_variables(tmp_path: Path) -> None:
    toml = 'contact = "mailto:file@example.org"\nworkers = 3\ndb = "sqlite:////tmp/file.db"\n'
    config = config_in(tmp_path, toml, EVNEWS_CONTACT="mailto:env@example.org")
    assert (config.contact, config.workers) == ("mailto:env@example.org", 3)
    assert "(+mailto:env@example.org)" in config.effective_user_agent
    assert load_config(tmp_path, "sqlite:////tmp/option.db", {}).db == "sqlite:////tmp/option.db"


def test_home_is_read_from_the_environment(tmp_path: Path) -> None:
    assert load_config(environ={"EVNEWS_HOME": str(tmp_path)}).home == tmp_path


def test_networks_are_a_list_in_the_file_and_comma_separated_in_a_variable(tmp_path: Path) -> None:
    expected = (ipaddress.ip_network("127.0.1.0/24"), ipaddress.ip_network("fd00::/8"))
    assert config_in(tmp_path, 'allow_networks = ["127.0.1.0/24", "fd00::/8"]').allow_networks == expected
    assert config_in(tmp_path, EVNEWS_ALLOW_NETWORKS="127.0.1.0/24, fd00::/8").allow_networks == expected


def test_unknown_key_is_reported_with_file_and_known_keys(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        config_in(tmp_path, "worker = 3")
    assert str(tmp_path / "evnews.toml") in str(error.value)
    assert "'worker'" in str(error.value)
    assert all(key in str(error.value) for key in KEYS)


@pytest.mark.parametrize(
    ("toml", "environ", "named"),
    [
        ("workers = -1", {}, "workers"),
        ("workers = true", {}, "workers"),
        ('keep_pages = "maybe"', {}, "keep_pages"),
        ('keep_pages = "0 GB"', {}, "keep_pages"),
        ("keep_pages = 200", {}, "keep_pages"),
        ('keep = "5 hours"', {}, "keep"),
        ("keep = 5", {}, "keep"),
        ('quiet_hours = "22-7"', {}, "quiet_hours"),
        ('notify = "ntfys://x"', {}, "notify"),
        ('allow_networks = "10.0.0.0/8"', {}, "allow_networks"),
        ('proxy = "socks5://h:1"', {}, "proxy"),
        ('proxy = "http://user:secret@h:1"', {}, "proxy"),
        ('contact = "a\\nb"', {}, "contact"),
        ('user_agent = "münchen"', {}, "user_agent"),
        ('public_url = "example"', {}, "public_url"),
        ("workers = ", {}, "evnews.toml"),
        ("", {"EVNEWS_WORKERS": "many"}, "EVNEWS_WORKERS"),
        ("", {"EVNEWS_ALLOW_NETWORKS": "10.0.0.0/99"}, "EVNEWS_ALLOW_NETWORKS"),
    ],
)
def test_error_names_place_of_invalid_value(tmp_path: Path, toml: str, environ: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        config_in(tmp_path, toml, **environ)


def test_other_environment_variables_are_ignored(tmp_path: Path) -> None:
    assert config_in(tmp_path, http_proxy="http://evil.example:1").proxy == ""


@pytest.mark.parametrize(("old", "new"), [('tell = ["json://x"]', "notify"), ('quiet = "22:00-07:00"', "quiet_hours")])
def test_renamed_setting_works_under_its_old_name_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, old: str, new: str
) -> None:
    (tmp_path / "evnews.toml").write_text(old)
    assert getattr(load_config(tmp_path, environ={}), new)
    assert f"use={new}" in caplog.text


def test_renamed_variable_works_under_its_old_name_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert load_config(tmp_path, environ={"EVNEWS_TELL": "json://x"}).notify == ("json://x",)
    assert "setting='EVNEWS_TELL' use=notify" in caplog.text
