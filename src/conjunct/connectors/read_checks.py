"""What the models cannot check of reading: variables, paths, parents that lead round in a circle, what needs ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conjunct.connectors.check_parts import (
    CONDITIONS,
    ITEM_VARIABLES,
    Fault,
    Path,
    check_path,
    check_request,
    check_template,
    uses,
)
from conjunct.connectors.definition import Definition, ObjectDefinition
from conjunct.connectors.page_checks import check_paged_request, paging_variables
from conjunct.connectors.parents import PARENT_ID
from conjunct.connectors.plans import QUERY_VARIABLES
from conjunct.connectors.read_definition import (
    Association,
    AssociationRequest,
    ByIds,
    Count,
    CustomFields,
    EachTerm,
    Hydrate,
    PageRule,
    Parent,
    ReadRule,
    Variant,
)
from conjunct.connectors.search_definition import SEARCH_VARIABLES, SearchRule

ID_ITEMS = ITEM_VARIABLES | {"id"}
"""Variables that `$each: ids` brings, besides those of any."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The variables that requests of an object know: `always`, in a read (`reading`), and under parents."""

    always: frozenset[str]
    reading: frozenset[str]
    of_parents: frozenset[str]


def check_reading(definition: Definition, path: Path, known: ObjectDefinition, own: frozenset[str]) -> Iterator[Fault]:
    """Faults of everything that reads an object. `own` are the inputs and the object's `vars`."""
    rule = known.read
    if rule is None:
        return
    where = frozenset[str]() if rule.where is not None else frozenset({"where"})
    parents = frozenset({PARENT_ID, *rule.parent.take}) if rule.parent is not None else frozenset[str]()
    variables = _Known(own | {"object"}, (own | QUERY_VARIABLES) - where, parents)
    searched = known.search.page if known.search is not None else None
    of_search = paging_variables(searched) if searched is not None else frozenset[str]()
    yield from _check_read((*path, "read"), rule, variables, of_search)
    if rule.parent is not None:
        yield from _check_parent((*path, "read", "parent"), definition, path, rule, rule.parent)
    if known.search is not None:
        yield from _check_search((*path, "search"), known.search, (own | SEARCH_VARIABLES) - where)
    if known.count is not None:
        yield from _check_count((*path, "count"), known.count, rule, variables.reading)
    if known.by_ids is not None:
        yield from _check_by_ids((*path, "by_ids"), known.by_ids, rule, variables)
    for name, association in known.associations.items():
        yield from _check_association((*path, "associations", name), association, rule, variables)


def _check_read(path: Path, rule: ReadRule, known: _Known, of_search: frozenset[str]) -> Iterator[Fault]:
    variables = known.reading | known.of_parents
    yield from check_paged_request(path, rule.request, rule.page, variables)
    for key in ("records", "item", "id"):
        yield from check_path((*path, key), getattr(rule, key))
    for index, place in enumerate(rule.fields_from):
        yield from check_path((*path, "fields_from", index), place)
    if rule.custom_fields is not None:
        yield from _check_custom_fields((*path, "custom_fields"), rule.custom_fields, known.always)
    if rule.client_filter is not None:
        yield from check_path((*path, "client_filter", "at"), rule.client_filter.at)
    if rule.hydrate is not None:
        yield from _check_hydrate((*path, "hydrate"), rule, rule.hydrate, variables)
    pages = (rule.page, *(each.page for each in rule.variants if each.page is not None))
    of_where = variables.union(of_search, *map(paging_variables, pages)) - {"where"}
    for index, term in enumerate(rule.where.terms if rule.where is not None else ()):
        text, extra = (term.term, ITEM_VARIABLES) if isinstance(term, EachTerm) else (term, frozenset[str]())
        yield from check_template((*path, "where", "terms", index), text, of_where | extra)
    if rule.max_url is not None and not any("long_url" in variant.when for variant in rule.variants):
        yield Fault((*path, "max_url"), "no variant takes over: one needs 'when: [long_url]'")
    for index, variant in enumerate(rule.variants):
        yield from _check_variant((*path, "variants", index), variant, rule.page, variables)


