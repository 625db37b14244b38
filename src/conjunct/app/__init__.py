"""Composition root: wires settings, database, queue and slices into the API, the worker and `up`."""
