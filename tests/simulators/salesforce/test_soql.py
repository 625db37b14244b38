"""What queries say and find: grammar, every operator, order, children, and refusals that point at the fault."""

from __future__ import annotations

import contextlib
from datetime import date
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conjunct.simulators import SimulatorOptions
from conjunct.simulators.salesforce import ids
from conjunct.simulators.salesforce.database import Database
from conjunct.simulators.salesforce.errors import SalesforceError
from conjunct.simulators.salesforce.org import SALES
from conjunct.simulators.salesforce.org_setup import SETUP
from conjunct.simulators.salesforce.soql import Queries, parse
from conjunct.simulators.salesforce.soql.periods import period
from tests.simulators.conftest import Clock

DATABASE = Database((*SALES, *SETUP), SimulatorOptions(records=300, seed=7, clock=Clock()))
QUERIES = Queries(DATABASE)
RECORDS = DATABASE.records("Contact")
CONTACTS = [RECORDS.values(place) for place in range(RECORDS.count)]


def run(query: str, *, deleted: bool = False) -> list[dict[str, Any]]:
    finding = QUERIES.find(query, deleted=deleted)
    content, count = QUERIES.page(finding, 0, 2000, "/services/data/v60.0")
    records: list[dict[str, Any]] = orjson.loads(b"[%b]" % content)
    assert len(records) == count == finding.total
    return records


def contacts(where: str) -> list[str]:
    return [record["Id"] for record in run(f"SELECT Id FROM Contact WHERE {where}")]


def expected(test) -> list[str]:
    return [record["Id"] for record in CONTACTS if test(record)]


STAMP = CONTACTS[100]["SystemModstamp"]
WRITTEN = STAMP.replace("+0000", "Z")
CONDITIONS = {
    "Title = 'BUYER'": lambda r: r["Title"] == "Buyer",
    "Title != 'buyer'": lambda r: r["Title"] != "Buyer",
    "Title <> 'buyer'": lambda r: r["Title"] != "Buyer",
    "Title IN ('Buyer', 'Founder')": lambda r: r["Title"] in ("Buyer", "Founder"),
    "Title NOT IN ('Buyer','Founder')": lambda r: r["Title"] not in ("Buyer", "Founder"),
    "NOT Title = 'Buyer'": lambda r: r["Title"] != "Buyer",
    "Email LIKE 'ava.%'": lambda r: r["Email"].startswith("ava."),
    "FirstName LIKE '_va'": lambda r: r["FirstName"] == "Ava",
    r"Email LIKE '%\_%'": lambda r: "_" in r["Email"],
    "LastName = 'O\\'Brien'": lambda r: r["LastName"] == "O'Brien",
    "Score__c = null": lambda r: "Score__c" not in r,
    "Score__c != NULL": lambda r: "Score__c" in r,
    "Score__c > 300.5": lambda r: r.get("Score__c", 0) > 300.5,
    "Score__c <= 300": lambda r: "Score__c" in r and r["Score__c"] <= 300,
    "HasOptedOutOfEmail = TRUE": lambda r: r["HasOptedOutOfEmail"],
    "HasOptedOutOfEmail != true": lambda r: not r["HasOptedOutOfEmail"],
    "Birthdate >= 1980-02-03": lambda r: r.get("Birthdate", "") >= "1980-02-03",
    f"SystemModstamp > {WRITTEN}": lambda r: r["SystemModstamp"] > STAMP,
    f"SystemModstamp <= {WRITTEN}": lambda r: r["SystemModstamp"] <= STAMP,
    f"SystemModstamp = {STAMP.replace('+0000', '+00:00')}": lambda r: r["SystemModstamp"] == STAMP,
    "CreatedDate = LAST_N_DAYS:365": lambda r: r["CreatedDate"] >= "2025-06-01",
    "CreatedDate < LAST_N_DAYS:365": lambda r: r["CreatedDate"] < "2025-06-01",
    "CreatedDate = LAST_YEAR": lambda r: r["CreatedDate"] < "2026",
    "Interests__c INCLUDES ('API;Reporting', 'Automation')": lambda r: "Interests__c" in r,
    "Interests__c EXCLUDES ('Automation')": lambda r: r.get("Interests__c") != "Automation",
    "Account.Industry = 'Retail'": lambda r: _account(r)["Industry"] == "Retail",
    "Contact.Account.Owner.Name LIKE 'Ada%'": lambda _r: True,
    "AccountId IN (SELECT Id FROM Account WHERE Industry = 'Retail')": lambda r: _account(r)["Industry"] == "Retail",
    "Title = 'Buyer' AND (FirstName = 'Ava' OR FirstName = 'Ben') AND NOT(Score__c = null)": (
        lambda r: r["Title"] == "Buyer" and r["FirstName"] in ("Ava", "Ben") and "Score__c" in r
    ),
    f"Id = '{CONTACTS[5]['Id'][:15]}'": lambda r: r is CONTACTS[5],
    f"Id IN ('{CONTACTS[9]['Id']}','{CONTACTS[5]['Id']}')": lambda r: r in (CONTACTS[5], CONTACTS[9]),
    "External_Id__c = 'con-7'": lambda r: r is CONTACTS[7],
    "ReportsToId = ''": lambda _r: True,
}


