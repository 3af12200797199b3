"""Replay: walks a foreign event log through the engine, under the log's own clock, into a database of its own."""
