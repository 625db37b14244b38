"""Customers' credentials for providers: make, keep, use, change."""
