"""Every table, for migrations and for tests that make them all."""


def all_models() -> None:
    """Import every module that declares tables, so that `Base.metadata` knows them."""
    import services.administration.models
    import services.engine.aside
    import services.engine.models
    import services.identity.models
    import services.ledgers.models
    import services.notifications.attention
    import services.runs.models
    import services.runs.timekeeping
    import services.sampling.models
    import services.scoring.models  # noqa: F401
