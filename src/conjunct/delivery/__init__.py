"""Messages to the builder's destinations: attempts, retries, held and replayed messages."""
