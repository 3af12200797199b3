"""The procedures there are, read from their folder: no test keeps a list of its own."""

import pkgutil

import statemachines

ON_DISK = frozenset(module.name for module in pkgutil.iter_modules(statemachines.__path__) if not module.ispkg)
