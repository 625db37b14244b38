"""Orgs, projects, API keys, groups, consumers, and who may do what."""
