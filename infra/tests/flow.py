"""Flow: what is kept and sent is there under the names that the code asks for, and every message has a way to go."""

import re

from policies import decide, listed, may
from rules import CONTRACT, WORKER, found, rule, source, stack
from templates import ACCOUNT, REGION, Deployment, arn

DAYS = 86400
TLS = {"aws:SecureTransport": "true"}


def queues(deployment):
    return {made["QueueName"]: made for made in deployment.of("AWS::SQS::Queue").values() if "QueueName" in made}


def queue_policies(deployment, url):
    policies = deployment.of("AWS::SQS::QueuePolicy").values()
    return [made["PolicyDocument"] for made in policies if url in made.get("Queues", [])]


def url_of(name):
    return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"


@rule
def the_code_finds_its_parts(deployment):
    """Names follow from the stack's name in the code (shared/aws/src/names.rs); a part called otherwise is not found."""
    name, made = stack(deployment), deployment.resources.values()
    have = {
        value
        for one in made
        for key, value in one["Properties"].items()
        if key in ("QueueName", "TopicName", "BucketName", "TableName", "RoleName") and isinstance(value, str)
    }
    topics = found(r'self\.arn\("sns", &self\.of\("([a-z-]+)"\)\)', source("shared/aws/src/names.rs"))
    tables = found(r'pub fn \w+\(&self\) -> String \{\s*self\.of\("([a-z-]+)"\)', source("shared/aws/src/names.rs"))
    role = found(r'role/\{\}", self\.partition, self\.account, self\.of\("([a-z-]+)"\)', source("shared/aws/src/names.rs"))
    wanted = [f"{name}-{part}" for part in topics + tables + role]
    wanted += [f"{name}-{queue}{dead}" for queue in CONTRACT["queues"] for dead in ("", "-dead")]
    buckets = ["results"] if deployment.given.get("ExistingUploads") else ["results", "uploads"]
    wanted += [f"{name}-{bucket}-{ACCOUNT}-{REGION}" for bucket in buckets]
    yield from (f"nothing is called {one}" for one in wanted if one not in have)


@rule
def a_queue_gives_a_message_back_when_its_worker_is_dead(deployment):
    """Visibility below the claim's lease hands a message to a second worker while the first still holds the job."""
    for name, queue in queues(deployment).items():
        visibility = queue.get("VisibilityTimeout", 30)
        if visibility < WORKER["lease"]:
            yield f"{name}: visible again after {visibility} s, before the claim ends at {WORKER['lease']} s"
        if visibility != WORKER["visibility"]:
            yield f"{name}: visibility {visibility} s, where the worker counts on {WORKER['visibility']} s"
        if queue.get("ReceiveMessageWaitTimeSeconds", 0) != WORKER["wait"]:
            yield f"{name}: who polls without saying for how long is answered at once, and each poll is paid for"
        if queue.get("MessageRetentionPeriod", 4 * DAYS) != 14 * DAYS:
            yield f"{name}: a message is forgotten before the longest outage that we promise to outlast is over"
        odd = set(queue) - {"QueueName", "VisibilityTimeout", "ReceiveMessageWaitTimeSeconds", "MessageRetentionPeriod",
                            "RedrivePolicy", "SqsManagedSseEnabled", "KmsMasterKeyId"}
        yield from (f"{name}: nobody has thought about {one}" for one in odd)


@rule
def a_message_that_nobody_can_handle_goes_to_the_dead_letters_of_its_queue(deployment):
    """Elsewhere, or too early, it would be ended under the wrong name or before its attempts are used up."""
    have = queues(deployment)
    for name, queue in have.items():
        redrive = queue.get("RedrivePolicy")
        if name.endswith("-dead"):
            if redrive:
                yield f"{name}: dead letters go on to another queue"
            continue
        if not redrive:
            yield f"{name}: a message that nobody can handle comes again for 14 days"
            continue
        if redrive.get("deadLetterTargetArn") != arn("sqs", f"{name}-dead"):
            yield f"{name}: its dead letters go to {redrive.get('deadLetterTargetArn')}"
        if redrive.get("maxReceiveCount") != WORKER["receives"]:
            yield f"{name}: dead after {redrive.get('maxReceiveCount')} receives; the worker counts on {WORKER['receives']}"


