"""One run of an action: its status, progress and logs."""
