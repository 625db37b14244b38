"""The main job, shown: a simulated HubSpot is read into a webhook on this machine."""

from conjunct.app.demo.client import DemoFailed
from conjunct.app.demo.story import run_demo

__all__ = ["DemoFailed", "run_demo"]
