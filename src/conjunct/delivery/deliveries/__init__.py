"""Deliveries as a builder sees and steers them: what became of every message, and how to have it sent again."""
