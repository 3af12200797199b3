"""`duban serve`."""


def serve() -> None:
    """Run web, clock and Prefect server until told to end."""
    from config.settings import load_settings
    from services.cli.edge import migrated_runtime
    from services.serving.serve import serve as run

    migrated_runtime().database.close()
    run(load_settings())
