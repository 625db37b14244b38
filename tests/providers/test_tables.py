"""Tables of Salesforce's Bulk API: what is in them is a record as JSON holds it, or the table is malformed."""

from __future__ import annotations

from collections import Counter
from random import Random

import orjson
import pytest

from conjunct.connectors.errors import MalformedAnswer
from conjunct.providers.salesforce.tables import Table

TYPES = {"name": "string", "amount": "currency", "n": "int", "b": "boolean", "d": "datetime", "l": "long"}
TABLE = Table("Account", "", ("Id", "Name", "Amount", "N", "B", "D", "L"), {}, TYPES)
ROWS = '"Id","Name","Amount","N","B","D","L"\n"1","Ada ""L""\n","1.5","7","true","2026-01-01T00:00:00.000Z","-3"\n'
WRONG = [
    "NaN",
    "inf",
    "-1e400",
    "9" * 25,
    "9" * 5000,
    "\0",
    "\u0663",
    "1_000",
    " 7",
    '"',
    "\r",
    "\n",
    ",",
    "x" * 200_000,
]


@pytest.mark.parametrize(
    ("amount", "number", "told"),
    [
        ("1.5", "7.0", (1.5, 7)),
        ("", "", (None, None)),
        ("1e400", str(2**53 + 1), ("1e400", 2**53 + 1)),
        ("-2", "9" * 25, (-2.0, "9" * 25)),
    ],
)
def test_numbers_are_kept_whatever_their_size(amount: str, number: str, told: tuple[object, object]) -> None:
    [record] = TABLE.entries(f"Amount,L\n{amount},{number}\n".encode())
    assert (record["Amount"], record["L"]) == told


def test_a_table_with_something_wrong_in_it_gives_records_or_is_malformed() -> None:
    dice, seen = Random(1), Counter[str]()
    for _ in range(1500):
        text = ROWS
        for _ in range(dice.randint(1, 2)):
            place = dice.randrange(len(text) + 1)
            text = text[:place] + dice.choice(WRONG) + text[place + dice.choice((0, 0, 1, 3)) :]
        body = text.encode()[: dice.choice((None, None, None, dice.randint(0, 80)))]
        try:
            seen["records"] += len(orjson.loads(orjson.dumps(list(TABLE.entries(body)))))
        except MalformedAnswer:
            seen["malformed"] += 1
    assert seen["records"] > 300
    assert seen["malformed"] > 300
