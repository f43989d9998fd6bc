"""Generate all quoted output in the README files and the picture anew: ``python -m tests.docs``."""

from __future__ import annotations

from tests.support.picture import PICTURE, draw, record
from tests.support.readme import regenerate

if __name__ == "__main__":
    regenerate()
    PICTURE.write_text(draw(*record()), "utf-8")
