#!/usr/bin/env python3
"""How fast models write here, and in other programs on the same core in the same run.

  decoder.py [ROOT FILE] [--only t5|qwen3] [--rounds N] [--core N] [--skip PROGRAM]

ROOT is this repository, FILE what is written (target/bench-models/decoder.json). `benches/models/run` makes the environment and builds the
examples `writing`, `quantising` and `candle_writing` that it runs.

Models of the real shapes with seeded random weights are made once under target/bench-models/decoder (6 GB): flan-t5-small
and Qwen3-0.6B. Speed does not depend on what weights say. Every program runs by itself, pinned to one core with one thread,
and reads and writes the same numbers of tokens (of ours, Qwen3 reads the eight of its template besides); the programs take
turns, as many rounds as asked.

For T5: tokens of answers for each CPU-second, prompts included. For Qwen3: prompts read for each CPU-second, and tokens for
each CPU-second from then on. The file is a part of the report: `report.py` says its form, and draws.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "target/bench-models/decoder"
T5 = {"prompt": 512, "answer": 64, "rows": [1, 8]}
QWEN3 = {"prompt": 512, "answer": 33, "rows": [1, 4]}
WORDS = 20_000


def tokenizer(folder, marks):
    """One token for a word: what the real ones make of text is not measured here."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: at for at, word in enumerate(marks)}
    vocabulary |= {f"w{at}": at for at in range(len(marks), WORDS)}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    end = marks[1]
    fast = PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="<unk>", eos_token=end, pad_token=marks[0],
        additional_special_tokens=[mark for mark in marks if mark not in ("<unk>", marks[0], end)],
    )
    fast.save_pretrained(folder)


def make(skip):
    """The models, once."""
    import torch
    import transformers
    from ctranslate2.converters import TransformersConverter

    torch.manual_seed(7)
    t5, qwen3 = FOLDER / "t5", FOLDER / "qwen3"
    if not (t5 / "tokenizer.json").exists():
        config = transformers.T5Config(
            vocab_size=32128, d_model=512, d_kv=64, d_ff=1024, num_layers=8, num_decoder_layers=8, num_heads=6,
            relative_attention_num_buckets=32, relative_attention_max_distance=128, feed_forward_proj="gated-gelu",
            tie_word_embeddings=False, decoder_start_token_id=0, eos_token_id=1, pad_token_id=0,
        )
        transformers.T5ForConditionalGeneration(config).float().save_pretrained(t5)
        tokenizer(t5, ["<pad>", "</s>", "<unk>"])
    if not (qwen3 / "tokenizer.json").exists():
        config = transformers.Qwen3Config(
            vocab_size=151936, hidden_size=1024, intermediate_size=3072, num_hidden_layers=28, num_attention_heads=16,
            num_key_value_heads=8, head_dim=128, max_position_embeddings=40960, tie_word_embeddings=True,
            rope_theta=1e6, bos_token_id=0, eos_token_id=1,
        )
        transformers.Qwen3ForCausalLM(config).bfloat16().save_pretrained(qwen3)
        tokenizer(qwen3, ["<|endoftext|>", "<|im_end|>", "<unk>", "<|im_start|>", "<think>", "</think>"])
    for name, folder in [("t5", t5), ("qwen3", qwen3)]:
        for bits in ["float32", "int8"]:
            out = FOLDER / f"ct2-{name}-{bits}"
            if not (out / "model.bin").exists():
                TransformersConverter(str(folder)).convert(str(out), quantization=bits, force=True)
    for kind in ["Q8_0", "Q4_K_M"]:
        if {f"ours {kind}", f"llama {kind}"} <= skip:
            continue
        out = FOLDER / f"qwen3-{kind}"
        if not (out / "model.gguf").exists():
            out.mkdir(exist_ok=True)
            (out / "tokenizer.json").write_bytes((qwen3 / "tokenizer.json").read_bytes())
            quantising = ROOT / "target/release/examples/quantising"
            subprocess.run([quantising, qwen3, kind, out / "model.gguf"], check=True)


def cores():
    used = time.process_time()
    return used, time.perf_counter()


def timed(work):
    """CPU-seconds and seconds of a call."""
    cpu, wall = cores()
    work()
    ended, clock = cores()
    return {"cpu": ended - cpu, "wall": clock - wall}


