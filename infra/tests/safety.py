"""Safety: what is kept cannot be read, sent, lost or deleted by anybody who should not."""

from policies import decide, listed, may
from rules import rule, rule_about, stack
from templates import ACCOUNT, REGION, arn

KEY = arn("kms", "key/12345678-abcd")
PLAIN, TLS = {"aws:SecureTransport": "false"}, {"aws:SecureTransport": "true"}
STRANGERS = ["*", "arn:aws:iam::999999999999:root", "service:s3.amazonaws.com", "service:sns.amazonaws.com", "service:events.amazonaws.com",
             "service:cloudwatch.amazonaws.com", "service:ses.amazonaws.com", f"arn:aws:iam::{ACCOUNT}:user/x"]


def strangers():
    """Who asks from outside: other accounts, and AWS's services in the name of other accounts."""
    for who in STRANGERS:
        for account, sender in (("999999999999", arn("s3", "theirs", "", "")), ("999999999999", arn("sns", "theirs", account="999999999999")),
                                (ACCOUNT, arn("s3", "another-of-ours", "", "")), (ACCOUNT, arn("sns", "another-of-ours"))):
            yield who, TLS | {"aws:SourceArn": sender, "aws:SourceAccount": account}
        yield who, TLS


def guarded(deployment):
    """Everything with a policy of its own: its name, its ARN, what may be done to it, its policies."""
    sqs = deployment.of("AWS::SQS::QueuePolicy").values()
    for place in deployment.of("AWS::SQS::Queue"):
        url = deployment.identity(place)
        yield place, deployment.identity(place, "Arn"), ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:SetQueueAttributes"], [
            one.get("PolicyDocument") for one in sqs if url in one.get("Queues", [])]
    sns = deployment.of("AWS::SNS::TopicPolicy").values()
    for place in deployment.of("AWS::SNS::Topic"):
        yield place, deployment.identity(place), ["sns:Publish"], [
            one.get("PolicyDocument") for one in sns if deployment.identity(place) in one.get("Topics", [])]
    s3 = deployment.of("AWS::S3::BucketPolicy").values()
    for place in deployment.of("AWS::S3::Bucket"):
        own = [one.get("PolicyDocument") for one in s3 if one.get("Bucket") == deployment.identity(place)]
        yield place, deployment.identity(place, "Arn"), ["s3:ListBucket", "s3:PutBucketPolicy"], own
        yield place, deployment.identity(place, "Arn") + "/jobs/1", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], own


@rule_about("AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::S3::Bucket", "AWS::S3::BucketPolicy")
def everything_that_holds_documents_is_locked(deployment):
    """One policy each, since a second overwrites the first; nothing without TLS; nobody from outside."""
    for place, resource, actions, policies in guarded(deployment):
        if len(policies) != 1 or not policies[0]:
            yield f"{place} has {len(policies)} policies"
            continue
        for action in actions:
            for who in (f"arn:aws:iam::{ACCOUNT}:root", "*", "service:s3.amazonaws.com"):
                if decide(policies[0], action, resource, who, PLAIN | {"aws:SourceAccount": ACCOUNT}) != "deny":
                    yield f"{place}: {action} works without TLS"
            if decide(policies[0], action, resource, f"arn:aws:iam::{ACCOUNT}:role/ours", TLS) == "deny":
                yield f"{place}: {action} is refused to our own services"
            for who, context in strangers():
                # EventBridge does not say for whom it publishes to a topic, and no condition on that is supported.
                told = place == "observability.yml/Told" and (
                    who == "service:events.amazonaws.com" or (who == "service:cloudwatch.amazonaws.com" and context.get("aws:SourceAccount") == ACCOUNT))
                if not told and may(policies[0], action, resource, who, context):
                    yield f"{place}: {who} may {action} for {context.get('aws:SourceArn', 'nobody in particular')}"


