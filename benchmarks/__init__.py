"""Measurements of the budgets, each beside a bare baseline taken in the same run."""
