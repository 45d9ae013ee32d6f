"""Images by digest into the account's registry, and templates into a bucket, each under a name made of its content."""

import base64
import hashlib
import json
import subprocess
import tempfile
from pathlib import Path

from botocore.exceptions import ClientError
from refusal import Refusal
from settings import FOLDER, worked

SERVICES = ("ingest", "ocr", "summarize", "notify")
# Stand in for images that are not built yet, where only their form counts.
PLACEHOLDERS = {f"{service.capitalize()}Image": f"precis/{service}@sha256:{'0' * 64}" for service in SERVICES}


def images(account, file: str | None) -> dict[str, str]:
    """The parameters that name the images: of a release, or built here and pushed."""
    parameters = account.chosen.parameters
    if file:
        try:
            said = json.loads(Path(file).read_text())
            if parameters.get("SummarizeOn") == "gpu":
                said["summarize"] = said["summarize-gpu"]
            return {f"{service.capitalize()}Image": said[service] for service in SERVICES}
        except (OSError, ValueError, KeyError) as error:
            raise Refusal(f"{file} does not name the images", str(error), "give the images.json of a release; those for GPUs are built here") from None
    platform = "linux/arm64" if parameters.get("Architecture") == "ARM64" else "linux/amd64"
    registry = sign_in(account)
    made = {}
    for service in SERVICES:
        gpu = service == "summarize" and parameters.get("SummarizeOn") == "gpu"
        repository = f"{account.chosen.stack}/{service}"
        keep(account, repository)
        digest = build(f"{registry}/{repository}", f"{service}-gpu" if gpu else service, "linux/amd64" if gpu else platform)
        made[f"{service.capitalize()}Image"] = f"{registry}/{repository}@{digest}"
        print(f"{service}: {digest}")
    return made


def sign_in(account) -> str:
    token = account.client("ecr").get_authorization_token()["authorizationData"][0]
    registry = token["proxyEndpoint"].removeprefix("https://")
    password = base64.b64decode(token["authorizationToken"]).decode().split(":", 1)[1]
    ran = run(["docker", "login", "--username", "AWS", "--password-stdin", registry], password)
    if ran.returncode:
        raise Refusal("images cannot be pushed", ran.stderr.strip(), "is Docker running?")
    return registry


def keep(account, repository: str) -> None:
    """A repository whose images cannot be changed, only added to."""
    ecr = account.client("ecr")
    try:
        ecr.create_repository(repositoryName=repository, imageTagMutability="IMMUTABLE", imageScanningConfiguration={"scanOnPush": True},
                              tags=[{"Key": "precis:stack", "Value": account.chosen.stack}])
    except ecr.exceptions.RepositoryAlreadyExistsException:
        pass


def build(repository: str, target: str, platform: str) -> str:
    """Builds and pushes without a tag: the digest is the name."""
    with tempfile.NamedTemporaryFile() as told:
        command = ["docker", "buildx", "build", "--platform", platform, "--file", "docker/Dockerfile", "--target", target, "--provenance=mode=max", "--sbom=true",
                   "--output", f"type=image,name={repository},push=true,push-by-digest=true", "--metadata-file", told.name, "."]
        ran = subprocess.run(command, cwd=FOLDER.parent, check=False)
        if ran.returncode:
            raise Refusal(f"the image {target} was not built", "docker says why above", "mend it; what was pushed is found again next time")
        return json.loads(Path(told.name).read_text())["containerimage.digest"]


def run(command: list[str], said: str) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(command, input=said, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Refusal("images cannot be built", f"there is no {command[0]} here", "install Docker with buildx, or give --images FILE of a release") from None


def templates(account, root: str) -> str:
    """Puts the nested templates into the account's bucket for them, and gives the root with their addresses in it."""
    text = (FOLDER / root).read_text()
    names = sorted({made["Properties"]["TemplateURL"] for made in worked.read(root)["Resources"].values() if made["Type"] == "AWS::CloudFormation::Stack"})
    bucket, s3 = room(account), account.client("s3")
    for name in names:
        body = text_of(account, name).encode()
        key = f"{hashlib.sha256(body).hexdigest()[:16]}/{name}"
        s3.put_object(Bucket=bucket, Key=key, Body=body)
        address = f"{s3.meta.endpoint_url}/{bucket}/{key}" if account.is_emulator else f"https://{bucket}.s3.{account.chosen.region}.{suffix(account)}/{key}"
        text = text.replace(f"TemplateURL: {name}\n", f"TemplateURL: {address}\n")
    return text


def text_of(account, name: str) -> str:
    """A template as it is deployed. LocalStack knows only the older of two words for what stays."""
    text = (FOLDER / name).read_text()
    return text.replace("RetainExceptOnCreate", "Retain") if account.is_emulator else text


def suffix(account) -> str:
    return "amazonaws.com.cn" if account.partition == "aws-cn" else "amazonaws.com"


def room(account) -> str:
    bucket, s3 = f"{account.chosen.stack}-templates-{account.number}-{account.chosen.region}", account.client("s3")
    try:
        where = {} if account.chosen.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": account.chosen.region}}
        s3.create_bucket(Bucket=bucket, **where)
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise Refusal(f"the bucket {bucket} for templates cannot be made", str(error), "choose another Stack") from None
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(
        ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True))
    return bucket
