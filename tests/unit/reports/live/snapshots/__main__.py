"""Write all snapshots anew."""

from __future__ import annotations

from tests.unit.reports.live.snapshots import SCENES, SNAPSHOTS, render

if __name__ == "__main__":
    for scene in SCENES:
        (SNAPSHOTS / f"{scene}.txt").write_text(render(scene), "utf-8")
