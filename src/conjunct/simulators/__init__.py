"""Offline stand-ins of providers' APIs to build and test against. Import only kit."""