@rule
def who_sends_is_held_to_one_source(deployment):
    """A service of AWS acts for everybody: without both conditions another account's bucket or topic could fill our queue."""
    for place, resource, _, policies in guarded(deployment):
        for statement in (one for policy in policies if policy for one in policy["Statement"] if one["Effect"] == "Allow"):
            keys = {key for tests in statement.get("Condition", {}).values() for key in tests}
            unsaid = place == "observability.yml/Told" and statement["Principal"] == {"Service": "events.amazonaws.com"}
            if not keys & {"aws:SourceArn", "aws:SourceAccount"} and not unsaid:
                yield f"{place}: {statement.get('Sid')} lets in a service for anybody"
            if listed(statement["Action"]) not in (["sqs:SendMessage"], ["sns:Publish"]):
                yield f"{place}: {statement.get('Sid')} lets a service do more than send"
            if listed(statement.get("Resource")) != [resource]:
                yield f"{place}: {statement.get('Sid')} is about {statement.get('Resource')}"
            if "AWS" in statement["Principal"] or statement["Principal"] == "*":
                yield f"{place}: {statement.get('Sid')} lets in an account"
    name = stack(deployment)
    for policy in (one["PolicyDocument"] for one in deployment.of("AWS::SQS::QueuePolicy").values() if f"{name}-ingest" in str(one["Queues"])):
        for one in policy["Statement"]:
            if one["Effect"] == "Allow" and "ingest" in str(one["Resource"]) and "aws:SourceAccount" not in str(one.get("Condition")):
                yield "a bucket's name can be taken by another account once it is gone: ingest's policy must name the account"


