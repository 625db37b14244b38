"""The manifest inside an uploaded zip, and the provider definitions beside it. Nothing is unpacked to disk."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

from conjunct.core.problems import Issue
from conjunct.integrations.problems import SourceInvalid

PROVIDERS_FOLDER, DEFINITION, CODE = "providers", "provider.yaml", "quirks.py"
MAX_DEFINITIONS = 50
MAX_DEFINITIONS_BYTES = 5_000_000
MANIFEST_NAME = "amp.yaml"
MAX_MANIFEST_BYTES = 1_000_000
MAX_ENTRIES = 10_000

_REMEDY = f"Zip the folder that holds {MANIFEST_NAME}, without encryption, and upload it again."
# Finder adds this folder beside the one that was zipped.
_IGNORED_FOLDER = "__MACOSX"


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What a deploy takes from an archive: the manifest, and the definitions of providers by their names."""

    manifest: bytes
    definitions: dict[str, str]


def unpack(archive: bytes) -> Unpacked:
    """The `amp.yaml` at the root of a zip or in one folder of it, and each `providers/<name>/provider.yaml` beside it.

    Raises SourceInvalid for a file that is no zip or is damaged, names that lead out of the archive, no manifest or
    several, a file that unpacks to more than 1 MB, whatever size the archive claims, and code of a provider's.
    """
    with _told(), zipfile.ZipFile(io.BytesIO(archive)) as opened:
        entry = _find_manifest(opened)
        found = dict(_definitions(opened, PurePosixPath(_path(entry)).parent))
        return Unpacked(_content(opened, entry, MANIFEST_NAME), found)


def read_manifest(archive: bytes) -> bytes:
    """The manifest alone; raises as `unpack`."""
    return unpack(archive).manifest


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError) as error:
        raise SourceInvalid(f"The upload is not a zip archive, or it is damaged: {error}.", remedy=_REMEDY) from None
    except (RuntimeError, NotImplementedError) as error:
        raise SourceInvalid(f"{MANIFEST_NAME} in the archive cannot be read: {error}.", remedy=_REMEDY) from None


def _content(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> bytes:
    with opened.open(entry) as file:
        content = file.read(MAX_MANIFEST_BYTES + 1)
    if len(content) > MAX_MANIFEST_BYTES:
        raise SourceInvalid(
            f"{name} in the archive is larger than {MAX_MANIFEST_BYTES} bytes.",
            remedy="Split it, or remove what it need not hold.",
        )
    return content


def _definitions(opened: zipfile.ZipFile, root: PurePosixPath) -> Iterator[tuple[str, str]]:
    """Names and texts of the definitions in `providers` beside the manifest."""
    left, number = MAX_DEFINITIONS_BYTES, 0
    for entry in opened.infolist():
        path = PurePosixPath(_path(entry))
        if path.parent.parent != root / PROVIDERS_FOLDER or path.parent.name.startswith("."):
            continue
        place = f"{PROVIDERS_FOLDER}/{path.parent.name}/{path.name}"
        if path.name == CODE:
            raise SourceInvalid(
                f"{place} is code, and code is not taken from a deploy: it would run as Conjunct itself does.",
                remedy="Say it as data, or have the operator put the folder into CONJUNCT_PROVIDERS_DIR.",
                issues=[Issue(place, "code is not taken from a deploy")],
            )
        if path.name != DEFINITION:
            continue
        content = _content(opened, entry, place)
        number, left = number + 1, left - len(content)
        if number > MAX_DEFINITIONS or left < 0:
            most = f"{MAX_DEFINITIONS} provider definitions, or {MAX_DEFINITIONS_BYTES} bytes of them"
            raise SourceInvalid(f"The archive holds more than {most}.", remedy="Deploy those that the manifest names.")
        try:
            yield path.parent.name, content.decode()
        except UnicodeDecodeError:
            raise SourceInvalid(f"{place} is not UTF-8 text.", remedy="Save it as UTF-8.") from None


def _path(entry: zipfile.ZipInfo) -> str:
    return entry.filename.replace("\\", "/")


def _find_manifest(opened: zipfile.ZipFile) -> zipfile.ZipInfo:
    entries = opened.infolist()
    if len(entries) > MAX_ENTRIES:
        raise SourceInvalid(f"The archive has more than {MAX_ENTRIES} entries.", remedy=_REMEDY)
    found: dict[int, list[zipfile.ZipInfo]] = {1: [], 2: []}
    for entry in entries:
        path = PurePosixPath(_path(entry))
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
