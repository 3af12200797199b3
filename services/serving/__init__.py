"""One machine: the web, the clock and a sibling Prefect server, started and watched by one process."""
