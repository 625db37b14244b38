"""Checks of what holds for thousands of installations at once."""
