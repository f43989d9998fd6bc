"""The JSON Schema of the result and the events."""

from __future__ import annotations

import json

import msgspec

from watcher.reports.documents import ResultDocument
from watcher.reports.event_documents import EventDocument, ResultEventDocument


def json_schema() -> str:
    """Return a JSON Schema (2020-12) for one result, or one event of ``jsonl``."""
    kinds = (ResultDocument, EventDocument, ResultEventDocument)
    schemas, definitions = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The result of watcher, or one of its events",
        "anyOf": list(schemas),
        "$defs": definitions,
    }
    return json.dumps(schema, indent=2)
