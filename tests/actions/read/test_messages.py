"""How entries become messages."""

import json

from hypothesis import given
from hypothesis import strategies as st

from conjunct.actions.read.messages import MAX_BYTES, Envelope, Large, pack
from conjunct.delivery import Message

OPERATION = "0192f0c1-0000-7000-8000-000000000001"
ENVELOPE = Envelope("p", "d", OPERATION, b'{"projectId":"p",')


def entries(*sizes: int) -> list[dict[str, object]]:
    return [{"fields": {"n": n}, "raw": {"text": "x" * size}} for n, size in enumerate(sizes)]


def test_a_small_page_is_one_message() -> None:
    [message] = pack(ENVELOPE, 3, entries(10, 10))
    assert isinstance(message, Message)
    assert message.id.startswith(f"msg_{OPERATION.replace('-', '')}_3_0_")
    assert message.records == 2
    body = json.loads(message.body)
    assert body["projectId"] == "p"
    assert body["resultInfo"] == {"type": "inline", "numRecords": 2}
    assert [entry["fields"]["n"] for entry in body["result"]] == [0, 1]


def test_an_empty_page_makes_no_message() -> None:
    assert list(pack(ENVELOPE, 0, [])) == []


def test_a_record_above_the_limit_goes_apart_and_the_others_keep_their_order() -> None:
    packed = list(pack(ENVELOPE, 0, entries(10, MAX_BYTES, 10)))
    large = [each for each in packed if isinstance(each, Large)]
    assert [json.loads(each.content)[0]["fields"]["n"] for each in large] == [1]
    inline = [each for each in packed if isinstance(each, Message)]
    assert [entry["fields"]["n"] for each in inline for entry in json.loads(each.body)["result"]] == [0, 2]


def test_a_long_page_becomes_full_messages_in_its_order() -> None:
    packed = [each for each in pack(ENVELOPE, 0, entries(*[4_000] * 130)) if isinstance(each, Message)]
    assert [each.records for each in packed] == [74, 56]  # as many of 4 kB as fit
    assert [entry["fields"]["n"] for each in packed for entry in json.loads(each.body)["result"]] == list(range(130))


def test_a_long_page_becomes_messages_of_so_many_records() -> None:
    packed = [each for each in pack(ENVELOPE, 0, entries(*[10] * 130), at_most=60) if isinstance(each, Message)]
    assert [each.records for each in packed] == [60, 60, 10]


@given(st.lists(st.integers(0, MAX_BYTES + 1000), max_size=12))
def test_no_message_is_too_large_and_no_record_is_lost(sizes: list[int]) -> None:
    packed = list(pack(ENVELOPE, 0, entries(*sizes)))
    found = []
    for each in packed:
        if isinstance(each, Large):
            found += [entry["fields"]["n"] for entry in json.loads(each.content)]
        else:
            assert len(each.body) <= MAX_BYTES
            body = json.loads(each.body)
            assert body["resultInfo"]["numRecords"] == len(body["result"]) == each.records
            found += [entry["fields"]["n"] for entry in body["result"]]
    assert sorted(found) == list(range(len(sizes)))
    ids = [each.message_id if isinstance(each, Large) else each.id for each in packed]
    assert len(set(ids)) == len(ids)


def ids(page: int, entries: list[dict[str, object]]) -> list[str]:
    return [each.message_id if isinstance(each, Large) else each.id for each in pack(ENVELOPE, page, entries)]


def test_a_repeat_has_the_same_ids() -> None:
    assert ids(7, entries(*[100_000] * 5)) == ids(7, entries(*[100_000] * 5))


def test_other_records_at_the_same_place_have_another_id() -> None:
    assert ids(7, entries(10)) != ids(7, entries(11))
    assert ids(7, entries(MAX_BYTES)) != ids(7, entries(MAX_BYTES + 1))


def test_the_same_records_at_another_place_have_another_id() -> None:
    assert ids(7, entries(10)) != ids(8, entries(10))
