"""What a process works with: its settings, its database, its keys."""

from dataclasses import dataclass
from functools import cache

from config.settings import Settings, load_settings
from services.db.session import Database
from services.identity.sealing import Vault


@dataclass(frozen=True, slots=True)
class Runtime:
    """Handed down from the edges; tests make their own."""

    settings: Settings
    database: Database
    vault: Vault


def make_runtime(settings: Settings) -> Runtime:
    """Open database and vault. The first start makes the key file in the data folder.

    A file elsewhere was named by someone and must exist (`SecretFileUnusable`): a slip in its name must not
    seal new texts with a key that nobody keeps.
    """
    own = settings.secret_file == settings.home / "secret.key"
    vault = Vault.create_if_missing(settings.secret_file) if own else Vault(settings.secret_file)
    return Runtime(settings, Database(settings.database_url), vault)


@cache
def runtime() -> Runtime:
    """The runtime of this process, from its environment. Raises `BadSettings`, `SecretFileUnusable`."""
    return make_runtime(load_settings())
