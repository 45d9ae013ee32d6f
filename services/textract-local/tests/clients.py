"""Drives the server with clients that were not written here, and says what each of them saw.

boto3 validates what it sends by AWS's own API model and reads answers by it; `trp` is the parser that AWS offers for
Textract's answers; the AWS CLI is what people type. Run by server/clients.rs with: endpoint of the server, bucket, key of a
PDF in it, file of a PNG, and the line that must be read on each.

    pip install boto3==1.44.8 awscli==1.46.3 amazon-textract-response-parser==1.0.3
"""

import json
import os
import subprocess
import sys
import time
from importlib.metadata import version

import boto3
import trp
import trp.trp2
from botocore.config import Config
from botocore.validate import ParamValidator

endpoint, bucket, key, picture, expected = sys.argv[1:]
client = boto3.client("textract", endpoint_url=endpoint, config=Config(retries={"max_attempts": 1}))


def validate(operation, answer):
    """An answer by the model: botocore's validator, which is for requests, does for answers too."""
    shape = client.meta.service_model.operation_model(operation).output_shape
    known = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    unknown = set(known) - set(shape.members)
    assert not unknown, f"{operation}: fields that are not in the model: {unknown}"
    report = ParamValidator().validate(known, shape)
    assert not report.has_errors(), report.generate_report()
    assert answer["ResponseMetadata"]["RequestId"], "no request id"
    for block in known.get("Blocks", []):
        kinds = shape.members["Blocks"].member.members["BlockType"].enum
        assert block["BlockType"] in kinds and 0 <= block.get("Confidence", 0) <= 100, block


def lines_by_trp(answer):
    document = trp.Document(answer)
    read = [[line.text for line in page.lines] for page in document.pages]
    words = [word.text for page in document.pages for line in page.lines for word in line.words]
    assert " ".join(words) == " ".join(text for page in read for text in page), "words and lines differ"
    second = trp.trp2.TDocumentSchema().load(answer)
    assert len(second.pages) == len(document.pages)
    return read


with open(picture, "rb") as file:
    content = file.read()
detected = client.detect_document_text(Document={"Bytes": content})
validate("DetectDocumentText", detected)
assert expected in lines_by_trp(detected)[0], lines_by_trp(detected)
print(f"boto3 {boto3.__version__}: DetectDocumentText by bytes, {len(detected['Blocks'])} blocks are valid")

start = {
    "DocumentLocation": {"S3Object": {"Bucket": bucket, "Name": key}},
    "ClientRequestToken": "clients-1",
    "JobTag": "clients",
}
started = client.start_document_text_detection(**start)
validate("StartDocumentTextDetection", started)
again = client.start_document_text_detection(**start)
assert again["JobId"] == started["JobId"], "another job for the same token"

pages, calls, token = [], 0, None
deadline = time.time() + 120
while True:
    more = {"NextToken": token} if token else {}
    got = client.get_document_text_detection(JobId=started["JobId"], MaxResults=20, **more)
    validate("GetDocumentTextDetection", got)
    if got["JobStatus"] == "IN_PROGRESS":
        assert time.time() < deadline, "the job does not end"
        time.sleep(0.2)
        continue
    assert got["JobStatus"] == "SUCCEEDED", got
    pages.append(got)
    calls += 1
    token = got.get("NextToken")
    if token is None:
        break
whole = dict(pages[0], Blocks=[block for page in pages for block in page["Blocks"]])
read = lines_by_trp(whole)
assert len(read) == whole["DocumentMetadata"]["Pages"] > 1 and expected in read[-1], read
print(f"boto3: a job of {len(read)} pages in {calls} valid answers; trp reads {sum(map(len, read))} lines")

for wrong, name in [
    (lambda: client.get_document_text_detection(JobId="unknown"), "InvalidJobIdException"),
    (lambda: client.detect_document_text(Document={"Bytes": b"words"}), "UnsupportedDocumentException"),
    (
        lambda: client.start_document_text_detection(**{**start, "JobTag": "other"}),
        "IdempotentParameterMismatchException",
    ),
    (
        lambda: client.detect_document_text(Document={"S3Object": {"Bucket": bucket, "Name": "none"}}),
        "InvalidS3ObjectException",
    ),
]:
    try:
        wrong()
    except client.exceptions.ClientError as error:
        assert type(error) is getattr(client.exceptions, name), error
        assert error.response["Error"]["Message"] and error.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    else:
        raise AssertionError(f"no {name}")
print("boto3: four errors come as the exceptions of the model")


def cli(*arguments):
    program = [sys.executable, "-m", "awscli", "textract", *arguments, "--endpoint-url", endpoint]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


document = json.dumps({"S3Object": {"Bucket": bucket, "Name": os.path.basename(picture)}})
code, out, errors = cli("detect-document-text", "--document", document)
assert code == 0, errors
assert expected in [block.get("Text") for block in json.loads(out)["Blocks"]], out
code, out, errors = cli("detect-document-text", "--document", "Bytes=words")
assert code != 0 and "UnsupportedDocumentException" in errors, errors
code, out, errors = cli("get-document-text-detection", "--job-id", started["JobId"])
assert code == 0 and json.loads(out)["JobStatus"] == "SUCCEEDED", errors
print(f"AWS CLI {version('awscli')}: two answers and an error are understood")
