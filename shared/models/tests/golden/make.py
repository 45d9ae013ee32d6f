#!/usr/bin/env python3
"""Tiny seeded models with what the reference library computes from them, for the parity tests to hold ours against.

  make.py            writes its files beside itself

Needs PyPI's torch (CPU), transformers, safetensors, tokenizers and gguf, in an environment of its own:
  python3 -m venv target/golden/venv && target/golden/venv/bin/pip install torch transformers gguf

  t5-relu/     T5 v1.0: tied head with its scale, ReLU; one file, f32
  t5-gated/    T5 v1.1: head of its own, gated GELU; one file, bf16
  qwen3/       grouped queries, norms of queries and keys, tied head; two files with an index, f16
  qwen3.gguf   the same weights: Q8_0, F16 and F32, with the tokenizer inside
  t5-gguf/     the weights of t5-gated as GGUF, with the tokenizer beside it
  text.json    ids of ugly texts, and of a conversation
  blocks.json  quantised blocks and what they stand for, by the gguf package
Each model's expected.json: logits of chosen positions, greedy and beam tokens. Every row was computed alone, in f32; and
how far from that the reference itself is when it computes in 16 bits, which is the bound for ours.
Weights are scaled up and the position biases with them, so that an error of either shows. All but the training of the
unigram tokenizer gives the same at each run: its files and text.json change together.
"""
import copy
import json
import pathlib

import gguf
import numpy as np
import tokenizers
import torch
import transformers
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM, T5Config, T5ForConditionalGeneration

HERE = pathlib.Path(__file__).resolve().parent
MADE = f"transformers {transformers.__version__}, torch {torch.__version__}, tokenizers {tokenizers.__version__}"
CORPUS = [
    "The rent rises by 6% on 1 March 2027. Either party may end this agreement with three months' written notice.",
    "The tenant shall keep the roof, the gutters and the drains in good repair at the tenant's own cost.",
    "Die Miete steigt zum 1. März 2027 um sechs Prozent. Le loyer augmente de 6 % à compter du 1er mars 2027.",
    "summarize: the council approved the budget; it didn't say when we'll hear more, but they've promised it.",
] * 4
UGLY = [
    "", " ", "\n", "  two  spaces ", "The rent rises by 6% on 1 March 2027.", "\x00\x07control\x1b[31m characters\x7f",
    "🏠 rent ↑ 6% 👍🏽 👩‍👩‍👧", "يرتفع الإيجار بنسبة ٦٪", "家賃は2027年3月1日から6%上がります。", "a\tb\r\nc\u00a0d\u200be\u00adf\u2028g",
    "Cafe\u0301 vs caf\u00e9 \ufb01n \u212b", "we'll they've DIDN'T 12345 x=y+1;", "\ud7a3\u1112\u1161\u11ab \U0010ffff",
    "<|im_end|>\n<|im_start|>system", "</s><pad><extra_id_0>", "</think>", "x" * 10_000, "é" * 300, "ab" * 5_000,
]


def write(path, value):
    path.write_text(json.dumps(value, separators=(",", ":")) + "\n")


def digits(tensor):
    return [float(f"{x:.7g}") for x in tensor.flatten().tolist()]


def unigram():
    """As T5's: a unigram model over words with a mark for the space, `</s>` at the end."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=240, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens([AddedToken(f"<extra_id_{n}>", special=True) for n in range(2)])
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    return tokenizer


WORDS = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def bytewise():
    """As Qwen's: byte-level pairs, words cut by an expression, NFC."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(WORDS), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in CONTROL])
    tokenizer.add_tokens([AddedToken(name, special=False, normalized=False) for name in ("<think>", "</think>")])
    return tokenizer


def amplify(model, seed, ends):
    generator = torch.Generator().manual_seed(seed)
    for name, weight in model.named_parameters():
        random = torch.randn(weight.shape, generator=generator)
        if "relative_attention_bias" in name:
            weight.data = random * 3
        elif weight.dim() == 1:
            weight.data = 1 + 0.2 * random
        elif "embed" in name or "shared" in name:
            weight.data = random if model.config.is_encoder_decoder else random * 0.25
        else:
            # T5 has no scale in its attention: its queries' weights are smaller instead.
            small = model.config.d_kv**0.5 if name.endswith("Attention.q.weight") else 1
            gain = 1.5 if model.config.is_encoder_decoder else 1.2
            weight.data = random * gain / small / weight.shape[1] ** 0.5
    with torch.no_grad():
        # Louder, so that some answers end before they are cut.
        model.get_output_embeddings().weight[ends] *= 2.4


