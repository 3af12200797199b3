"""What the engine works with: procedures and policies, the vault, the working calendar."""

from dataclasses import dataclass
from functools import cache

from config.calendar import WorkingCalendar
from config.packs import load_pack
from services.engine.registry import Registry
from services.identity.sealing import Vault
from services.runtime import Runtime


@dataclass(frozen=True)
class Engine:
    """One per process; holds nothing that changes between requests."""

    registry: Registry
    vault: Vault
    calendar: WorkingCalendar

    @classmethod
    def of(cls, pack_key: str, vault: Vault) -> "Engine":
        """Read and check a pack; raise BadPack or BadDeclarations with everything that is wrong."""
        pack = load_pack(pack_key)
        return cls(Registry(pack, vault), vault, WorkingCalendar(pack.calendar))


@cache
def engine_for(runtime: Runtime) -> Engine:
    """Return the engine of this process's pack."""
    return Engine.of(runtime.settings.pack, runtime.vault)
