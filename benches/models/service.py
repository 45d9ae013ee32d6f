#!/usr/bin/env python3
"""The summarize stage when twice as much comes as it can take, with few and with many documents in hand.

  service.py ROOT FILE [--seconds N]

Runs `precis bench-model`, which a service's operator has too. The file is a part of the report: `report.py` says its form.
"""
import json
import subprocess
import sys
from pathlib import Path

from report import stamp

AT_ONCE = (4, 16, 64)
MIB = 1 << 20


def measured(root: Path, at_once: int, seconds: int) -> dict:
    words = [root / "target/release/precis", "bench-model", "--json", "--seconds", str(seconds), "--at-once", str(at_once)]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    root, out = Path(sys.argv[1]), Path(sys.argv[2])
    seconds = int(sys.argv[4]) if sys.argv[3:4] == ["--seconds"] else 20
    figures = []
    for at_once in AT_ONCE:
        got = measured(root, at_once, seconds)
        flooded, together = got["flooded"], got["together"]
        figures.append({
            "what": f"{at_once} in hand: from a permit to the summary, p50 and p99",
            "figure": f"{flooded['p50']:.2f} s, {flooded['p99']:.2f} s",
            "beside": f"without a flood {together['p50']:.2f} s, {together['p99']:.2f} s; {together['a_second']:.1f} documents/s; "
                      f"{flooded['waiting']} of {flooded['came']} wait outside after {seconds} s; memory grew by "
                      f"{flooded.get('grown', 0) / MIB:.0f} MiB, {got.get('peak', 0) / MIB:.0f} MiB at most",
        })
        print(f"service: {figures[-1]['what']}: {figures[-1]['figure']}; {figures[-1]['beside']}", flush=True)
    text = (f"Made-up documents of {got['pages']} pages come twice as fast as they went through, {seconds} seconds long "
            "(`precis bench-model`). What bounds memory and the time that a document is in hand is the number of permits "
            "(`PRECIS_CONCURRENCY`), not the length of the queue: the rest waits where it costs nothing. More permits than "
            "keep the model busy only make each document wait in memory instead of in SQS.")
    part = {"title": "A queue that is longer than it should be", "text": text, "made": stamp(root), "groups": [], "figures": figures}
    out.write_text(json.dumps(part, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