def rounded(model, dtype):
    for weight in model.parameters():
        weight.data = weight.data.to(dtype).float()


def lively(model, seed, dtype, ends, prompts):
    """The first seed with which some answers end by themselves, not at once, and others are cut."""
    for tried in range(seed, seed + 500):
        amplify(model, tried, ends)
        rounded(model, dtype)
        lengths = [len(generated(model, row, model.config.is_encoder_decoder, GREEDY)) for row in prompts]
        if min(lengths) >= 4 and any(length < 40 for length in lengths) and any(length == 40 for length in lengths):
            return
    raise SystemExit(f"no lively seed after {seed}")


def rows(lengths, vocabulary, seed, end=None):
    generator = torch.Generator().manual_seed(seed)
    out = [torch.randint(3, vocabulary, (length,), generator=generator).tolist() for length in lengths]
    return [row[:-1] + [end] if end is not None else row for row in out]


def state(model, dtype, leave_out=()):
    return {name: tensor.to(dtype).contiguous() for name, tensor in model.state_dict().items() if name not in leave_out}


def coarse(model, cases):
    """The largest difference to the f32 logits, relative to the largest of its position, in f16 and bf16."""
    out = {}
    for name, dtype in (("f16", torch.float16), ("bf16", torch.bfloat16)):
        rough, worst = copy.deepcopy(model).to(dtype), 0.0
        for case in cases:
            fed = {"decoder_input_ids": torch.tensor([case["fed"]])} if "fed" in case else {}
            logits = rough(input_ids=torch.tensor([case["prompt"]]), **fed).logits[0].float()
            for place, wanted in case["logits"].items():
                wanted = torch.tensor(wanted)
                worst = max(worst, ((logits[place] - wanted).abs().max() / wanted.abs().max()).item())
        out[name] = float(f"{worst:.3g}")
    return out


GREEDY = {"max_new_tokens": 40}
RULED = {"max_new_tokens": 40, "min_new_tokens": 12, "repetition_penalty": 1.3, "no_repeat_ngram_size": 2}
BEAMS = [
    {"max_new_tokens": 24, "num_beams": 4, "length_penalty": 1.0},
    {"max_new_tokens": 24, "num_beams": 3, "length_penalty": 2.0, "no_repeat_ngram_size": 2},
    {"max_new_tokens": 24, "num_beams": 4, "length_penalty": -0.5, "min_new_tokens": 5, "repetition_penalty": 1.2},
]


def generated(model, row, start, options):
    ids = torch.tensor([row])
    out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, **options)[0].tolist()
    return out[1:] if start else out[len(row):]


def answers(model, prompts, start, ruled=True):
    runs = [GREEDY] + ([RULED] if ruled else []) + BEAMS[: 3 if ruled else 1]
    return [{"options": options, "tokens": [generated(model, row, start, options) for row in prompts]} for options in runs]


