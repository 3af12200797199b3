"""The petitions of the benchmark as a Django application on viewflow."""
