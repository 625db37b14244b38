"""Short ways to write the fields of an object."""

from __future__ import annotations

from conjunct.simulators.salesforce.definitions import Field


def text(name: str, length: int = 255, label: str = "", *, required: bool = False) -> Field:
    """A line of text."""
    return Field(name, "string", label, length, required=required)


def long_text(name: str, length: int = 32_000) -> Field:
    """Text that cannot be filtered."""
    return Field(name, "textarea", length=length)


def email(name: str) -> Field:
    """An email address."""
    return Field(name, "email", length=80)


def phone(name: str) -> Field:
    """A telephone number."""
    return Field(name, "phone", length=40)


def flag(name: str, *, default: bool = False) -> Field:
    """A checkbox, which always has a value."""
    return Field(name, "boolean", default=default)


def number(name: str, kind: str = "double", precision: int = 18, scale: int = 0) -> Field:
    """A number, of the kind `int`, `double`, `currency` or `percent`."""
    return Field(name, kind, precision=precision, scale=scale)


def choice(name: str, *values: str, required: bool = False, restricted: bool = False, several: bool = False) -> Field:
    """A picklist."""
    options = tuple((value, value) for value in values)
    kind = "multipicklist" if several else "picklist"
    return Field(name, kind, length=4099 if several else 255, options=options, restricted=restricted, required=required)


def reference(
    name: str, *targets: str, parent: str | None = None, children: str | None = None, required: bool = False
) -> Field:
    """A look-up of a record; `children` is what its target calls the records that name it."""
    return Field(
        name,
        "reference",
        length=18,
        refers_to=targets,
        parent=parent or name.removesuffix("Id"),
        children=children,
        required=required,
    )


def read_only(name: str, kind: str, length: int = 0, *, default: object = None, calculated: bool = False) -> Field:
    """A field that Salesforce itself fills."""
    return Field(name, kind, length=length, createable=False, updateable=False, default=default, calculated=calculated)


def address(prefix: str) -> tuple[Field, ...]:
    """The parts of an address, and the compound field of them."""
    compound = f"{prefix}Address"
    parts = (("Street", "textarea", 255), ("City", "string", 40), ("State", "string", 80), ("PostalCode", "string", 20))
    return (
        *(Field(prefix + part, kind, length=length, compound=compound) for part, kind, length in parts),
        Field(f"{prefix}Country", "string", length=80, compound=compound),
        Field(compound, "address", createable=False, updateable=False),
    )


def person_name(last_required: bool = True) -> tuple[Field, ...]:
    """The parts of a person's name, and the field that joins them."""
    return (
        Field("LastName", "string", length=80, required=last_required, compound="Name"),
        Field("FirstName", "string", length=40, compound="Name"),
        Field("Name", "string", "Full Name", 121, createable=False, updateable=False),
    )


def system(*, owner: bool = True, stamps: bool = True) -> tuple[Field, ...]:
    """What every object has; `owner` says whether its records belong to a user, `stamps` whether they are changed."""
    created = (
        read_only("CreatedDate", "datetime"),
        Field("CreatedById", "reference", length=18, refers_to=("User",), parent="CreatedBy", createable=False,
              updateable=False),
    )  # fmt: skip
    changed = (
        read_only("LastModifiedDate", "datetime"),
        Field("LastModifiedById", "reference", length=18, refers_to=("User",), parent="LastModifiedBy",
              createable=False, updateable=False),
        read_only("SystemModstamp", "datetime"),
    )  # fmt: skip
    return (
        read_only("Id", "id", 18),
        read_only("IsDeleted", "boolean", default=False),
        *((reference("OwnerId", "User", parent="Owner"),) if owner else ()),
        *created,
        *(changed if stamps else ()),
    )
