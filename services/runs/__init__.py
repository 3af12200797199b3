"""The clock's own record of its runs, and what Prefect's server knows of them."""