@rule
def every_message_gets_through(deployment):
    """Who sends from outside is let in by the queue's policy; else events and completions are lost without a word."""
    name = stack(deployment)
    ingest, completed = arn("sqs", f"{name}-ingest"), arn("sqs", f"{name}-ocr-completed")
    taken = deployment.given.get("ExistingUploads")
    if taken:
        sender = ("service:events.amazonaws.com", arn("events", f"rule/{name}-uploads"))
    else:
        sender = ("service:s3.amazonaws.com", arn("s3", f"{name}-uploads-{ACCOUNT}-{REGION}", "", ""))
    ways = [(f"{name}-ingest", ingest, *sender),
            (f"{name}-ocr-completed", completed, "service:sns.amazonaws.com", arn("sns", f"{name}-textract-completed"))]
    for queue, resource, who, sender_arn in ways:
        context = TLS | {"aws:SourceArn": sender_arn, "aws:SourceAccount": ACCOUNT}
        if not any(may(policy, "sqs:SendMessage", resource, who, context) for policy in queue_policies(deployment, url_of(queue))):
            yield f"{queue}: {who} may not send to it"
    subscriptions = [made for made in deployment.of("AWS::SNS::Subscription").values() if made.get("Protocol") == "sqs"]
    wanted = {"TopicArn": arn("sns", f"{name}-textract-completed"), "Protocol": "sqs", "Endpoint": completed, "RawMessageDelivery": True}
    if subscriptions != [wanted]:
        yield "Textract's completions do not reach ocr-completed, raw, as the code reads them"
    at = deployment.resources.get("messaging.yml/TextractCompletedToQueue", {})
    if at.get("DependsOn") != "OcrCompletedPolicy":
        yield "completions are subscribed before the queue lets them in, so the first may be lost"


@rule
def what_comes_and_goes_in_the_bucket_is_told(deployment):
    """Ingest learns of documents by these events alone, and of their end too."""
    name = stack(deployment)
    ingest = arn("sqs", f"{name}-ingest")
    taken = deployment.given.get("ExistingUploads")
    if not taken:
        if deployment.at("data.yml/UploadEvents"):
            yield "EventBridge is asked for events that come by themselves"
        uploads = deployment.at("data.yml/Uploads")
        told = uploads.get("NotificationConfiguration", {}).get("QueueConfigurations", [])
        for event in ("s3:ObjectCreated:*", "s3:ObjectRemoved:*"):
            if {"Event": event, "Queue": ingest} not in told:
                yield f"ingest is not told of {event}"
        if len(told) != 2:
            yield "ingest is told of something that it does not expect"
        return
    rule_ = deployment.at("data.yml/UploadEvents")
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created", "Object Deleted"], "account": [ACCOUNT],
               "detail": {"bucket": {"name": [taken]}}}
    if rule_.get("EventPattern") != pattern:
        yield "EventBridge brings other events than those of the bucket's objects"
    if rule_.get("Name") != f"{name}-uploads" or [target.get("Arn") for target in rule_.get("Targets", [])] != [ingest]:
        yield "the rule has another name than ingest's policy lets in, or another target"


@rule
def people_get_what_is_for_them(deployment):
    """A subscription without its filter gets everything: operators' failures to readers, all summaries to operators."""
    topic = arn("sns", f"{stack(deployment)}-completions")
    mails = [made for made in deployment.of("AWS::SNS::Subscription").values() if made.get("Protocol") == "email"]
    at = [(made.get("TopicArn"), made.get("Endpoint"), str(made.get("FilterPolicy"))) for made in mails]
    for parameter, audience in (("ReaderEmail", "sender"), ("OperatorEmail", "operator")):
        address = deployment.given.get(parameter)
        if address and (topic, address, str({"audience": [audience]})) not in at:
            yield f"{address} does not get what is for the audience {audience}"
    yield from ("somebody without an address is subscribed" for made in mails if not made.get("Endpoint"))
    words = found(r'Audience::\w+ => "([a-z]+)"', source("shared/aws/src/sns.rs"))
    if sorted(words) != ["operator", "sender"]:
        yield "the code has other audiences now"


