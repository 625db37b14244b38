"""Parse, validate and compare amp.yaml. No database."""
