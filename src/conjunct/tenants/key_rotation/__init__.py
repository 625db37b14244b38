"""Rotation of master keys and data keys while everything runs: resumable jobs on the queue, and what they are up to."""

from conjunct.tenants.key_rotation.jobs import ROTATE, SWEEP, ensure_sweep
from conjunct.tenants.key_rotation.problems import KeyRotationRunning
from conjunct.tenants.key_rotation.repository import Rotation
from conjunct.tenants.key_rotation.service import KeyRotations, KeyStatus

__all__ = ["ROTATE", "SWEEP", "KeyRotationRunning", "KeyRotations", "KeyStatus", "Rotation", "ensure_sweep"]