def _check_variant(path: Path, variant: Variant, page: PageRule, variables: frozenset[str]) -> Iterator[Fault]:
    yield from check_paged_request(path, variant.request, variant.page or page, variables)
    yield from check_path((*path, "records"), variant.records)
    for key in ("when", "unless"):
        for position, name in enumerate(getattr(variant, key)):
            if name not in variables:
                yield Fault((*path, key, position), f"there is no variable '{name}'")


def _check_custom_fields(path: Path, rule: CustomFields, variables: frozenset[str]) -> Iterator[Fault]:
    for key in ("at", "name"):
        yield from check_path((*path, key), getattr(rule, key))
    for place in rule.value if isinstance(rule.value, list) else [rule.value]:
        yield from check_path((*path, "value"), place)
    asked = rule.definitions
    if asked is None:
        if not rule.at:
            yield Fault((*path, "at"), "only with 'definitions' can the record itself hold the custom fields")
        return
    inner = (*path, "definitions")
    yield from check_paged_request(inner, asked.request, asked.page or PageRule(), variables | {"page_size"})
    for key in ("at", "id", "name", "type"):
        yield from check_path((*inner, key), getattr(asked, key))


def _check_hydrate(path: Path, rule: ReadRule, hydrate: Hydrate, variables: frozenset[str]) -> Iterator[Fault]:
    if not rule.id:
        yield Fault(path, "records that have no ids cannot be asked for")
    yield from check_request((*path, "request"), hydrate.request, variables | {"id", *hydrate.take})
    yield from check_path((*path, "at"), hydrate.at)
    for name, place in hydrate.take.items():
        yield from check_path((*path, "take", name), place)
    if not any(uses(hydrate.request, name) for name in ("id", *hydrate.take)):
        yield Fault((*path, "request"), "it does not say which record: it needs {id}")


def _check_parent(path: Path, definition: Definition, own: Path, rule: ReadRule, parent: Parent) -> Iterator[Fault]:
    for name, place in parent.take.items():
        yield from check_path((*path, "take", name), place)
    requests = [rule.request, *(variant.request for variant in rule.variants)]
    if not all(any(uses(each, name) for name in (PARENT_ID, *parent.take)) for each in requests):
        yield Fault(path, "a request does not say under which parent it lists: it needs {parent_id}")
    chain, above = [str(own[-1])], parent.object
    while above not in chain:
        known = definition.objects.get(above)
        if known is None or known.read is None:
            yield Fault((*path, "object"), f"there is no object '{above}' here that can be read")
            return
        if not known.read.id:
            yield Fault((*path, "object"), f"the records of '{above}' have no ids")
        if known.read.parent is None:
            break
        chain.append(above)
        above = known.read.parent.object
    else:
        yield Fault((*path, "object"), f"the parents lead round in a circle: {' → '.join([*chain, above])}")
        return
    known = definition.objects[parent.object]
    if parent.bounded and known.read is not None and not _is_incremental(known.read):
        yield Fault((*path, "bounded"), f"a read of '{parent.object}' cannot be limited to what changed")


def _is_incremental(rule: ReadRule) -> bool:
    requests = [rule.request, *(variant.request for variant in rule.variants)]
    terms = rule.where.terms if rule.where is not None else []
    in_where = any("{since" in (term.term if isinstance(term, EachTerm) else term) for term in terms)
    return rule.client_filter is not None or in_where or any(uses(each, "since") for each in requests)


