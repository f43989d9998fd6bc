"""How lines and tables name imports."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.driving import REF
from watcher.core.model import ImportRef
from watcher.reports.names import Names, distinctive_keys

OTHER = ImportRef("p", "e", "s", "i")


@pytest.mark.parametrize(
    ("refs", "names"),
    [
        ([REF], ["1234a567"]),
        ([REF, replace(REF, import_id="b")], ["1234a567", "b"]),
        ([REF, replace(REF, segment="b")], ["big-spenders", "b"]),
        ([REF, replace(REF, segment="b"), replace(REF, import_id="c")], None),
        ([REF, OTHER], ["default/production/big-spenders", "p/e/s"]),
    ],
)
def test_distinctive_names(refs: list[ImportRef], names: list[str] | None) -> None:
    """A name has the keys that tell the imports apart; all of them have an ID if two need one."""
    found = ["/".join(ref.keys[distinctive_keys(refs)]) for ref in refs]
    assert found == (names or ["big-spenders/1234a567", "b/1234a567", "big-spenders/c"])


def test_an_import_that_is_added_later_may_change_the_names() -> None:
    """Names are distinctive among the imports that are known so far."""
    names = Names()
    names.shortened = names.distinctive = True
    names.add(REF)
    names.add(replace(REF, segment="b"))
    assert names.of(REF) == "big-spenders"
    names.add(replace(REF, import_id="c"))
    assert names.of(REF) == "big-spenders/1234a567"
