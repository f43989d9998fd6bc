"""The paths of the API and their responses."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

import msgspec
from aiohttp import web

from watcher.simulator.faults import respond
from watcher.simulator.scenarios import PENDING_APPROVAL
from watcher.simulator.store import ImportStore, SegmentKeys, StoredImport
from watcher.simulator.uploads import read_upload

# Without these patterns the router would not match keys with braces.
_SEGMENT: Final = "/api/v2/segments/{project:[^/]+}/{environment:[^/]+}/{segment:[^/]+}"
_SEMANTIC_PATCH: Final = "domain-model=launchdarkly.semanticpatch"


class _Instruction(msgspec.Struct, frozen=True, rename="camel"):
    kind: str
    import_id: str = ""


class _SemanticPatch(msgspec.Struct, frozen=True, rename="camel"):
    """The body of a semantic patch; its other fields do not matter."""

    instructions: list[_Instruction]


class Handlers:
    """The request handlers of one server; its speed shortens the delay of slow responses."""

    def __init__(self, store: ImportStore, *, speed: float) -> None:
        self._store = store
        self._speed = speed
        self._segments_created = round(time.time() * 1000)

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the paths and their handlers."""
        return (
            web.post(f"{_SEGMENT}/imports", self._create_import),
            web.get(f"{_SEGMENT}/imports/{{import_id:[^/]+}}", self._get_import, allow_head=False),
            web.get(_SEGMENT, self._get_segment, allow_head=False),
            web.patch(_SEGMENT, self._patch_segment),
        )

    async def _create_import(self, request: web.Request) -> web.Response:
        created = self._store.create(_segment_keys(request), await read_upload(request))
        origin = "" if created.scenario.relative_location else f"{request.scheme}://{request.host}"
        return web.Response(status=204, headers={"Location": origin + created.path})

    async def _get_import(self, request: web.Request) -> web.Response:
        found, status = self._store.find(_segment_keys(request), request.match_info["import_id"])
        body = _import_body(found, status)
        fault = found.next_fault(status)
        if fault is None:
            return web.json_response(body)
        return await respond(fault, request, body, speed=self._speed)

    async def _patch_segment(self, request: web.Request) -> web.Response:
        keys = _segment_keys(request)
        if _SEMANTIC_PATCH not in request.headers.get("Content-Type", "").replace('"', ""):
            raise web.HTTPBadRequest(text=f"Content-Type must be application/json; {_SEMANTIC_PATCH}")
        try:
            patch = msgspec.json.decode(await request.read(), type=_SemanticPatch)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise web.HTTPBadRequest(text=f"Invalid request body: {error}") from None
        # A semantic patch is atomic: check all instructions before the first approval.
        waiting = [self._find_waiting(keys, instruction) for instruction in patch.instructions]
        if request.query.get("dryRun") != "true":
            for found in waiting:
                self._store.approve(found)
        return await self._get_segment(request)

    def _find_waiting(self, keys: SegmentKeys, instruction: _Instruction) -> StoredImport:
        if instruction.kind != "processBigSegmentImport":
            raise web.HTTPBadRequest(text=f"Unknown instruction kind: {instruction.kind!r}")
        try:
            found, status = self._store.find(keys, instruction.import_id)
        except web.HTTPNotFound:
            raise web.HTTPBadRequest(text=f"Unknown importId: {instruction.import_id!r}") from None
        if status != PENDING_APPROVAL:
            raise web.HTTPBadRequest(text=f"The import does not wait for approval: its status is {status}")
        return found

    async def _get_segment(self, request: web.Request) -> web.Response:
        keys = _segment_keys(request)
        return web.json_response(
            {
                "key": keys.segment,
                "name": keys.segment,
                **dict.fromkeys(("tags", "included", "excluded", "rules"), ()),
                **dict.fromkeys(("creationDate", "lastModifiedDate"), self._segments_created),
                "version": 1,
                "deleted": False,
                "unbounded": True,
                "unboundedContextKind": "user",
                "generation": 1,
                "_importInProgress": self._store.is_importing(keys),
                "_links": {"self": _link(keys.path)},
            }
        )


def _segment_keys(request: web.Request) -> SegmentKeys:
    return SegmentKeys(*(request.match_info[name] for name in SegmentKeys._fields))


def _import_body(found: StoredImport, status: str) -> dict[str, object]:
    return {
        "id": found.import_id,
        "segmentKey": found.keys.segment,
        "creationTime": found.creation_time,
        "mode": found.upload.mode,
        "status": status,
        "files": [{"filename": found.upload.filename, "status": status}],
        "_links": {"self": _link(found.path), "parent": _link(found.keys.path)},
    }


def _link(path: str) -> dict[str, str]:
    return {"href": path, "type": "application/json"}