@rule
def everything_is_encrypted_with_our_key(deployment):
    """Only our own key lets S3 and SNS deliver, and only who may use it can read a document."""
    for place, made in deployment.of("AWS::SQS::Queue").items():
        if made.get("KmsMasterKeyId") != KEY or "SqsManagedSseEnabled" in made:
            yield f"{place} is not encrypted with our key"
    for place, made in deployment.of("AWS::SNS::Topic").items():
        if made.get("KmsMasterKeyId") != KEY:
            yield f"{place} is not encrypted with our key"
    for place, made in deployment.of("AWS::S3::Bucket").items():
        rules = made.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
        wanted = {"BucketKeyEnabled": True, "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}}
        if rules != [wanted]:
            yield f"{place} is not encrypted with our key, or each object asks KMS anew, which is paid for"
    for place, made in deployment.of("AWS::DynamoDB::Table").items():
        if made.get("SSESpecification") != {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY}:
            yield f"{place} is not encrypted with our key"
    for place, made in deployment.of("AWS::Logs::LogGroup").items():
        if made.get("KmsKeyId") != KEY:
            yield f"{place} is not encrypted with our key"


@rule
def who_asks_for_another_encryption_is_refused(deployment):
    """Else an upload could be written in clear, or under a key that our services cannot use."""
    for place, resource, actions, policies in guarded(deployment):
        if "s3:PutObject" not in actions or not policies or not policies[0]:
            continue
        me = f"arn:aws:iam::{ACCOUNT}:role/ours"
        for asked, wanted in ((None, ""), ("aws:kms", ""), ("AES256", "deny"), ("none", "deny")):
            context = TLS | ({} if asked is None else {"s3:x-amz-server-side-encryption": asked})
            if decide(policies[0], "s3:PutObject", resource, me, context) != wanted:
                yield f"{place}: a put that asks for {asked or 'no encryption'} is answered wrongly"


@rule_about("AWS::KMS::Key", "AWS::KMS::Alias")
def the_key_lets_in_who_delivers_and_nobody_else(deployment):
    """A service that cannot use the key loses its messages silently; one that may for anybody reads ours for others."""
    name, key = stack(deployment), deployment.at("keys.yml/Key")
    policy = key.get("KeyPolicy", {"Version": "2012-10-17", "Statement": []})
    stream = {"kms:EncryptionContext:aws:logs:arn": arn("logs", f"log-group:/{name}/ingest")}
    for service in ("s3", "sns", "events", "cloudwatch"):
        for action in ("kms:GenerateDataKey", "kms:Decrypt"):
            if not may(policy, action, KEY, f"service:{service}.amazonaws.com", {"aws:SourceAccount": ACCOUNT}):
                yield f"{service} may not {action}, so what it delivers is lost"
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        if not may(policy, action, KEY, f"service:logs.{REGION}.amazonaws.com", stream):
            yield "logs cannot be written"
    if not may(policy, "kms:PutKeyPolicy", KEY, f"arn:aws:iam::{ACCOUNT}:root"):
        yield "nobody could ever change the key"
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        if not may(policy, action, KEY, "service:events.amazonaws.com"):
            yield f"EventBridge, which does not say for whom it delivers, may not {action}"
    if decide(policy, "kms:ScheduleKeyDeletion", KEY, "service:events.amazonaws.com"):
        yield "EventBridge may delete the key"
    for action in ("kms:Encrypt", "kms:ReEncryptFrom", "kms:DescribeKey"):
        if not may(policy, action, KEY, f"service:logs.{REGION}.amazonaws.com", stream):
            yield f"CloudWatch Logs asks for {action}, too, before it takes a key"
    others = [(f"service:{one}.amazonaws.com", {"aws:SourceAccount": "999999999999"}) for one in ("s3", "sns", "cloudwatch", "ses")]
    others += [("*", stream), ("service:ses.amazonaws.com", stream), ("*", {"aws:SourceAccount": ACCOUNT}), ("arn:aws:iam::999999999999:root", {}), ("service:s3.amazonaws.com", {}),
               ("service:ses.amazonaws.com", {"aws:SourceAccount": ACCOUNT}),
               (f"service:logs.{REGION}.amazonaws.com", {"kms:EncryptionContext:aws:logs:arn": arn("logs", "log-group:/other/x")}),
               (f"service:logs.{REGION}.amazonaws.com", {"kms:EncryptionContext:aws:logs:arn": arn("logs", f"log-group:/{name}/x", account="999999999999")})]
    for who, context in others:
        for action in ("kms:GenerateDataKey", "kms:Decrypt", "kms:ScheduleKeyDeletion"):
            if decide(policy, action, KEY, who, context):
                yield f"{who} may {action}"
    for who in ("service:s3.amazonaws.com", "service:sns.amazonaws.com", f"service:logs.{REGION}.amazonaws.com"):
        if decide(policy, "kms:ScheduleKeyDeletion", KEY, who, {"aws:SourceAccount": ACCOUNT} | stream):
            yield f"{who} may delete the key"
    if key.get("EnableKeyRotation") is not True:
        yield "the key is never renewed"
    if key.get("PendingWindowInDays", 30) != 30:
        yield "a key that is deleted by mistake is gone sooner than it must"
    alias = deployment.at("keys.yml/Alias")
    if alias.get("AliasName") != f"alias/{name}" or alias.get("TargetKeyId") != "1234abcd":
        yield "the key is not found under the stack's name"


@rule
def nothing_is_open_to_the_world(deployment):
    """A bucket's policy can be written wrong one day; these four switches hold all the same."""
    switches = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
    for place, made in deployment.of("AWS::S3::Bucket").items():
        if made.get("PublicAccessBlockConfiguration") != switches:
            yield f"{place} can be made public"
        if made.get("OwnershipControls") != {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}:
            yield f"{place}: who uploads may keep its owner from reading"
        if made.get("VersioningConfiguration") != {"Status": "Enabled"}:
            yield f"{place}: what is overwritten or deleted by mistake is gone"


@rule
def what_is_kept_outlives_the_stack(deployment):
    """Documents, jobs and the key that opens them are deleted by a decision, never along with something else."""
    kept = ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key")
    for place, made in deployment.resources.items():
        if made["Type"] in kept:
            if made.get("DeletionPolicy") != "RetainExceptOnCreate" or made.get("UpdateReplacePolicy") != "Retain":
                yield f"{place} goes with its stack, or stays from a creation that failed and blocks the next"
        elif made.get("DeletionPolicy", "Delete") != "Delete" or made.get("UpdateReplacePolicy", "Delete") != "Delete":
            yield f"{place} holds nothing, and would stay behind and block the next deployment"
    for place, made in deployment.of("AWS::DynamoDB::Table").items():
        if made.get("PointInTimeRecoverySpecification") != {"PointInTimeRecoveryEnabled": True}:
            yield f"{place} cannot be brought back as it was a minute ago"
        if made.get("DeletionProtectionEnabled") is not True:
            yield f"{place} can be deleted by a slip"