def rows_of(run, shape):
    """`run(rows, answer)` once to warm up, then for each number of rows a first token and a whole answer."""
    run(1, 2)
    for rows in shape["rows"]:
        read, whole = timed(lambda: run(rows, 1)), timed(lambda: run(rows, shape["answer"]))
        print(json.dumps({"rows": rows, "read": read, "whole": whole}), flush=True)


def peer_ct2(kind, bits):
    import ctranslate2

    folder = str(FOLDER / f"ct2-{kind}-{bits}")
    made = {"t5": ctranslate2.Translator, "qwen3": ctranslate2.Generator}[kind]
    model = made(folder, device="cpu", compute_type=bits, inter_threads=1, intra_threads=1)
    shape = T5 if kind == "t5" else QWEN3
    words = [f"w{at % 9000 + 10}" for at in range(shape["prompt"] - 1)]

    def run(rows, answer):
        prompts = [[*words, "</s>" if kind == "t5" else "w9"] for _ in range(rows)]
        if kind == "t5":
            got = model.translate_batch(
                prompts, beam_size=1, min_decoding_length=answer, max_decoding_length=answer, max_batch_size=64
            )
            counts = [len(one.hypotheses[0]) for one in got]
        else:
            got = model.generate_batch(
                prompts, beam_size=1, sampling_topk=1, min_length=answer, max_length=answer,
                include_prompt_in_result=False, max_batch_size=64,
            )
            counts = [len(one.sequences[0]) for one in got]
        assert counts == [answer] * rows, counts

    rows_of(run, shape)


def peer_hf(kind):
    import torch
    import transformers

    torch.set_num_threads(1)
    t5 = kind == "t5"
    made = transformers.T5ForConditionalGeneration if t5 else transformers.Qwen3ForCausalLM
    model = made.from_pretrained(FOLDER / kind, dtype=torch.float32).eval()
    shape = T5 if t5 else QWEN3

    def run(rows, answer):
        ids = torch.arange(shape["prompt"]).remainder(9000).add(10).repeat(rows, 1)
        with torch.inference_mode():
            got = model.generate(
                ids, attention_mask=torch.ones_like(ids), do_sample=False, min_new_tokens=answer,
                max_new_tokens=answer, pad_token_id=0,
            )
        count = got.shape[1] - (1 if t5 else shape["prompt"])
        assert count == answer, count

    rows_of(run, shape)


def peer_llama(bits):
    """llama.cpp by its C interface, as its wheel for any machine with AVX2 was built."""
    import numpy
    from llama_cpp_py_sync import _cffi_bindings as bound

    lib, ffi = bound.get_lib(), bound.get_ffi()
    lib.llama_backend_init()
    path = str(FOLDER / f"qwen3-{bits}/model.gguf").encode()
    model = lib.llama_model_load_from_file(path, lib.llama_model_default_params())
    assert model != ffi.NULL, "the model does not load"

    def run(rows, answer):
        long = QWEN3["prompt"]
        settings = lib.llama_context_default_params()
        settings.n_ctx, settings.n_batch, settings.n_ubatch = rows * (long + answer), 2048, 512
        settings.n_seq_max, settings.n_threads, settings.n_threads_batch = rows, 1, 1
        context = lib.llama_init_from_model(model, settings)
        batch = lib.llama_batch_init(max(long, rows), 0, 1)

        def decode(tokens):
            for at, (token, place, row, wanted) in enumerate(tokens):
                batch.token[at], batch.pos[at], batch.n_seq_id[at] = token, place, 1
                batch.seq_id[at][0], batch.logits[at] = row, wanted
            batch.n_tokens = len(tokens)
            assert lib.llama_decode(context, batch) == 0

        def likeliest(at):
            numbers = ffi.buffer(lib.llama_get_logits_ith(context, at), 4 * 151936)
            return int(numpy.frombuffer(numbers, dtype=numpy.float32).argmax())

        last = []
        for row in range(rows):
            decode([(at % 9000 + 10, at, row, at == long - 1) for at in range(long)])
            last.append(likeliest(long - 1))
        for step in range(answer - 1):
            decode([(token, long + step, row, True) for row, token in enumerate(last)])
            last = [likeliest(row) for row in range(rows)]
        lib.llama_batch_free(batch)
        lib.llama_free(context)

    rows_of(run, QWEN3)


# What did not run here, and why.
FAILED = {}


def left_out(failed):
    return f" Not in the tables: {', '.join(f'{name} ({why})' for name, why in failed.items())}." if failed else ""


