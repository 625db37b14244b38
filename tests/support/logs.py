"""How tests log, where a test has not chosen otherwise."""

from __future__ import annotations

import structlog


def log_plainly() -> None:
    """Log for people, without what structlog does by default: tracebacks with every local variable, seconds each."""
    structlog.reset_defaults()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )
