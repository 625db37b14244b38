"""The manifest inside an uploaded zip. Nothing is unpacked to disk."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import PurePosixPath

from conjunct.integrations.problems import SourceInvalid

MANIFEST_NAME = "amp.yaml"
MAX_MANIFEST_BYTES = 1_000_000
MAX_ENTRIES = 10_000

_REMEDY = f"Zip the folder that holds {MANIFEST_NAME}, without encryption, and upload it again."
# Finder adds this folder beside the one that was zipped.
_IGNORED_FOLDER = "__MACOSX"


def read_manifest(archive: bytes) -> bytes:
    """The bytes of `amp.yaml` at the root of a zip or in one folder of it.

    Raises SourceInvalid for a file that is no zip or is damaged, names that lead out of the archive, no manifest or
    several, and a manifest that unpacks to more than 1 MB, whatever size the archive claims.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            entry = _find_manifest(opened)
            with opened.open(entry) as file:
                content = file.read(MAX_MANIFEST_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError) as error:
        raise SourceInvalid(f"The upload is not a zip archive, or it is damaged: {error}.", remedy=_REMEDY) from None
    except (RuntimeError, NotImplementedError) as error:
        raise SourceInvalid(f"{MANIFEST_NAME} in the archive cannot be read: {error}.", remedy=_REMEDY) from None
    if len(content) > MAX_MANIFEST_BYTES:
        raise SourceInvalid(
            f"{MANIFEST_NAME} in the archive is larger than {MAX_MANIFEST_BYTES} bytes.",
            remedy="Split it, or remove what it need not hold.",
        )
    return content


def _find_manifest(opened: zipfile.ZipFile) -> zipfile.ZipInfo:
    entries = opened.infolist()
    if len(entries) > MAX_ENTRIES:
        raise SourceInvalid(f"The archive has more than {MAX_ENTRIES} entries.", remedy=_REMEDY)
    found: dict[int, list[zipfile.ZipInfo]] = {1: [], 2: []}
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            raise SourceInvalid(f"The archive holds a name that leads out of it: {entry.filename!r}.", remedy=_REMEDY)
        if path.name == MANIFEST_NAME and len(path.parts) in found and path.parts[0] != _IGNORED_FOLDER:
            found[len(path.parts)].append(entry)
    candidates = found[1] or found[2]
    if not candidates:
        raise SourceInvalid(
            f"There is no {MANIFEST_NAME} in the archive.",
            remedy=f"Put {MANIFEST_NAME} at the root of the archive or in one folder of it.",
        )
    if len(candidates) > 1:
        names = ", ".join(entry.filename for entry in candidates[:5])
        raise SourceInvalid(f"The archive holds several manifests: {names}.", remedy="Upload one manifest at a time.")
    return candidates[0]
