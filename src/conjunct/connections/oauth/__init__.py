"""Connecting by OAuth in the browser: where customers are sent, and what happens when they come back."""
