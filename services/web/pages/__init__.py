"""The pages: each module has a `router`, which the application finds by itself."""
