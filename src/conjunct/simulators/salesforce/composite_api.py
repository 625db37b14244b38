"""Several requests in one: composite (with references), batch, and trees of records."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.salesforce import errors
from conjunct.simulators.salesforce.bodies import check_count, flag, json_answer, read_object, read_objects, text_in
from conjunct.simulators.salesforce.database import Database
from conjunct.simulators.salesforce.dispatching import Dispatcher
from conjunct.simulators.salesforce.errors import SalesforceError
from conjunct.simulators.salesforce.writing import Writer

_MAX_REQUESTS = 25
_REFERENCE = re.compile(r"@\{(\w+)((?:\.\w+|\[\d+\])*)\}")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_HALTED = {
    "errorCode": "PROCESSING_HALTED",
    "message": "The transaction was rolled back since another operation in the same transaction failed.",
}


class CompositeApi:
    """Answers `/composite`, `/composite/batch` and `/composite/tree`."""

    def __init__(self, database: Database, writer: Writer, inner: Sequence[Route]) -> None:
        self._database = database
        self._writer = writer
        self._dispatcher = Dispatcher(inner)

    def routes(self, root: str) -> Sequence[Route]:
        """The routes below `root`."""
        return (
            Route("POST", f"{root}/composite", self.composite),
            Route("POST", f"{root}/composite/batch", self.batch),
            Route("POST", f"{root}/composite/tree/{{object}}", self.tree),
        )

    def composite(self, call: Call) -> Answer:
        """Requests in order; a later one may use what an earlier one answered."""
        body = read_object(call.body)
        requests = _requests(body, "compositeRequest")
        all_or_none = flag(body.get("allOrNone"))
        results: list[dict[str, Any]] = []
        with self._database.all_or_none(wanted=all_or_none) as transaction:
            answered: dict[str, Any] = {}
            for request in requests:
                result = self._composite(call, request, answered)
                answered[result["referenceId"]] = result["body"]
                results.append(result)
                if all_or_none and result["httpStatusCode"] >= 400:
                    transaction.failed = True
                    break
        if transaction.failed:
            results = _halted(requests, results[-1])
        return json_answer({"compositeResponse": results})

    def batch(self, call: Call) -> Answer:
        """Requests that have nothing to do with one another."""
        body = read_object(call.body)
        halt = flag(body.get("haltOnError"))
        results: list[dict[str, Any]] = []
        failed = False
        for request in _requests(body, "batchRequests"):
            if failed and halt:
                refusal = [{"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted by request"}]
                results.append({"statusCode": 412, "result": refusal})
                continue
            url = text_in(request, "url")
            answer = self._answer(call, request, f"/services/data/{url.lstrip('/')}", request.get("richInput"))
            failed = failed or answer.status >= 400
            results.append({"statusCode": answer.status, "result": _content(answer)})
        return json_answer({"hasErrors": failed, "results": results})

    def tree(self, call: Call) -> Answer:
        """Records with their children, all or none."""
        items = read_objects(read_object(call.body), "records")
        created: list[dict[str, str]] = []
        faults: list[dict[str, Any]] = []
        with self._database.all_or_none() as transaction:
            self._grow(call.params["object"], items, {}, created, faults)
            check_count([*created, *faults])
            transaction.failed = bool(faults)
        if faults:
            return json_answer({"hasErrors": True, "results": faults}, 400)
        return json_answer({"hasErrors": False, "results": created}, 201)

    def _grow(
        self,
        object_name: str,
        items: Sequence[Any],
        parent: Mapping[str, str],
        created: list[dict[str, str]],
        faults: list[dict[str, Any]],
    ) -> None:
        records = self._database.records(object_name, 400)
        relations = {name: (other, item) for name, other, item in self._database.children(records)}
        for item in items:
            attributes = item.get("attributes") if isinstance(item, dict) else None
            reference = attributes.get("referenceId") if isinstance(attributes, dict) else None
            if not isinstance(reference, str):
                raise errors.invalid("INVALID_INPUT", "Include a reference ID for each record in the request.")
            plain = {name: value for name, value in item.items() if name not in relations}
            try:
                record_id = self._writer.create(records, {**plain, **parent})
            except SalesforceError as fault:
                faults.append({"referenceId": reference, "errors": [fault.to_result()]})
                continue
            created.append({"referenceId": reference, "id": record_id})
            for name in item.keys() & relations.keys():
                other, key = relations[name]
                inner = item[name].get("records") if isinstance(item[name], dict) else None
                if not isinstance(inner, list):
                    raise errors.json_fault(f"The value of '{name}' must be an object with records")
                self._grow(other.kind.name, inner, {key.name: record_id}, created, faults)

    def _composite(self, call: Call, request: dict[str, Any], answered: Mapping[str, Any]) -> dict[str, Any]:
        reference = text_in(request, "referenceId")
        try:
            url = _filled_text(text_in(request, "url"), answered, escape=True)
            answer = self._answer(call, request, url, _filled(request.get("body"), answered))
        except SalesforceError as fault:
            answer = fault.answer()
        return {
            "body": _content(answer),
            "httpHeaders": {},
            "httpStatusCode": answer.status,
            "referenceId": reference,
        }

    def _answer(self, call: Call, request: Mapping[str, Any], url: str, body: Any) -> Answer:
        given = request.get("httpHeaders")
        headers = {str(name): str(value) for name, value in given.items()} if isinstance(given, dict) else {}
        encoded = b"" if body is None else orjson.dumps(body)
        return self._dispatcher.answer(call, text_in(request, "method").upper(), url, encoded, headers)


def _requests(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    requests = read_objects(body, name)
    if len(requests) > _MAX_REQUESTS:
        message = f"The request cannot contain more than {_MAX_REQUESTS} operations"
        raise SalesforceError(400, "REQUEST_LIMIT_EXCEEDED", message)
    return requests


def _halted(requests: Sequence[dict[str, Any]], failed: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers of a composite that was rolled back: one tells the fault, the others that they were stopped."""
    return [
        failed
        if request["referenceId"] == failed["referenceId"]
        else {"body": [_HALTED], "httpHeaders": {}, "httpStatusCode": 400, "referenceId": request.get("referenceId")}
        for request in requests
    ]


def _content(answer: Answer) -> Any:
    return orjson.loads(answer.body) if answer.body else None


def _filled(value: Any, answered: Mapping[str, Any]) -> Any:
    """A body with what its references stand for."""
    if isinstance(value, dict):
        return {name: _filled(item, answered) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, answered) for item in value]
    return _filled_text(value, answered, escape=False) if isinstance(value, str) else value


def _filled_text(text: str, answered: Mapping[str, Any], *, escape: bool) -> str:
    def replace(match: re.Match[str]) -> str:
        value = answered.get(match[1])
        for name, place in _STEP.findall(match[2]):
            if name and isinstance(value, dict):
                value = value.get(name)
            elif place and isinstance(value, list) and int(place[:9]) < len(value):
                value = value[int(place[:9])]
            else:
                value = None
        if not isinstance(value, str | int | float):
            raise errors.invalid(
                "PROCESSING_HALTED", f"Invalid reference specified. No value for {match[0][2:-1]} found"
            )
        return quote(str(value), safe="") if escape else str(value)

    return _REFERENCE.sub(replace, text)
