"""What the API and the web share: who calls, limits, headers, problem documents."""
