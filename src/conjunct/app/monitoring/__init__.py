"""What an operator watches: metrics and signs of life of this process, and what the whole platform has to do."""

from conjunct.app.monitoring.endpoint import router
from conjunct.app.monitoring.monitor import Monitor, traced, watched

__all__ = ["Monitor", "router", "traced", "watched"]
