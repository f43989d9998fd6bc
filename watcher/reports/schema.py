"""The JSON Schema of what scripts read."""

from __future__ import annotations

import json

import msgspec

from watcher.reports.documents import ResultDocument
from watcher.reports.event_documents import EventDocument, ResultEventDocument


def json_schema() -> str:
    """Describes the result and every event, as ``--print-schema`` prints it.

    Returns:
        A JSON Schema (2020-12): an instance is one result, or one event of ``jsonl``.
    """
    kinds = (ResultDocument, EventDocument, ResultEventDocument)
    schemas, definitions = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The result of watcher, or one of its events",
        "anyOf": list(schemas),
        "$defs": definitions,
    }
    return json.dumps(schema, indent=2)
