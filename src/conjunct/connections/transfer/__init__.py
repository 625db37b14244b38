"""Connections in bulk: taken out with their credentials, and brought in from here or from elsewhere."""