def command(name, kind, args):
    """What runs a program, by its name here."""
    engine, _, bits = name.partition(" ")
    if engine == "ours":
        shape = T5 if kind == "t5" else QWEN3
        model = FOLDER / (f"qwen3-{bits}" if bits.startswith("Q") else kind)
        precision = "auto" if bits.startswith("Q") else bits
        tokens = shape["prompt"] - 1
        return [ROOT / "target/release/examples/writing", model, precision, tokens, shape["answer"], *shape["rows"]]
    if engine == "candle":
        shape, model = (T5, FOLDER / "t5") if kind == "t5" else (QWEN3, FOLDER / f"qwen3-{bits}/model.gguf")
        rows = shape["rows"] if kind == "t5" else [1]
        return [ROOT / "target/release/examples/candle_writing", model, shape["prompt"], shape["answer"], *rows]
    return [sys.executable, __file__, "--peer", name, "--only", kind]


def run(name, kind, args):
    """The program's lines: for each number of rows its CPU-seconds."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
    env |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "RAYON_NUM_THREADS": "1"}
    env |= {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    words = ["taskset", "-c", str(args.core), *map(str, command(name, kind, args))]
    got = subprocess.run(words, env=env, capture_output=True, text=True)
    if got.returncode != 0:
        why = (got.stderr.strip().splitlines() or ["it said nothing"])[-1]
        print(f"{name}: {why}", file=sys.stderr)
        FAILED[name] = "its wheel wants a newer C library" if "GLIBC_" in why else "it failed"
        return None
    return {line["rows"]: line for line in map(json.loads, filter(lambda line: line[:1] == "{", got.stdout.splitlines()))}


PROGRAMS = {
    "t5": ["ours f32", "ours bf16", "ours int8", "ct2 float32", "ct2 int8", "hf", "candle f32"],
    "qwen3": ["ours Q8_0", "ours Q4_K_M", "ours int8", "ours bf16", "ours f32", "ct2 int8", "ct2 float32", "hf", "llama Q8_0", "llama Q4_K_M", "candle Q8_0"],
}


def figures(kind, lines):
    """A line's rates by group; the more the better everywhere."""
    out = {}
    for rows, line in lines.items():
        read, whole = line["read"]["cpu"], line["whole"]["cpu"]
        if kind == "t5":
            out[f"answers of {rows} at once"] = rows * T5["answer"] / whole
        else:
            if rows == 1:
                out["a prompt"] = 1 / read
            out[f"answers of {rows} at once"] = rows * (QWEN3["answer"] - 1) / (whole - read)
    return out


def work(kind, group, name):
    """What a unit takes at least: operations of the kind that the program's products have, and bytes of weights and caches
    that a step has to read, which its rows share. A product of two numbers and their sum are two operations."""
    bits = name.split()[-1]
    own = {"f32": ("f32", 4), "float32": ("f32", 4), "hf": ("f32", 4), "bf16": ("bf16", 2), "Q4_K_M": ("int8", 0.6)}
    kind_of, size = own.get(bits, ("int8", 1.06))
    cache = 4 if kind_of == "f32" else 2
    rows = int(group.split()[2]) if group.startswith("answers") else 1
    if kind == "t5":
        inner, layers, hidden, wide, vocabulary = 384, 8, 512, 1024, 32128
        token = layers * (4 * hidden * inner + 3 * hidden * wide)
        prompt, answer = T5["prompt"], T5["answer"]
        encoded = prompt * (token + layers * 2 * hidden * inner)
        step = token + layers * 2 * hidden * inner + vocabulary * hidden
        looked = layers * 2 * inner * prompt
        attention = prompt * looked + answer * looked
        products = encoded + answer * step
        flop = {kind_of: 2 * products / answer}
        other = "bf16" if cache == 2 else "f32"
        flop[other] = flop.get(other, 0) + 2 * attention / answer
        return {"flop": flop, "bytes": step * size / rows + looked * cache}
    layers, hidden, inner, shared, wide, vocabulary = 28, 1024, 2048, 1024, 3072, 151936
    token = layers * (hidden * (2 * inner + 2 * shared) + 3 * hidden * wide)
    head = vocabulary * hidden
    prompt = QWEN3["prompt"]
    looked = layers * 2 * inner * prompt
    if group == "a prompt":
        return {"flop": {kind_of: 2 * (prompt * token + head)}, "bytes": (token + head) * size}
    return {"flop": {kind_of: 2 * (token + head)}, "bytes": (token + head) * size / rows + looked / 2 * cache}


