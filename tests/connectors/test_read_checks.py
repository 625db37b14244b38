"""Faults of what is said of reading: each told where it is, in words that help."""

from __future__ import annotations

import pytest

from conjunct.connectors import InvalidDefinition, load_definition

from .scripted import definition

READ = """
    request: {path: "/{object}"}
"""
BATCH = 'request: {path: /x, query: {a: "{ids|csv}"}}'


def faults(objects: str) -> list[tuple[str | None, str]]:
    try:
        load_definition(definition(objects, read=READ))
    except InvalidDefinition as invalid:
        return [(issue.name, issue.detail) for issue in invalid.issues]
    return []


@pytest.mark.parametrize(
    ("read", "at", "words"),
    [
        ("parent: {object: boards}", "parent", "{parent_id}"),
        ('request: {path: "/{parent_id}"}', "request.path", "no variable 'parent_id'"),
        ('request: {path: "/{parent_id}"}, parent: {object: none}', "parent.object", "no object 'none'"),
        ('request: {path: "/{parent_id}"}, parent: {object: idless}', "parent.object", "have no ids"),
        ('request: {path: "/{parent_id}"}, parent: {object: things}', "parent.object", "things → things"),
        ('request: {path: "/{parent_id}"}, parent: {object: circle}', "parent.object", "things → circle → things"),
        ('request: {path: "/{parent_id}"}, parent: {object: boards, bounded: true}', "parent.bounded", "what changed"),
        ('request: {path: "/{a}"}, parent: {object: boards, take: {a: b..c}}', "parent.take.a", "not a path"),
        ("hydrate: {request: {path: /x}}", "hydrate.request", "{id}"),
        ('hydrate: {request: {path: "/{id}{no}"}}', "hydrate.request.path", "no variable 'no'"),
        ('id: "", hydrate: {request: {path: "/{id}"}}', "hydrate", "no ids"),
        ('custom_fields: {at: ""}', "custom_fields.at", "definitions"),
        ('custom_fields: {at: "", definitions: {request: {path: "/{no}"}}}', "definitions.request.path", "no variable"),
        ("page: {style: cursor, header: X}", "page.style", "{cursor}"),
        ("page: {style: next_url}", "page", "'at' or 'header'"),
        ("page: {style: next_url, at: a, header: X}", "page.header", "either"),
        ("page: {style: keyset, header: X, from_last: id}", "page.header", "reads no header"),
        ("page: {style: link_header, restart: {when_page_ge: 2, var: v, from: a}}", "page.restart", "can begin anew"),
        ("page: {style: page, restart: {when_cursor_ge: 2, var: v, from: a}}", "page.restart", "'when_page_ge'"),
        ("page: {style: page, restart: {when_page_ge: 2, var: since, from: a}}", "page.restart.var", "'format'"),
    ],
)
def test_reads(read: str, at: str, words: str):
    objects = f"""  things: {{read: {{{read}}}}}
  boards: {{}}
  idless: {{read: {{id: ""}}}}
  circle: {{read: {{parent: {{object: things}}, request: {{path: "/{{parent_id}}"}}}}}}
"""
    own = [(place, detail) for place, detail in faults(objects) if str(place).startswith("objects.things")]
    assert any(
        str(place).endswith(f"read.{at}") or str(place).endswith(at) for place, detail in own if words in detail
    ), own


@pytest.mark.parametrize(
    ("section", "at", "words"),
    [
        ("by_ids: {request: {path: /x}}", "by_ids.request", "either {ids}"),
        ('by_ids: {request: {path: "/{id}", query: {a: "{ids}"}}}', "by_ids.request", "either {ids}"),
        ('by_ids: {request: {path: "/{since}"}}', "by_ids.request.path", "no variable 'since'"),
        ('read: {id: ""}, by_ids: {request: {path: "/{id}"}}', "by_ids", "no ids"),
        ("associations: {a: {}}", "associations.a", "either 'in_record' or 'request'"),
        (f"associations: {{a: {{in_record: {{at: x}}, request: {{{BATCH}}}}}}}", "associations.a", "either"),
        ("associations: {a: {in_record: {at: x..y}}}", "associations.a.in_record.at", "not a path"),
        ('associations: {a: {in_record: {at: x, fields: ["{no}"]}}}', "a.in_record.fields.0", "no variable 'no'"),
        (f"associations: {{a: {{request: {{{BATCH}}}}}}}", "associations.a.request", "'from'"),
        ("associations: {a: {request: {request: {path: /x}}}}", "associations.a.request.request", "either {ids}"),
        (
            'read: {parent: {object: o}, request: {path: "/{parent_id}"}}, count: {via: read, at: n}',
            "count.via",
            "parents",
        ),
        ("schema: {source: [describe, sample]}", "schema", "needs a request"),
        ("schema: {source: [sample, sample]}", "schema.source", "each source once"),
        ("schema: {source: []}", "schema.source", "each source once"),
        ("schema: {source: [sample, static], request: {path: /x}}", "schema.request", "no request of its own"),
        ("schema: {source: introspection, request: {path: /x}}", "schema", "graphql_type"),
        ('schema: {source: introspection, request: {path: /x}, graphql_type: "{no}"}', "graphql_type", "no variable"),
        ("schema: {options_of: {a: {request: {path: /x}, at: b..c}}}", "options_of.a.at", "not a path"),
        ("schema: {writable_at: [b..c]}", "writable_at.0", "not a path"),
        ("schema: {source: describe, request: {path: /x}, page: {style: page}}", "schema.page.style", "{page}"),
    ],
)
def test_other_sections(section: str, at: str, words: str):
    told = faults(f"  things: {{{section}}}\n  o: {{}}\n")
    assert any(str(place).endswith(at) and words in detail for place, detail in told), told


def test_what_is_right_has_no_faults():
    objects = """
  boards: {}
  things:
    read:
      parent: {object: boards}
      request: {path: "/{parent_id}", query: {w: "{where}", page: "{page}"}}
      where: {terms: ["after {mark}"]}
      page: {style: page, restart: {when_page_ge: 5, var: mark, from: id}}
      hydrate: {request: {path: "/{parent_id}/{id}"}}
    count: {request: {path: /count}, at: n}
    by_ids: {request: {path: /batch, method: POST, body: {ids: {$list: ids}}}}
    associations: {others: {request: {request: {path: "/{parent_id}/{id}/{other}"}}}}
"""
    assert faults(objects) == []