def _check_search(path: Path, rule: SearchRule, variables: frozenset[str]) -> Iterator[Fault]:
    if rule.page is not None:
        yield from check_paged_request(path, rule.request, rule.page, variables | {"condition"})
    else:
        yield from check_request((*path, "request"), rule.request, variables, CONDITIONS)
    yield from check_path((*path, "records"), rule.records)
    for operator, how in rule.operators.items():
        yield from check_template((*path, "operators", operator), how, ITEM_VARIABLES)
        carrier = "conditions" if isinstance(how, dict) else "where"
        if rule.filter_parameter is not None and isinstance(how, dict):
            yield Fault(
                (*path, "operators", operator), "with filter_parameter it is a text: what stands in the parameter"
            )
        if rule.filter_parameter is None and not uses(rule.request, carrier):
            yield Fault((*path, "operators", operator), f"nothing carries it: the request needs {{{carrier}}}")
    if rule.filter_parameter is not None:
        yield from check_template((*path, "filter_parameter"), rule.filter_parameter, ITEM_VARIABLES)
    elif not any(uses(rule.request, name) for name in ("filter", "where")):
        yield Fault(path, "nothing carries the filters: the request needs {filter} or {where}, or a filter_parameter")


def _check_count(path: Path, count: Count, rule: ReadRule, variables: frozenset[str]) -> Iterator[Fault]:
    yield from check_path((*path, "at"), count.at)
    if count.request is not None:
        yield from check_request((*path, "request"), count.request, variables)
    elif count.via is None:
        yield Fault(path, "it needs 'via: read' or a request")
    elif rule.parent is not None:
        yield Fault((*path, "via"), "no one page tells the number of what is listed under many parents")


def _check_by_ids(path: Path, by_ids: ByIds, rule: ReadRule, known: _Known) -> Iterator[Fault]:
    if not rule.id:
        yield Fault(path, "records that have no ids cannot be asked for")
    variables = known.always | {"fields", "all_fields", "ids", "id"}
    yield from check_request((*path, "request"), by_ids.request, variables, ID_ITEMS)
    yield from check_path((*path, "records"), by_ids.records)
    if uses(by_ids.request, "ids") == uses(by_ids.request, "id", of_items=False):
        yield Fault((*path, "request"), "it needs either {ids}, for many at once, or {id}, for one by one")


def _check_association(path: Path, association: Association, rule: ReadRule, known: _Known) -> Iterator[Fault]:
    if (association.in_record is None) == (association.request is None):
        yield Fault(path, "it needs either 'in_record' or 'request'")
    variables = known.reading | known.of_parents | {"other"}
    if association.in_record is not None:
        for key in ("at", "id", "metadata"):
            yield from check_path((*path, "in_record", key), getattr(association.in_record, key))
        for index, text in enumerate(association.in_record.fields):
            yield from check_template((*path, "in_record", "fields", index), text, variables)
    if association.request is not None:
        if not rule.id:
            yield Fault(path, "records that have no ids cannot be asked for")
        yield from _check_asked((*path, "request"), association.request, variables | {"ids", "id", "cursor"})


def _check_asked(path: Path, asked: AssociationRequest, variables: frozenset[str]) -> Iterator[Fault]:
    yield from check_request((*path, "request"), asked.request, variables, ID_ITEMS)
    for key, place in (
        ("results", asked.results),
        ("from", asked.from_),
        ("to", asked.to),
        ("id", asked.id),
        ("more", asked.more),
        ("metadata", asked.metadata),
    ):
        yield from check_path((*path, key), place)
    for_many = uses(asked.request, "ids")
    if for_many == uses(asked.request, "id", of_items=False):
        yield Fault((*path, "request"), "it needs either {ids}, for many at once, or {id}, for one by one")
    if for_many and asked.from_ is None:
        yield Fault(path, "with {ids}, 'from' must say whose answer it is")
    if (asked.more is not None) != uses(asked.request, "cursor"):
        yield Fault(path, "'more' and {cursor} need each other")
    if asked.parameter is not None and asked.more is None:
        yield Fault((*path, "parameter"), "it is one of the URL that 'more' finds")