TEXT = {
    "t5": ("T5 (flan-t5-small)", "tokens/CPU-s", "512 tokens in, 64 out, prompts included"),
    "qwen3": ("Qwen3 (0.6B)", "tokens/CPU-s", "a prompt of 512 tokens"),
}


def measured(kind, args):
    """The groups of a model: all programs in turns."""
    rounds = {}
    names = [name for name in PROGRAMS[kind] if name not in (args.skip or [])]
    for at in range(args.rounds):
        for name in names if at % 2 == 0 else reversed(names):
            lines = run(name, kind, args)
            for group, rate in figures(kind, lines or {}).items():
                rounds.setdefault(group, {}).setdefault(name, []).append(rate)
                print(f"{kind}, {group}, round {at + 1}, {name}: {rate:.3g}", flush=True)
    title, unit, text = TEXT[kind]
    groups = []
    for group, found in sorted(rounds.items()):
        peers = [name for name in found if not name.startswith("ours")]
        rows = [
            {
                "name": name, "ours": name.startswith("ours"), "rounds": rates,
                "beside": peers if name.startswith("ours") else [], "work": work(kind, group, name), "cores": 1,
            }
            for name, rates in found.items() if len(rates) == args.rounds
        ]
        unit_of = "prompts/CPU-s" if group == "a prompt" else unit
        groups.append({"title": f"{title}: {group}", "unit": unit_of, "text": text, "rows": rows})
    return groups


def ratio(group, own, peer):
    """The median of the rounds' ratios."""
    rows = {row["name"]: row["rounds"] for row in group["rows"]}
    if own not in rows or peer not in rows:
        return None
    return statistics.median(a / b for a, b in zip(rows[own], rows[peer]))


BARS = [
    ("T5 (flan-t5-small): answers of 8 at once", "ours f32", "ct2 float32", 1.3),
    ("T5 (flan-t5-small): answers of 8 at once", "ours int8", "ct2 int8", 1.0),
    ("T5 (flan-t5-small): answers of 8 at once", "ours bf16", "ct2 int8", 1.0),
    ("T5 (flan-t5-small): answers of 8 at once", "ours int8", "candle f32", 10.0),
    ("Qwen3 (0.6B): a prompt", "ours Q8_0", "ct2 int8", 1.0),
    ("Qwen3 (0.6B): answers of 4 at once", "ours Q8_0", "ct2 int8", 2.0),
]


def stamp():
    """Of what commit, where and when."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    cpu = next((line for line in open("/proc/cpuinfo") if line.startswith("model name")), ": unknown").split(":")[1]
    machine = f"{cpu.strip()}, {os.cpu_count()} cores"
    return {"commit": commit.strip(), "machine": machine, "when": time.strftime("%Y-%m-%d")}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=ROOT)
    parser.add_argument("out", nargs="?", type=pathlib.Path, default=FOLDER.parent / "decoder.json")
    parser.add_argument("--only", choices=["t5", "qwen3"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core", type=int, default=1)
    parser.add_argument("--skip", action="append", help="a program that is not to run")
    parser.add_argument("--make", action="store_true", help="make the models and stop")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        engine, _, bits = args.peer.partition(" ")
        return {"ct2": lambda: peer_ct2(args.only, bits), "llama": lambda: peer_llama(bits), "hf": lambda: peer_hf(args.only)}[engine]()
    FOLDER.mkdir(parents=True, exist_ok=True)
    make(set(args.skip or []))
    if args.make:
        return None
    groups = [group for kind in ["t5", "qwen3"] if args.only in (None, kind) for group in measured(kind, args)]
    bars = []
    for title, own, peer, wanted in BARS:
        figure = next((ratio(group, own, peer) for group in groups if group["title"] == title), None)
        if figure is not None:
            bars.append({"bar": f"{title}, {own} beside {peer}", "figure": round(figure, 2), "wanted": wanted})
    for group in groups:
        for row in group["rows"]:
            beside = ", ".join(f"{ratio(group, row['name'], peer):.2f} of {peer}" for peer in row["beside"])
            print(f"{group['title']}, {row['name']}: {statistics.median(row['rounds']):.3g} {group['unit']} {beside}")
    part = {"title": "Models that write", "text": __doc__.split("\n\n")[3] + left_out(FAILED), "made": stamp(), "groups": groups, "bars": bars}
    args.out.write_text(json.dumps(part, indent=1) + "\n")
    return None


if __name__ == "__main__":
    main()