def _account(record: dict[str, Any]) -> dict[str, Any]:
    holder = DATABASE.holder(record["AccountId"])
    assert holder is not None
    return holder[0].values(holder[1])


def test_every_condition_finds_just_the_records_that_it_describes():
    for where, test in CONDITIONS.items():
        assert contacts(where) == expected(test), where
        # The same over few records, which are looked at one by one rather than by columns.
        few = f"External_Id__c IN ('CON-5', 'CON-7', 'CON-9', 'CON-100') AND ({where})"
        assert contacts(few) == [one for one in expected(test) if one in _few()], where


def _few() -> set[str]:
    return {CONTACTS[place]["Id"] for place in (5, 7, 9, 100)}


def test_results_are_ordered_cut_and_counted():
    by_score = [record["Score__c"] for record in run("SELECT Score__c FROM Contact ORDER BY Score__c DESC NULLS LAST")]
    valued = [value for value in by_score if value is not None]
    assert valued == sorted(valued, reverse=True)
    assert by_score[len(valued) :] == [None] * (300 - len(valued))
    assert run("SELECT Score__c FROM Contact ORDER BY Score__c LIMIT 1")[0]["Score__c"] is None
    names = [(r["LastName"], r["FirstName"]) for r in run("SELECT LastName, FirstName FROM Contact "
             "ORDER BY LastName, FirstName DESC LIMIT 20 OFFSET 10")]  # fmt: skip
    pairs = sorted({(r["LastName"], r["FirstName"]) for r in CONTACTS})
    assert len(names) == 20
    assert names == sorted(names, key=lambda pair: (pair[0].casefold(), tuple(-ord(c) for c in pair[1].casefold())))
    assert set(names) <= set(pairs)
    assert QUERIES.find("SELECT COUNT() FROM Contact WHERE Title = 'Buyer'").total == len(
        expected(lambda r: r["Title"] == "Buyer"))  # fmt: skip
    groups = run("SELECT Title, COUNT(Id) many, MAX(Score__c), MIN(Birthdate) FROM Contact GROUP BY Title")
    assert sum(group["many"] for group in groups) == 300
    assert groups[0]["expr0"] == max(
        r["Score__c"] for r in CONTACTS if r["Title"] == groups[0]["Title"] and "Score__c" in r
    )


def test_parents_and_children_are_within_their_record():
    inner = "SELECT Id, Account.Name FROM Contacts WHERE Title != null ORDER BY Id DESC LIMIT 2"
    query = f"SELECT Name, ({inner}), (SELECT Id FROM Cases) FROM Account WHERE External_Id__c = 'ACC-29'"
    (account,) = run(query)
    children = account["Contacts"]
    assert (children["totalSize"], children["done"], len(children["records"])) == (2, True, 2)
    assert [child["Id"] for child in children["records"]] == [CONTACTS[299]["Id"], CONTACTS[298]["Id"]]
    assert children["records"][0]["Account"]["Name"] == account["Name"]
    assert account["Cases"] is None
    (task,) = run("SELECT Who.Name, Who.Type, What.Name, Owner.Email FROM Task LIMIT 1")
    assert (task["Who"]["Type"], task["Who"]["attributes"]["type"]) == ("Contact", "Contact")
    (contact,) = run("SELECT ReportsTo.Name FROM Contact LIMIT 1")
    assert contact["ReportsTo"] is None
    everything = run("SELECT FIELDS(ALL) FROM Contact LIMIT 1")[0]
    custom = run("SELECT FIELDS(CUSTOM), Name FROM Contact LIMIT 1")[0]
    assert custom.keys() == {"attributes", "External_Id__c", "Score__c", "Interests__c", "Name"}
    assert everything.keys() == {"attributes", *(item.name for item in RECORDS.fields.values())}
    standard = run("SELECT FIELDS(STANDARD) FROM Contact")
    assert len(standard) == 300
    history = run("SELECT Field, NewValue, Contact.Name FROM ContactHistory WHERE CreatedDate > 2025-01-01T00:00:00Z")
    assert history[0]["Field"] == "Title"


