"""Settings: defaults that follow from each other, and all mistakes told at once."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import BadSettings, Settings, load_settings


def problems_of(environ: dict[str, str]) -> list[str]:
    with pytest.raises(BadSettings) as refused:
        load_settings(environ)
    return refused.value.problems


def test_everything_has_a_default_and_paths_are_absolute() -> None:
    settings = load_settings({"PATH": "/bin", "DUBAN_PACK": ""})

    home = Path("var").absolute()
    assert (settings.home, settings.secret_file) == (home, home / "secret.key")
    assert settings.database_url == f"sqlite:///{home}/duban.db"
    assert (settings.host, settings.port, settings.prefect_port) == ("127.0.0.1", 8000, 8001)
    assert (settings.pack, settings.notify_urls, settings.log_level) == ("tongcheng", (), "INFO")


def test_what_follows_from_home_and_port_moves_with_them(tmp_path: Path) -> None:
    settings = load_settings({"DUBAN_HOME": str(tmp_path), "DUBAN_PORT": "9000"})

    assert settings.database_url == f"sqlite:///{tmp_path}/duban.db"
    assert settings.secret_file == tmp_path / "secret.key"
    assert settings.prefect_port == 9001
    assert load_settings({"DUBAN_PORT": "65535"}).prefect_port == 4200


def test_values_are_read_as_they_are_meant() -> None:
    settings = load_settings(
        {
            "DUBAN_DATABASE_URL": "postgresql://duban:secret@db/duban",
            "DUBAN_NOTIFY_URLS": "mailtos://u:p@example.org , json://localhost/hook,",
            "DUBAN_LOG_LEVEL": "debug",
            "DUBAN_TEST_DATA": "/anywhere",
        }
    )

    assert settings.database_url == "postgresql+psycopg://duban:secret@db/duban"
    assert settings.notify_urls == ("mailtos://u:p@example.org", "json://localhost/hook")
    assert settings.log_level == "DEBUG"
    assert "secret" not in repr(settings).replace("secret_file", "").replace("secret.key", "")
    assert "u:p" not in repr(settings)


def test_every_mistake_is_named_with_its_variable_and_no_value_leaks() -> None:
    wrong = {
        "DUBAN_HOST": "two words",
        "DUBAN_PORT": "0",
        "DUBAN_PREFECT_PORT": "http",
        "DUBAN_DATABASE_URL": "mysql://root:hunter2@db/duban",
        "DUBAN_PACK": "../etc",
        "DUBAN_NOTIFY_URLS": "mailto://a@b,hunter2",
        "DUBAN_LOG_LEVEL": "loud",
        "DUBAN_PROT": "8000",
        "DUBAN_XYZZY": "1",
    }

    problems = problems_of(wrong)

    assert sorted(problem.split()[0] for problem in problems) == sorted(wrong)
    assert "did you mean DUBAN_PORT?" in next(p for p in problems if p.startswith("DUBAN_PROT "))
    assert not any("hunter2" in problem for problem in problems)


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "postgresql+psycopg://host", "duban.db"]
)
def test_a_database_that_processes_cannot_share_is_refused(url: str) -> None:
    (problem,) = problems_of({"DUBAN_DATABASE_URL": url})
    assert problem.startswith("DUBAN_DATABASE_URL ")
    assert "use sqlite:///<file> or postgresql+psycopg://" in problem


def test_the_two_servers_need_two_ports() -> None:
    (problem,) = problems_of({"DUBAN_PORT": "9000", "DUBAN_PREFECT_PORT": "9000"})
    assert "DUBAN_PREFECT_PORT" in problem


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings({}).port = 1  # type: ignore[misc]


@given(
    home=st.text("abc/. -", min_size=1, max_size=12).filter(lambda text: text.strip()),
    port=st.integers(1, 65534),
    urls=st.lists(st.from_regex(r"[a-z]{2,8}://[a-z0-9:@/]{1,12}", fullmatch=True), max_size=3),
)
def test_a_child_process_gets_the_very_same_settings(home: str, port: int, urls: list[str]) -> None:
    settings = Settings(home=home, port=port, notify_urls=tuple(urls))
    assert load_settings(settings.as_environ()) == settings


def test_several_machines_share_a_database_and_a_prefect_server() -> None:
    shared = {"DUBAN_DATABASE_URL": "postgresql://db/duban", "DUBAN_PREFECT_API_URL": "http://10.0.0.3:4200"}
    settings = load_settings(shared | {"DUBAN_PREFECT_AUTH": "duban:hunter2", "DUBAN_PROXIES": "10.0.0.5, 10.1.0.0/24"})
    assert settings.several_machines and not load_settings({}).several_machines
    assert settings.prefect_api_url == "http://10.0.0.3:4200/api"
    assert settings.proxies == "10.0.0.5,10.1.0.0/24"
    assert "hunter2" not in repr(settings)
    assert load_settings(settings.as_environ()) == settings


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"DUBAN_PREFECT_API_URL": "http://p:4200/api"}, "DUBAN_PREFECT_API_URL is set"),
        ({"DUBAN_PREFECT_API_URL": "http://duban:hunter2@p/api"}, "DUBAN_PREFECT_API_URL is no address"),
        ({"DUBAN_PREFECT_API_URL": "p:4200"}, "DUBAN_PREFECT_API_URL is no address"),
        ({"DUBAN_PREFECT_AUTH": "hunter2"}, "DUBAN_PREFECT_AUTH is no log-in"),
        ({"DUBAN_PROXIES": "nginx.county"}, "DUBAN_PROXIES names something else"),
    ],
)
def test_a_slip_in_the_settings_of_several_machines_is_named(wrong: dict[str, str], said: str) -> None:
    (problem,) = problems_of(wrong)
    assert problem.startswith(said) and "hunter2" not in problem
