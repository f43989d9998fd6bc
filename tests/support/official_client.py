"""Checks of a server with LaunchDarkly's generated client, which takes seconds to import."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import launchdarkly_api
import pytest
from launchdarkly_api.models.patch_with_comment import PatchWithComment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.stepping import SteppedClock

KEYS = ("default", "production", "big-spenders")
AUTHORIZATION = "api-x"
_MOST_READS = 100


class SemanticPatch(PatchWithComment):
    """A semantic patch; the generated client supports only JSON patches."""

    import_id: str

    def to_dict(self) -> dict[str, object]:
        """Return the body that the client sends."""
        instruction = {"kind": "processBigSegmentImport", "importId": self.import_id}
        return {"environmentKey": KEYS[1], "instructions": [instruction]}


@contextmanager
def official_client(base_uri: str, token: str = AUTHORIZATION) -> Iterator[launchdarkly_api.SegmentsApi]:
    """Yield a client, and close its connections at the end."""
    configuration = launchdarkly_api.Configuration(host=base_uri, api_key={"ApiKey": token}, retries=0)
    api_client = launchdarkly_api.ApiClient(configuration)
    try:
        yield launchdarkly_api.SegmentsApi(api_client)
    finally:
        api_client.rest_client.pool_manager.clear()


def create(api: launchdarkly_api.SegmentsApi, *, wait_on_approvals: bool = False) -> str:
    """Create an import and return its ID."""
    response = api.create_big_segment_import_with_http_info(
        *KEYS, file=("keys.csv", b"key-1\n"), mode="merge", wait_on_approvals=wait_on_approvals
    )
    assert response.status_code == 204
    assert response.headers is not None
    return response.headers["Location"].rpartition("/")[2]


def statuses(api: launchdarkly_api.SegmentsApi, import_id: str, last: str, clock: SteppedClock) -> list[str]:
    """Read an import every half second until a status, and return all; an unknown one is "unreadable"."""
    seen: list[str] = []
    for _ in range(_MOST_READS):
        status = _status(api, import_id)
        if not seen or seen[-1] != status:
            seen.append(status)
        if status == last:
            return seen
        clock.step(0.5)
    raise AssertionError(seen)


def _status(api: launchdarkly_api.SegmentsApi, import_id: str) -> str:
    try:
        found = api.get_big_segment_import(*KEYS, import_id)
    except ValueError as error:
        return "unreadable" if "must be one of enum values" in str(error) else str(error)
    assert (found.id, found.segment_key, found.mode) == (import_id, KEYS[2], "merge")
    assert found.files is not None
    assert [(file.filename, file.status) for file in found.files] == [("keys.csv", found.status)]
    return found.status


def approve_an_import(base_uri: str, clock: SteppedClock) -> None:
    """Follow an import through all statuses, and approve it."""
    with official_client(base_uri) as api:
        import_id = create(api, wait_on_approvals=True)
        assert statuses(api, import_id, "pending_approval", clock) == ["preparing", "pending_approval"]
        assert api.get_segment(*KEYS).import_in_progress is True
        segment = api.patch_segment(
            *KEYS,
            SemanticPatch(patch=[], import_id=import_id),
            _content_type="application/json; domain-model=launchdarkly.semanticpatch",
        )
        assert (segment.key, segment.unbounded) == (KEYS[2], True)
        assert statuses(api, import_id, "complete", clock)[-3:] == ["ready", "in_progress", "complete"]
        assert api.get_segment(*KEYS).import_in_progress is False


def meet_an_unknown_status(base_uri: str, clock: SteppedClock) -> None:
    """Follow an import whose second status is unknown to the client."""
    with official_client(base_uri) as api:
        seen = statuses(api, create(api), "complete", clock)
    assert seen == ["preparing", "unreadable", "ready", "in_progress", "complete"]


def meet_errors(base_uri: str, clock: SteppedClock) -> None:
    """Check the errors that the client raises, and their bodies."""
    with official_client(base_uri) as api:
        create(api)
        for exception, code, call in (
            (
                launchdarkly_api.exceptions.NotFoundException,
                "not_found",
                lambda: statuses(api, "x", "y", clock),
            ),
            (launchdarkly_api.exceptions.ConflictException, "optimistic_locking_error", lambda: create(api)),
        ):
            with pytest.raises(exception) as caught:
                call()
            assert caught.value.body is not None
            assert json.loads(caught.value.body)["code"] == code
    with (
        official_client(base_uri, "api-y") as api,
        pytest.raises(launchdarkly_api.exceptions.UnauthorizedException, match="Invalid account ID header"),
    ):
        api.get_segment(*KEYS)