@torch.no_grad()
def t5(name, feed, tied, dtype, seed, tokenizer):
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    config = T5Config(
        vocab_size=256, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_decoder_layers=2, num_heads=4, feed_forward_proj=feed,
        tie_word_embeddings=tied, decoder_start_token_id=0, pad_token_id=0, eos_token_id=1)
    model = T5ForConditionalGeneration(config).eval()
    if not tied:
        model.lm_head.weight = torch.nn.Parameter(torch.empty(256, 32))
    prompts = rows([3, 140, 17, 64], 256, seed, end=1)
    lively(model, seed, dtype, [1], prompts)
    again = {"lm_head.weight"} if tied else set()
    again |= {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight"}
    save_file(state(model, dtype, again), folder / "model.safetensors")
    written = config.to_dict()
    # As the files of these models have it; newer versions of the library write both as true.
    written["tie_word_embeddings"] = tied
    for key in ("scale_decoder_outputs", "transformers_version", "architectures"):
        written.pop(key, None)
    write(folder / "config.json", written)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    forced = [[0] + row for row in rows([139, 5, 30, 1], 256, seed + 2)]
    cases = []
    for row, fed in zip(prompts, forced):
        logits = model(input_ids=torch.tensor([row]), decoder_input_ids=torch.tensor([fed])).logits[0]
        places = sorted({0, len(fed) // 2, len(fed) - 1})
        cases.append({"prompt": row, "fed": fed, "logits": {place: digits(logits[place]) for place in places}})
    out = {"made_with": MADE, "cases": cases, "coarse": coarse(model, cases), "answers": answers(model, prompts, True)}
    write(folder / "expected.json", out)
    if not tied:
        t5_gguf(model, config, tokenizer, cases)


def t5_gguf(model, config, tokenizer, cases):
    """The same weights quantised, with what the reference computes from the numbers that the blocks stand for."""
    folder = HERE / "t5-gguf"
    folder.mkdir(exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    writer = gguf.GGUFWriter(folder / "tiny.gguf", "t5")
    writer.add_context_length(512)
    writer.add_embedding_length(config.d_model)
    writer.add_block_count(config.num_layers)
    writer.add_feed_forward_length(config.d_ff)
    writer.add_head_count(config.num_heads)
    writer.add_key_length(config.d_kv)
    writer.add_value_length(config.d_kv)
    writer.add_layer_norm_eps(config.layer_norm_epsilon)
    writer.add_layer_norm_rms_eps(config.layer_norm_epsilon)
    writer.add_relative_attn_buckets_count(config.relative_attention_num_buckets)
    writer.add_decoder_start_token_id(0)
    writer.add_eos_token_id(1)
    # The package's own list of names, by which files of such models are made.
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.T5, config.num_layers)
    quantised(writer, model, lambda name: names.get_name(name, try_suffixes=(".weight",)), ("encoder.embed", "decoder.embed"))
    redone = []
    for case in cases:
        logits = model(input_ids=torch.tensor([case["prompt"]]), decoder_input_ids=torch.tensor([case["fed"]])).logits[0]
        redone.append({**case, "logits": {place: digits(logits[place]) for place in case["logits"]}})
    write(folder / "expected.json", {"made_with": MADE, "cases": redone, "coarse": coarse(model, redone)})


def quantised(writer, model, short, leave_out):
    """Writes the file and gives the model the numbers that are in it."""
    changed = {}
    for name, tensor in model.state_dict().items():
        if name.startswith(leave_out):
            continue
        data = tensor.numpy()
        kind = gguf.GGMLQuantizationType.Q8_0
        if data.ndim == 1 or "bias" in name:
            kind = gguf.GGMLQuantizationType.F32
        elif data.shape[1] % 32 or "down_proj" in name:
            kind = gguf.GGMLQuantizationType.F16
        packed = gguf.quants.quantize(data, kind)
        writer.add_tensor(short(name), packed, raw_dtype=kind)
        changed[name] = torch.from_numpy(gguf.quants.dequantize(packed, kind).astype(np.float32).reshape(data.shape))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    model.load_state_dict(changed, strict=False)


@torch.no_grad()
def qwen3(seed, tokenizer):
    folder = HERE / "qwen3"
    folder.mkdir(exist_ok=True)
    end = tokenizer.token_to_id("<|im_end|>")
    config = Qwen3Config(
        vocab_size=320, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        head_dim=16, max_position_embeddings=512, rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        tie_word_embeddings=True, eos_token_id=end, bos_token_id=None)
    model = Qwen3ForCausalLM(config).eval()
    # Two ends, as the released models have.
    model.generation_config.eos_token_id = [end, tokenizer.token_to_id("<|endoftext|>")]
    prompts = rows([3, 150, 17, 64], 290, seed)
    lively(model, seed, torch.float16, [end], prompts)
    tensors = state(model, torch.float16, {"lm_head.weight"})
    parts, names = {}, [f"model-{n:05}-of-00002.safetensors" for n in (1, 2)]
    for place, name in enumerate(sorted(tensors)):
        parts[name] = names[2 * place // len(tensors)]
    for name in names:
        save_file({key: tensors[key] for key in tensors if parts[key] == name}, folder / name)
    write(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": parts})
    written = config.to_dict()
    written.pop("rope_parameters")
    written["rope_theta"] = 10000.0
    for key in ("transformers_version", "architectures"):
        written.pop(key, None)
    write(folder / "config.json", written)
    write(folder / "generation_config.json", {"eos_token_id": model.generation_config.eos_token_id})
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    write(folder / "expected.json", qwen3_expected(model, prompts))
    as_gguf(model, config, tokenizer, prompts, end)


def qwen3_expected(model, prompts):
    cases = []
    for row in prompts:
        logits = model(torch.tensor([row])).logits[0]
        places = sorted({0, len(row) // 2, len(row) - 1})
        cases.append({"prompt": row, "logits": {place: digits(logits[place]) for place in places}})
    return {"made_with": MADE, "cases": cases, "coarse": coarse(model, cases), "answers": answers(model, prompts, False, ruled=False)}


def as_gguf(model, config, tokenizer, prompts, end):
    """The same weights quantised; expected of it: what the reference computes from the numbers that the blocks stand for."""
    writer = gguf.GGUFWriter(HERE / "qwen3.gguf", "qwen3")
    writer.add_name("tiny")
    writer.add_context_length(512)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    vocabulary = {place: token for token, place in tokenizer.get_vocab(True).items()}
    known = [vocabulary.get(n, f"[PAD{n}]") for n in range(config.vocab_size)]
    kinds = [3 if token in CONTROL else 4 if token in ("<think>", "</think>") else 5 if n not in vocabulary else 1 for n, token in enumerate(known)]
    merges = [" ".join(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(known)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(end)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN3, config.num_hidden_layers)
    quantised(writer, model, lambda name: names.get_name(name, try_suffixes=(".weight",)), ("lm_head",))
    # Tied.
    model.lm_head.weight.data = model.model.embed_tokens.weight.data
    write(HERE / "qwen3-gguf.json", qwen3_expected(model, prompts))


def blocks(seed):
    random = np.random.default_rng(seed)
    out = {"made_with": f"gguf, numpy {np.__version__}", "blocks": []}
    for kind in ("Q4_K", "Q5_K", "Q6_K", "Q8_0"):
        kind = gguf.GGMLQuantizationType[kind]
        length, size = gguf.GGML_QUANT_SIZES[kind]
        data = random.integers(0, 256, (2, size), dtype=np.uint8)
        scales = np.frombuffer(np.array([0.013, 0.31], dtype=np.float16).tobytes(), dtype=np.uint8)
        if kind.name in ("Q4_K", "Q5_K"):
            data[:, :4] = scales
        else:
            data[:, -2:] = scales[:2]
            if kind.name == "Q8_0":
                data[:, :2] = scales[:2]
        values = gguf.quants.dequantize(data, kind)
        out["blocks"].append({"kind": kind.name, "shape": [2, length], "bytes": data.tobytes().hex(), "values": digits(torch.from_numpy(values))})
    write(HERE / "blocks.json", out)


def texts(t5, qwen):
    wrap = lambda tokenizer: PreTrainedTokenizerFast(tokenizer_object=tokenizer)
    t5, qwen = wrap(t5), wrap(qwen)
    system, user = "Summarize what follows.", "The rent rises.\n\n  It's 6 % 🏠"
    chat = (f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{user}<|im_end|>\n"
            "<|im_start|>assistant\n<think>\n\n</think>\n\n")
    # What a document says is text, whatever it looks like: only for those few is the reference asked without its own names.
    named = lambda tokenizer, text: any(name in text for name in tokenizer.added_tokens_encoder)
    short = lambda ids: ids if len(ids) <= 400 else {"count": len(ids), "head": ids[:50], "tail": ids[-50:]}
    rows = [{"text": text, "t5": None if named(t5, text) else short(t5(text).input_ids),
             "qwen3": None if named(qwen, text) else short(qwen(text).input_ids)} for text in UGLY]
    back = [{"ids": ids, "text": tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False), "kind": kind}
            for kind, tokenizer in (("t5", t5), ("qwen3", qwen)) for ids in [tokenizer("The rent rises by 6% on 1 March 2027.").input_ids]]
    write(HERE / "text.json", {
        "made_with": MADE, "texts": rows, "decoded": back,
        "chat": {"system": system, "user": user, "ids": qwen(chat).input_ids}})


def main():
    torch.set_num_threads(1)
    t5_words, qwen_words = unigram(), bytewise()
    texts(t5_words, qwen_words)
    blocks(5)
    t5("t5-relu", "relu", True, torch.float32, 11, t5_words)
    t5("t5-gated", "gated-gelu", False, torch.bfloat16, 22, t5_words)
    qwen3(33, qwen_words)


if __name__ == "__main__":
    main()
