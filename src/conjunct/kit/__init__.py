"""Pure helpers: ids, clock, cron, JSON paths, opaque page tokens. Imports nothing of the rest."""
