"""What is told of writes: who was written, who was not, and where nobody knows."""

from __future__ import annotations

from conjunct.actions.write.telling import WriteOutcome
from conjunct.connectors import WriteFault, Written

DONE = Written("done", "7", {"Name": "Ada"})
UNKNOWN = Written("unknown", "8", faults=(WriteFault("no answer in 60 s"),))
REFUSED = Written("refused", faults=(WriteFault("no name"), WriteFault("no name"), WriteFault("no mail")))


def test_a_batch_that_was_interrupted():
    told = WriteOutcome("create", True, [DONE, UNKNOWN, REFUSED, Written("untried"), Written("untried")], "no answer")
    answer = told.answer("op").model_dump(by_alias=True, exclude_none=True)
    assert (answer["successCount"], answer["failureCount"], told.succeeded) == (1, 4, True)
    assert answer["results"][:2] == [{"success": True, "data": {"Name": "Ada"}, "recordId": "7"}, {"success": False}]
    assert [each["message"] for each in answer["errors"]] == [
        "record 1: It is not known whether it was written; it is not tried again by itself. no answer in 60 s",
        "record 2: no name; no mail",
        "records 3, 4: no answer",
    ]
    assert told.summary("contacts") == "[contacts] create: 1 of 5 done"
    lines = told.log_lines()
    assert [(line.severity, line.error) for line in lines] == [
        ("WARNING", "no answer"),
        ("ERROR", "no answer in 60 s"),
        ("ERROR", "no name; no mail"),
        ("ERROR", "it was not tried"),
        ("ERROR", "it was not tried"),
    ]
    assert lines[1].details == {"record": "1", "state": "unknown", "id": "8"}


def test_a_single_record():
    told = WriteOutcome("create", False, [UNKNOWN], "no answer in 60 s")
    answer = told.answer("op").model_dump(by_alias=True, exclude_none=True)
    [error] = answer["errors"]
    assert error["message"].startswith("It is not known whether it was written")
    assert answer["result"] == {"success": False}
    assert told.summary("contacts") == f"[contacts] {error['message']}"
    deleted = WriteOutcome("delete", False, [DONE]).answer("op").model_dump(by_alias=True, exclude_none=True)
    assert deleted == {"operationId": "op", "result": {"success": True}}


def test_of_many_failures_the_log_has_the_first():
    told = WriteOutcome("update", True, [REFUSED] * 100)
    assert len(told.log_lines()) == 21
    errors = told.answer("op").model_dump(by_alias=True, exclude_none=True)["errors"]
    assert errors == [{"message": "no name; no mail"}]
