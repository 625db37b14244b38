"""Revisions that this process has read lately. They never change, so that they cannot be stale."""

from __future__ import annotations

from collections import OrderedDict

from conjunct.integrations.changes import Revision

_SIZE = 1000


class RevisionCache:
    """The revisions used last, by project and id."""

    def __init__(self, size: int = _SIZE) -> None:
        self._size = size
        self._known: OrderedDict[tuple[str, str], Revision] = OrderedDict()

    def get(self, project_id: str, revision_id: str) -> Revision | None:
        """The revision, if it is remembered."""
        found = self._known.get((project_id, revision_id))
        if found is not None:
            self._known.move_to_end((project_id, revision_id))
        return found

    def put(self, revision: Revision) -> None:
        """Remember a revision, in place of the one not used for longest."""
        self._known[(revision.project_id, revision.id)] = revision
        while len(self._known) > self._size:
            self._known.popitem(last=False)