REFUSALS = {
    "": ("MALFORMED_QUERY", "1:1", "unexpected token: '<EOF>'"),
    "SELECT FROM Contact": ("MALFORMED_QUERY", "1:8", "unexpected token: 'FROM'"),
    "SELECT Id": ("MALFORMED_QUERY", "1:10", "unexpected token: '<EOF>'"),
    "SELECT Id FROM Contact WHERE": ("MALFORMED_QUERY", "1:29", "unexpected token: '<EOF>'"),
    "SELECT Id FROM Contact LIMIT x": ("MALFORMED_QUERY", "1:30", "whole number"),
    "SELECT Id FROM Contact OFFSET 2001": ("MALFORMED_QUERY", "1:31", "maximum SOQL offset"),
    "SELECT Id FROM Contact nonsense more": ("MALFORMED_QUERY", "1:33", "unexpected token: 'more'"),
    "SELECT Id\nFROM Contact\nWHERE Title = 'x": ("MALFORMED_QUERY", "3:15", "unterminated"),
    "SELECT Id FROM Contact WHERE Id = 'a' AND Id = 'b' OR Id = 'c'": ("MALFORMED_QUERY", "1:52", "'OR'"),
    "SELECT Id, Id FROM Contact": ("MALFORMED_QUERY", "1:12", "duplicate field selected: Id"),
    "SELECT FIELDS(ALL) FROM Contact LIMIT 201": ("MALFORMED_QUERY", "1:8", "at most 200"),
    "SELECT Name, COUNT(Id) FROM Contact": ("MALFORMED_QUERY", "1:8", "must be grouped"),
    "SELECT Id, Wings FROM Contact": ("INVALID_FIELD", "1:12", "No such column 'Wings' on entity 'Contact'"),
    "SELECT Id, Wings.Name FROM Contact": ("INVALID_FIELD", "1:12", "Didn't understand relationship 'Wings'"),
    "SELECT Id, Account.Wings FROM Contact": ("INVALID_FIELD", "1:12", "'Wings' on entity 'Account'"),
    "SELECT Id, (SELECT Id FROM Wings) FROM Contact": ("INVALID_TYPE", "1:28", "relationship 'Wings'"),
    "SELECT Id FROM Wings": ("INVALID_TYPE", "1:16", "sObject type 'Wings' is not supported"),
    "SELECT Id FROM Contact WHERE Description = 'x'": ("INVALID_FIELD", "1:30", "can not be filtered"),
    "SELECT Id FROM Contact WHERE Title = 1": ("INVALID_FIELD", "1:38", "should be enclosed in quotes"),
    "SELECT Id FROM Contact WHERE Score__c = '1'": ("INVALID_FIELD", "1:41", "should not be enclosed in quotes"),
    "SELECT Id FROM Contact WHERE CreatedDate > 2025-01-01": ("INVALID_FIELD", "1:44", "must be of type dateTime"),
    "SELECT Id FROM Contact WHERE Birthdate > 2025-02-30": ("MALFORMED_QUERY", "1:42", "Invalid date"),
    "SELECT Id FROM Contact WHERE CreatedDate > SOON": ("MALFORMED_QUERY", "1:44", "unexpected token: 'SOON'"),
    "SELECT Id FROM Contact WHERE Id = 'x'": ("INVALID_QUERY_FILTER_OPERATOR", "1:35", "invalid ID field: x"),
    "SELECT Id FROM Contact WHERE Title INCLUDES ('x')": ("INVALID_QUERY_FILTER_OPERATOR", "1:46", "invalid operator"),
    "SELECT Id FROM Contact ORDER BY MailingAddress": ("INVALID_FIELD", "1:33", "can not be sorted"),
}


