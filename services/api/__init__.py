"""The service over HTTP: JSON under /api/v1, problem documents for every refusal, and one page for complainants."""
