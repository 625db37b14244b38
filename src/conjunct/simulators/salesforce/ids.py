"""Record ids: a key prefix that tells the object, a number in base 62, and three characters that keep the case safe."""

from __future__ import annotations

from functools import lru_cache

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_CAPITALS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_POD = "5e0"
_NUMBER_LENGTH = 9
_SHORT = 15
_LONG = 18


def make(prefix: str, number: int) -> str:
    """The id of 18 characters of the `number`th record of the object with this key prefix."""
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = _DIGITS[rest] + digits
    return lengthen(f"{prefix}{_POD}{digits:0>{_NUMBER_LENGTH}}")


def number(record_id: str, prefix: str) -> int | None:
    """The number within an id of 18 characters, or None when it is not one of this object's."""
    if not record_id.startswith(prefix + _POD):
        return None
    value = 0
    for digit in record_id[_SHORT - _NUMBER_LENGTH : _SHORT]:
        value = value * 62 + _VALUES[digit]
    return value


def lengthen(short: str) -> str:
    """The id of 18 characters of one of 15: each added character tells which of five are capital letters."""
    return short + _checksum(short[:5]) + _checksum(short[5:10]) + _checksum(short[10:])


@lru_cache(maxsize=4096)
def _checksum(five: str) -> str:
    # Kept, because every reference in every record comes through here.
    return _CHECKSUM[sum(1 << place for place, letter in enumerate(five) if letter in _CAPITALS)]


def normalise(text: str) -> str | None:
    """The id of 18 characters that `text` (15, or 18 in whatever case) stands for, or None when it is no id."""
    if len(text) not in (_SHORT, _LONG) or not all(letter in _VALUES for letter in text):
        return None
    if len(text) == _SHORT:
        return lengthen(text)
    suffix = text[_SHORT:].upper()
    if not all(letter in _CHECKSUM for letter in suffix):
        return None
    short = "".join(
        letter.upper() if _CHECKSUM.index(suffix[place // 5]) >> place % 5 & 1 else letter.lower()
        for place, letter in enumerate(text[:_SHORT])
    )
    restored = lengthen(short)
    return restored if restored[_SHORT:] == suffix else None
