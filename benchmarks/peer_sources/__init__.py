"""The same backfill written for other engines, each as its own documentation shows; run with their own interpreters."""
