"""What key rotations are refused for."""

from conjunct.core.problems import Conflict


class KeyRotationRunning(Conflict):
    """The projects' data keys are being rotated already."""

    slug = "key-rotation-running"
    title = "A rotation of data keys is running"
