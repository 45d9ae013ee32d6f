#!/usr/bin/env python3
"""A peer of the encoder: loads, prints its vectors as a line of JSON, then encodes all sentences once for each line that
comes (`arrival`, or `sorted` by length) and prints how long that took, tokens included: seconds by the clock, and of all threads on a core.

  peer.py onnx MODEL_FOLDER SENTENCES.txt FILE.onnx BATCH
  peer.py sentence-transformers MODEL_FOLDER SENTENCES.txt
  peer.py export MODEL_FOLDER OUT_FOLDER          writes f32.onnx and int8.onnx
"""

import json
import sys
import time
from pathlib import Path

import numpy

#: The model reads no more tokens.
LONGEST = 256


def serve(texts: list[str], encode) -> None:
    """`encode` takes texts and whether it may sort them."""
    print(json.dumps({"vectors": encode(texts, False).tolist()}), flush=True)
    for line in sys.stdin:
        start, on_cores = time.perf_counter(), time.process_time()
        encode(texts, line.strip() == "sorted")
        print(json.dumps({"seconds": time.perf_counter() - start, "cpu": time.process_time() - on_cores}), flush=True)


def onnx(folder: Path, file: str, at_once: int):
    """One thread, every optimisation on; a batch is padded to its longest."""
    import onnxruntime
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    # The file itself pads and truncates at 128.
    tokenizer.enable_padding()
    tokenizer.enable_truncation(LONGEST)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def encode(texts: list[str], by_length: bool) -> numpy.ndarray:
        order = sorted(range(len(texts)), key=lambda at: len(texts[at])) if by_length else range(len(texts))
        vectors = numpy.empty((len(texts), 384), numpy.float32)
        for start in range(0, len(texts), at_once):
            places = list(order[start : start + at_once])
            batch = tokenizer.encode_batch([texts[at] for at in places])
            ids = numpy.array([each.ids for each in batch], numpy.int64)
            mask = numpy.array([each.attention_mask for each in batch], numpy.int64)
            given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
            hidden = session.run(None, given)[0]
            share = mask[:, :, None].astype(numpy.float32)
            mean = (hidden * share).sum(1) / share.sum(1)
            vectors[places] = mean / numpy.linalg.norm(mean, axis=1, keepdims=True)
        return vectors

    return encode


def sentence_transformers(folder: Path):
    """As shipped: it sorts by length itself, whatever is asked."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    model = SentenceTransformer(str(folder), device="cpu")
    model.max_seq_length = LONGEST
    return lambda texts, _: model.encode(texts, normalize_embeddings=True, show_progress_bar=False)


def export(folder: Path, out: Path) -> None:
    """By torch, and quantised by onnxruntime as the model is run: weights by output, in 8 bits, activations by tensor. Its
    optimiser for transformers made both slower here than what a session does by itself."""
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from transformers import BertModel

    class Hidden(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bert = BertModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="eager").eval()

        def forward(self, ids, mask, kinds):
            # The mask as what is added to scores, so that it is no graph of comparisons.
            added = (1.0 - mask[:, None, None, :].to(torch.float32)) * -10000.0
            hidden = self.bert.embeddings(input_ids=ids, token_type_ids=kinds)
            for layer in self.bert.encoder.layer:
                hidden = layer(hidden, attention_mask=added)
                hidden = hidden[0] if isinstance(hidden, tuple) else hidden
            return hidden

    names = ["input_ids", "attention_mask", "token_type_ids"]
    axes = {name: {0: "batch", 1: "tokens"} for name in (*names, "hidden")}
    ids = torch.tensor([[101, 1996, 9278, 9466, 102]] * 2)
    torch.onnx.export(Hidden(), (ids, torch.ones_like(ids), torch.zeros_like(ids)), out / "f32.onnx", dynamo=False,
                      opset_version=17, input_names=names, output_names=["hidden"], dynamic_axes=axes)
    quantize_dynamic(out / "f32.onnx", out / "int8.onnx", weight_type=QuantType.QInt8, per_channel=True)


def lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


def main() -> None:
    what, folder, *rest = sys.argv[1:]
    if what == "export":
        export(Path(folder), Path(rest[0]))
    elif what == "onnx":
        serve(lines(rest[0]), onnx(Path(folder), rest[1], int(rest[2])))
    else:
        serve(lines(rest[0]), sentence_transformers(Path(folder)))


if __name__ == "__main__":
    main()
