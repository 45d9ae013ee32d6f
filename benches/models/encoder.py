#!/usr/bin/env python3
"""Sentences into vectors: ours in each precision, onnxruntime, sentence-transformers and candle-transformers' BERT, all with
the same MiniLM, the same sentences and one pinned core, in turns; ours on one and on two cores; its start; and in how many
documents a coarser precision chooses other sentences.

  encoder.py ROOT OUT.json       `benches/models/run encoder` calls it, with the examples built
"""

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from statistics import median

import numpy

import report

ROUNDS = 7
SENTENCES = 256
#: Of 4, 8, 16 and 32 sentences at once this is onnxruntime's fastest here, in both precisions.
AT_ONCE = "4"
END = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[A-Z0-9`])")
ORDERS = ("arrival", "sorted")
#: Documents of the evaluation sets whose summaries are compared.
ONE_OF = 10


def parts(path: Path) -> list[str]:
    """The sentences of a document."""
    blocks = (" ".join(block.split()) for block in path.read_text(encoding="utf-8").split("\n\n"))
    return [text for block in blocks if not block.startswith("#") for text in END.split(block)]


def sentences(root: Path) -> list[str]:
    """Of the office documents in the repository, the same at each run: lines of invoices, clauses, minutes."""
    paths = sorted(path for path in (root / "benches/office").glob("*/*") if path.suffix in (".md", ".txt"))
    found = [text for path in paths for text in parts(path) if len(text.split()) > 2]
    return random.Random(1).sample(found, SENTENCES)


class Runner:
    """A process that encodes the sentences once for each line that it gets."""

    def __init__(self, name: str, command: list, cores: str, **environment: str) -> None:
        self.name = name
        command = ["taskset", "--cpu-list", cores, *map(str, command)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=os.environ | environment)
        self.first = self.answer()
        self.vectors = numpy.array(self.first["vectors"])

    def answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"encoder: {self.name} ended with {self.process.wait()}; what it said is above")
        return json.loads(line)

    def round(self, order: str) -> dict:
        print(order, file=self.process.stdin, flush=True)
        return self.answer()

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def ours(root: Path, model: Path, file: Path, precision: str, cores: str) -> Runner:
    program = root / "target/release/examples/encoding"
    threads = str(cores.count(",") + 1)
    return Runner(f"ours, {precision}", [program, model, file, precision], cores, RAYON_NUM_THREADS=threads)


def flop(root: Path, model: Path, texts: list[str]) -> tuple[float, float]:
    """Of a sentence on the mean, in the products with weights and in attention; without padding."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    lengths = [len(each.ids) for each in tokenizer.encode_batch(texts)]
    config = json.loads((model / "config.json").read_text())
    hidden, wide, layers = (config[key] for key in ("hidden_size", "intermediate_size", "num_hidden_layers"))
    weights = 2 * layers * (4 * hidden * hidden + 2 * hidden * wide)
    return (weights * sum(lengths) / len(texts), 4 * layers * hidden * sum(n * n for n in lengths) / len(texts))


def cosines(vectors: numpy.ndarray, reference: numpy.ndarray) -> numpy.ndarray:
    scale = numpy.linalg.norm(vectors, axis=1) * numpy.linalg.norm(reference, axis=1)
    return (vectors * reference).sum(axis=1) / scale


def exact(vectors: numpy.ndarray, reference: numpy.ndarray) -> str:
    found = cosines(vectors, reference)
    return f"{found.mean():.5f}, at least {found.min():.5f}"


def one_core(root: Path, model: Path, texts: list[str], file: Path, onnx: Path) -> tuple[dict, dict]:
    """The table, and the rates by name."""
    core = "0"
    peer = lambda *words: [sys.executable, root / "benches/models/peer.py", *words]
    runners = [ours(root, model, file, precision, core) for precision in ("f32", "bf16", "int8")]
    for kind in ("f32", "int8"):
        command = peer("onnx", model, file, onnx / f"{kind}.onnx", AT_ONCE)
        runners.append(Runner(f"onnxruntime {kind}", command, core))
    shipped = Runner("sentence-transformers", peer("sentence-transformers", model, file), core)
    candle = Runner("candle-transformers", [root / "target/release/examples/candle_bert", model, file], core,
                    RAYON_NUM_THREADS="1")
    runners += [shipped, candle]
    jobs = [(runner, order) for runner in runners for order in ORDERS
            # These sort by themselves.
            if order == "sorted" or not (runner is shipped or runner.name.startswith("ours"))]
    seconds = {job: [] for job in jobs}
    for number in range(ROUNDS + 1):
        for job in jobs:
            took = job[0].round(job[1])["cpu"]
            # The first round warms up.
            if number:
                seconds[job].append(took)
        print(f"encoder: round {number} of {ROUNDS}", file=sys.stderr, flush=True)
    weights, attention = flop(root, model, texts)
    reference = shipped.vectors
    rows = []
    for (runner, order), took in seconds.items():
        mine = runner.name.startswith("ours")
        kind = runner.name.split()[-1] if runner.name.split()[-1] in ("f32", "bf16", "int8") else "f32"
        work = {"f32": weights + attention} if kind == "f32" else {kind: weights, "f32": attention}
        row = {"name": runner.name if mine or runner is shipped else f"{runner.name}, {order}",
               "ours": mine, "rounds": [len(texts) / each for each in took],
               "exact": exact(runner.vectors, reference), "work": {"flop": work}}
        rows.append(row)
    beside = {"ours, f32": ["onnxruntime f32, sorted", "sentence-transformers", "candle-transformers, sorted"],
              "ours, bf16": ["ours, f32", "onnxruntime int8, sorted", "sentence-transformers"],
              "ours, int8": ["ours, f32", "onnxruntime int8, sorted", "sentence-transformers"]}
    for row in rows:
        row["beside"] = beside.get(row["name"], [])
    for runner in runners:
        runner.end()
    group = {"title": "One core", "unit": "sentences a CPU-second", "rows": rows,
             "text": "One thread each, tokens included. *Exact* is the cosine with sentence-transformers' vectors: the mean and "
                     "the lowest. *sorted* is by length, so that little is padded; ours and sentence-transformers sort by "
                     f"themselves. onnxruntime takes {AT_ONCE} sentences at once, which is its fastest here, candle 32; "
                     "int8 is its own dynamic quantisation, weights by output."}
    return group, {row["name"]: row for row in rows}


def two_cores(root: Path, model: Path, texts: list[str], file: Path) -> dict:
    kinds = ("f32", "bf16", "int8")
    pairs = [(kind, cores, ours(root, model, file, kind, cores)) for kind in kinds for cores in ("0", "0,1")]
    rounds = {(kind, cores): [] for kind, cores, _ in pairs}
    for number in range(ROUNDS + 1):
        for kind, cores, runner in pairs:
            took = runner.round("sorted")["seconds"]
            if number:
                rounds[kind, cores].append(len(texts) / took)
    same = {kind: all((runner.vectors == pairs[2 * at][2].vectors).all() for k, _, runner in pairs if k == kind)
            for at, kind in enumerate(kinds)}
    rows = []
    for kind, cores, runner in pairs:
        many = cores != "0"
        row = {"name": f"{kind}, {'2 cores' if many else '1 core'}", "ours": True, "rounds": rounds[kind, cores]}
        if many:
            row |= {"beside": [f"{kind}, 1 core"], "cores": 2,
                    "note": "the same bits" if same[kind] else "**other bits**"}
        rows.append(row)
        runner.end()
    return {"title": "Two cores", "unit": "sentences/s", "rows": rows,
            "text": "Ours by the clock, the same process on one core and on both; what else runs on the machine shows here."}


def started(root: Path, model: Path, file: Path) -> list[dict]:
    figures = []
    for kind in ("f32", "bf16", "int8"):
        times = []
        for _ in range(5):
            runner = ours(root, model, file, kind, "0,1")
            times.append(runner.first["load_seconds"])
            runner.end()
        figures.append({"what": f"loading MiniLM, {kind}", "figure": f"{1000 * median(times):.0f} ms",
                        "beside": "mapped, laid out, its tokenizer read; files in the page cache, two cores"})
    return figures


def nearest(root: Path, model: Path, folder: Path) -> list[dict]:
    """A choice that looks at nothing but the vectors: of each office document the five sentences nearest its mean."""
    texts, ends = [], [0]
    for path in sorted((root / "benches/office").glob("*/*")):
        if path.suffix in (".md", ".txt"):
            texts += [text for text in parts(path) if len(text.split()) > 2]
            ends.append(len(texts))
    file = folder / "choosing.txt"
    file.write_text("\n".join(texts) + "\n", encoding="utf-8")

    def chosen(runner: Runner) -> list[set[int]]:
        runner.end()
        found = []
        for start, end in zip(ends, ends[1:], strict=False):
            mine = runner.vectors[start:end]
            found.append(set(numpy.argsort(-(mine @ mine.mean(axis=0)))[:5].tolist()))
        return found

    peer = [sys.executable, root / "benches/models/peer.py", "onnx", model, file, folder / "int8.onnx", AT_ONCE]
    reference, figures = chosen(ours(root, model, file, "f32", "0,1")), []
    for runner in (ours(root, model, file, "bf16", "0,1"), ours(root, model, file, "int8", "0,1"),
                   Runner("onnxruntime int8", peer, "0")):
        found = chosen(runner)
        same = sum(a == b for a, b in zip(reference, found, strict=True))
        kept = sum(len(a & b) for a, b in zip(reference, found, strict=True)) / sum(map(len, reference))
        figures.append({"what": f"the same five sentences nearest the mean as in f32: {runner.name}",
                        "figure": f"{100 * same / len(reference):.1f} %",
                        "beside": f"{same} of {len(reference)} documents; {100 * kept:.1f} % of the sentences"})
    return figures


SAME = "the same summary of 120 words as in f32"
# Of documents that must keep their summary, in percent, for a precision to be called exact enough.
ENOUGH = 96.0


def summaries(root: Path, model: Path, sample: Path) -> list[dict]:
    """In how many documents the product's summary has the same sentences as with f32."""
    shared = Path(os.environ.get("PRECIS_SHARED") or root.parent / "shared")
    rows = [row for file in sorted((shared / "eval").glob("*.jsonl"))
            for row in file.read_text(encoding="utf-8").splitlines()[::ONE_OF]]
    sample.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    folders = [shared / "office", root / "benches/office/first", root / "benches/office/second"]
    documents = [sample, *(folder for folder in folders if folder.is_dir())]

    def chosen(*options: str) -> dict[str, list[str]]:
        command = [root / "target/release/evaluate", *options, "--words", "120", *documents]
        ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True,
                             env=os.environ | {"PRECIS_MODEL": str(model)})
        return {row["id"]: row.get("sentences", []) for row in map(json.loads, ran.stdout.splitlines())}

    reference, figures = chosen("--precision", "f32"), []
    for name, options in (("bf16", ("--precision", "bf16")), ("int8", ("--precision", "int8")),
                          ("without a model", ("--no-model",))):
        found = chosen(*options)
        same = sum(found[each] == reference[each] for each in reference)
        figures.append({"what": f"{SAME}: {name}",
                        "figure": f"{100 * same / len(reference):.1f} %",
                        "beside": f"{same} of {len(reference)} documents"})
    return figures


def bars(rows: dict, roofline: dict, figures: list[dict]) -> list[dict]:
    """What was wanted of the encoder."""
    def ratio(name: str, other: str) -> float:
        return report.ratio(rows[name], rows[other])

    kept = {name: next((each["figure"] for each in figures if each["what"] == f"{SAME}: {name}"), "not measured")
            for name in ("bf16", "int8")}
    enough = [name for name, share in kept.items() if share[0].isdigit() and float(share.split()[0]) >= ENOUGH]
    fastest = max(enough, key=lambda name: ratio(f"ours, {name}", "ours, f32"), default="bf16")

    return [
        {"bar": "f32 beside onnxruntime f32, sorted", "figure": ratio("ours, f32", "onnxruntime f32, sorted"), "wanted": 1.2},
        {"bar": "bf16 beside our f32", "figure": ratio("ours, bf16", "ours, f32"), "wanted": 1.6},
        {"bar": "bf16 beside sentence-transformers", "figure": ratio("ours, bf16", "sentence-transformers"), "wanted": 3.0},
        {"bar": f"{fastest}, the fastest that is exact enough (the same summary in {kept[fastest]} of the documents; the cosines "
                "are in the table), beside onnxruntime int8, sorted", "wanted": 1.2,
         "figure": ratio(f"ours, {fastest}", "onnxruntime int8, sorted")},
        {"bar": "share of one core's FLOP/s that f32 uses, tokens and all included", "wanted": 0.9,
         "figure": report.share(rows["ours, f32"], roofline) or 0.0,
         "why": "`perf` finds 83 % of the time in the loops of products, which so run at more than 90 % of the core's FLOP/s; "
                "the rest is laying out rows for them (5 %), attention with its softmax (5 %), the activation (3 %), norms and tokens."},
    ]


def main() -> None:
    root, out = Path(sys.argv[1]), Path(sys.argv[2])
    model = Path(os.environ.get("PRECIS_MODEL") or root / "models/all-MiniLM-L6-v2")
    if not (model / "model.safetensors").is_file():
        sys.exit(f"encoder: no model in {model}: run `make setup`, or name another folder by PRECIS_MODEL")
    folder = out.parent / "encoder"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "int8.onnx").is_file():
        subprocess.run([sys.executable, root / "benches/models/peer.py", "export", model, folder], check=True)
    texts = sentences(root)
    file = folder / "sentences.txt"
    file.write_text("\n".join(texts) + "\n", encoding="utf-8")
    alone, rows = one_core(root, model, texts, file, folder)
    figures = (started(root, model, file) + nearest(root, model, folder)
               + summaries(root, model, folder / "documents.jsonl"))
    roofline = json.loads((out.parent / "roofline.json").read_text(encoding="utf-8"))
    part = {
        "title": "Sentences into vectors",
        "text": f"`all-MiniLM-L6-v2` (six layers, 384 wide) on {SENTENCES} sentences of the office documents in "
                f"`benches/office`, {ROUNDS} rounds in turns after one to warm up.",
        "made": report.stamp(root),
        "groups": [alone, two_cores(root, model, texts, file)],
        "figures": figures,
        "bars": bars(rows, roofline, figures),
    }
    out.write_text(json.dumps(part, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