@rule
def tables_are_as_the_code_asks_them(deployment):
    """Keys and indexes as in shared/aws/src/doctor/tables.rs; an index that is missing fails each query of it."""
    text, name = source("shared/aws/src/doctor/tables.rs"), stack(deployment)
    quoted = lambda part: re.findall(r'"([a-z_-]+)"', part)
    indexes = {index: (quoted(keys), quoted(beside)) for index, keys, beside in
               found(r'Index \{ name: "([a-z-]+)", keys: \[(.*?)\], beside: &\[(.*?)\] \}', text)}
    for table, keys, own, expires in found(r'Table \{ name: names\.(\w+)\(\), keys: &\[(.*?)\], indexes: &(\w*\[?\]?), expires: (\w+) \}', text):
        made = next((one for one in deployment.of("AWS::DynamoDB::Table").values() if one.get("TableName") == f"{name}-{table}"), {})
        order = lambda schema: [key.get("AttributeName") for key, kind in zip(schema, ("HASH", "RANGE")) if key.get("KeyType") == kind and len(schema) < 3]
        if order(made.get("KeySchema", [])) != quoted(keys):
            yield f"{table}: another key than {keys}"
        have = {one.get("IndexName"): one for one in made.get("GlobalSecondaryIndexes", [])}
        wanted = indexes if "OF_JOBS" in own else {}
        if set(have) != set(wanted):
            yield f"{table}: indexes {sorted(map(str, have))}, not {sorted(wanted)}"
        for index in set(have) & set(wanted):
            columns, beside = wanted[index]
            projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": beside} if beside else {"ProjectionType": "KEYS_ONLY"}
            if order(have[index].get("KeySchema", [])) != columns or have[index].get("Projection") != projection:
                yield f"{table}: {index} has other keys, or brings along what its reader does not get or what is paid for nothing"
        attributes = {one["AttributeName"]: one.get("AttributeType") for one in made.get("AttributeDefinitions", []) if "AttributeName" in one}
        used = set(quoted(keys)) | {key for index in wanted for key in wanted[index][0]}
        if attributes != dict.fromkeys(used, "S"):
            yield f"{table}: its keys are texts, all of them and nothing else"
        ttl = made.get("TimeToLiveSpecification")
        if ttl != ({"AttributeName": "expires_at", "Enabled": True} if expires == "true" else None):
            yield f"{table}: what has expired stays and is paid for, or what should stay expires"
        if made.get("BillingMode") != "PAY_PER_REQUEST":
            yield f"{table}: an idle table is paid for, and a busy one is throttled"


@rule
def an_upload_is_kept_as_long_as_was_said(deployment):
    """Lifecycle rules delete documents: each is there for its parameter, and none besides."""
    choice = {"NoncurrentDays": 30, "ArchiveDays": 0, "ExpireDays": 0} | deployment.given
    for place in ("data.yml/Uploads", "data.yml/Results"):
        bucket = deployment.at(place)
        if not bucket:
            continue
        rules = bucket.get("LifecycleConfiguration", {}).get("Rules", [])
        if any(one.get("Status") != "Enabled" for one in rules):
            yield f"{place}: a rule that is not in force"
        got = {key: value for one in rules for key, value in one.items() if key not in ("Id", "Status")}
        wanted = {
            "NoncurrentVersionExpiration": {"NoncurrentDays": choice["NoncurrentDays"]},
            "ExpiredObjectDeleteMarker": True,
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }
        if choice["ArchiveDays"] and place.endswith("Uploads"):
            wanted["Transitions"] = [{"StorageClass": "GLACIER_IR", "TransitionInDays": choice["ArchiveDays"]}]
        if choice["ExpireDays"]:
            wanted["ExpirationInDays"] = choice["ExpireDays"]
        for key in set(got) | set(wanted):
            if got.get(key) != wanted.get(key):
                yield f"{place}: {key} is {got.get(key)}, not {wanted.get(key)}"
        if len({one.get("Id") for one in rules}) != len(rules):
            yield f"{place}: rules of one name overwrite each other"


@rule
def messaging_and_data_work_alone(deployment):
    """Local stacks have these two and no key of their own: SQS's and SNS's own encryption then, and AES256 for buckets."""
    parts = {file: deployment.templates[file] for file in ("messaging.yml", "data.yml")}
    key = repr(parts)
    if key not in _ALONE:
        _ALONE[key] = tuple(look_alone(parts))
    yield from _ALONE[key]


