"""Manifests to deploy."""

from __future__ import annotations


def manifest(*integrations: str) -> str:
    """A manifest with these entries."""
    return "specVersion: 1.0.0\nintegrations:\n" + "".join(integrations)


def reading(name: str = "crm", provider: str = "hubspot", *objects: str, schedule: str = "*/30 * * * *") -> str:
    """An entry that reads these objects (contacts unless given)."""
    lines = [f"  - name: {name}\n    provider: {provider}\n    read:\n      objects:\n"]
    lines.extend(
        f"""        - objectName: {each}
          destination: hook
          schedule: "{schedule}"
          requiredFields:
            - fieldName: email
"""
        for each in objects or ("contacts",)
    )
    return "".join(lines)


PROXY = """  - name: pass
    provider: salesforce
    proxy:
      enabled: true
"""
