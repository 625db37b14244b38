"""What a provider definition is, and the engine that runs one."""