_ALONE: dict[str, tuple] = {}


def look_alone(parts):
    made = lambda name, after: {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": name, "Parameters": {"Stack": "alone"}}} | after
    root = {"Resources": {"Messaging": made("messaging.yml", {}), "Data": made("data.yml", {"DependsOn": "Messaging"})}}
    deployment = Deployment(parts | {"alone.yml": root}, {}, "alone.yml")
    for place, queue in deployment.of("AWS::SQS::Queue").items():
        if queue.get("SqsManagedSseEnabled") is not True or "KmsMasterKeyId" in queue:
            yield f"{place}: not encrypted where there is no key"
    for place, topic in deployment.of("AWS::SNS::Topic").items():
        if topic.get("KmsMasterKeyId") != "alias/aws/sns":
            yield f"{place}: not encrypted where there is no key"
    for place, bucket in deployment.of("AWS::S3::Bucket").items():
        if bucket.get("BucketEncryption") != {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}:
            yield f"{place}: not encrypted by S3 where there is no key"
    for place, table in deployment.of("AWS::DynamoDB::Table").items():
        if table.get("SSESpecification") != {"SSEEnabled": True} or table.get("DeletionProtectionEnabled") is not True:
            yield f"{place}: not encrypted by AWS's key where there is none of ours, or not protected"
    rights = [one for policy in deployment.at("messaging.yml/TextractRole").get("Policies", []) for one in policy["PolicyDocument"]["Statement"]]
    if [one.get("Action") for one in rights] != ["sns:Publish"]:
        yield "Textract may use a key that is not there"


@rule
def textract_may_tell_that_it_is_done_and_nothing_else(deployment):
    """It takes on this role for us; whoever may take it on may say of any document that it was read."""
    name = stack(deployment)
    role = deployment.at("messaging.yml/TextractRole")
    trust = role.get("AssumeRolePolicyDocument", {"Version": "2012-10-17", "Statement": []})
    ours = {"aws:SourceArn": arn("textract", "job/1"), "aws:SourceAccount": ACCOUNT}
    theirs = {"aws:SourceArn": arn("textract", "job/1", account="999999999999"), "aws:SourceAccount": "999999999999"}
    who = "service:textract.amazonaws.com"
    if not may(trust, "sts:AssumeRole", "", who, ours):
        yield "Textract cannot take on its role"
    for other, context in ((who, theirs), (who, ours | {"aws:SourceAccount": "999999999999"}), (who, ours | {"aws:SourceArn": theirs["aws:SourceArn"]}),
                           ("service:ec2.amazonaws.com", ours), ("*", ours)):
        if decide(trust, "sts:AssumeRole", "", other, context) or decide(trust, "sts:TagSession", "", who, ours):
            yield f"{other} may take on Textract's role for {context['aws:SourceAccount']}"
    topic, key = arn("sns", f"{name}-textract-completed"), arn("kms", "key/12345678-abcd")
    policies = [one.get("PolicyDocument", {}) for one in role.get("Policies", [])]
    via = {"kms:ViaService": f"sns.{REGION}.amazonaws.com"}
    for action, resource, context in (("sns:Publish", topic, {}), ("kms:GenerateDataKey", key, via), ("kms:Decrypt", key, via)):
        if not any(may(policy, action, resource, None, context) for policy in policies):
            yield f"in its role Textract may not {action}"
    actions = [(action, resource) for policy in policies for one in policy["Statement"] for action in listed(one.get("Action", []))
               for resource in listed(one.get("Resource", "*"))]
    if sorted(actions) != sorted([("sns:Publish", topic), ("kms:GenerateDataKey", key), ("kms:Decrypt", key)]):
        yield f"in its role Textract may do more than tell: {actions}"
    if any(decide(policy, "kms:Decrypt", key, None, {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}) for policy in policies):
        yield "in its role Textract may use the key for more than its message"
    if len(role.get("Policies", [])) != 1 or set(role) - {"RoleName", "AssumeRolePolicyDocument", "Policies"}:
        yield "Textract's role has more than its one policy"