def test_a_query_that_makes_no_sense_is_refused_with_a_caret_under_the_fault():
    for query, (code, place, words) in REFUSALS.items():
        with pytest.raises(SalesforceError) as refusal:
            QUERIES.find(query)
        row, column = place.split(":")
        message = refusal.value.message
        assert (refusal.value.status, refusal.value.code) == (400, code), query
        assert f"ERROR at Row:{row}:Column:{column}\n" in message, (query, message)
        assert words in message, query
        lines = message.split("\n")
        assert lines[2].strip() == "^"
        assert lines[1][: len(lines[2]) - 1] == query.split("\n")[int(row) - 1][: int(column) - 1][-60:]


def test_what_a_query_says_is_read_whatever_its_case_and_spacing():
    plain = parse("SELECT Id,Account.Name FROM Contact WHERE Title='a' ORDER BY Id DESC LIMIT 5 OFFSET 2")
    spread = parse("select  Id , Account.Name\nfrom Contact  where Title = 'a' order by Id desc limit 5 offset 2")
    assert (plain.limit, plain.offset, plain.order_by[0].descending) == (5, 2, True)
    assert [item.names for item in plain.items] == [item.names for item in spread.items]  # type: ignore[union-attr]
    assert parse("SELECT Id FROM Contact c USING SCOPE everything WITH SECURITY_ENFORCED FOR VIEW").source == "Contact"


def test_periods_have_a_first_day_and_one_after_the_last():
    today = date(2026, 5, 20)
    for word, count, first, after in (
        ("TODAY", None, "2026-05-20", "2026-05-21"),
        ("YESTERDAY", None, "2026-05-19", "2026-05-20"),
        ("THIS_WEEK", None, "2026-05-17", "2026-05-24"),
        ("LAST_MONTH", None, "2026-04-01", "2026-05-01"),
        ("THIS_QUARTER", None, "2026-04-01", "2026-07-01"),
        ("NEXT_YEAR", None, "2027-01-01", "2028-01-01"),
        ("LAST_90_DAYS", None, "2026-02-19", "2026-05-21"),
        ("LAST_N_DAYS", 7, "2026-05-13", "2026-05-21"),
        ("NEXT_N_DAYS", 2, "2026-05-21", "2026-05-23"),
        ("LAST_N_MONTHS", 2, "2026-03-01", "2026-05-01"),
        ("N_DAYS_AGO", 3, "2026-05-17", "2026-05-18"),
    ):
        found = period(word, count, today)
        assert found is not None, word
        assert [day.isoformat() for day in found] == [first, after], word
    assert period("LAST_N_DAYS", None, today) is None
    assert period("TODAY", 1, today) is None


def test_ids_keep_their_case_in_three_characters_more():
    assert ids.lengthen("001D000000IqhSL") == "001D000000IqhSLIAZ"
    assert ids.normalise("001D000000IqhSL".lower() + "iaz") == "001D000000IqhSLIAZ"
    assert ids.normalise("001D000000IqhSLBAA") is None
    assert ids.normalise("001D000000Iqh-L") is None
    assert all(RECORDS.place(RECORDS.record_id(place)) == place for place in range(RECORDS.count))
    assert [record["Id"] for record in CONTACTS] == sorted(record["Id"] for record in CONTACTS)


WORDS = """
    SELECT Id Name FROM Contact Account.Name WHERE AND OR NOT IN LIKE = != < > ( ) , 'a' '%' 1 -2.5 null true 2025-01-01
    2025-01-01T00:00:00Z LAST_N_DAYS : 7 ORDER BY DESC NULLS LAST LIMIT OFFSET COUNT FIELDS ALL GROUP MAX Score__c
    MailingAddress Birthdate HasOptedOutOfEmail AccountId Contacts INCLUDES Interests__c
"""


@given(st.lists(st.sampled_from(WORDS.split()), max_size=14), st.booleans())
def test_whatever_a_query_says_it_finds_something_or_is_refused(words, complete):
    query = " ".join(words)
    with contextlib.suppress(SalesforceError):
        run(f"SELECT Id FROM Contact WHERE {query}" if complete else query)
