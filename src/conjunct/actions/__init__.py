"""What Conjunct does for an installation; each action stands alone."""
