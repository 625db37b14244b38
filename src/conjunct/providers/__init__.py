"""One folder a provider: its definition as data, rarely quirks beside it."""
