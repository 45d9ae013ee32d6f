"""Mistakes that must never pass, made on purpose: (what, template, how)."""


def resource(template, name):
    return template["Resources"][name]["Properties"]


def statement(template, name, sid):
    return next(one for one in resource(template, name)["PolicyDocument"]["Statement"] if one["Sid"] == sid)


def without(holder, key):
    del holder[key]


def container(template, name):
    return resource(template, name)["ContainerDefinitions"][0]


def of_role(template, name, sid):
    return next(one for one in resource(template, name)["Policies"][0]["PolicyDocument"]["Statement"] if one.get("Sid") == sid)


def drain(template):
    next(one for one in container(template, "IngestTask")["Environment"] if one["Name"] == "PRECIS_DRAIN")["Value"] = "118"


def swap(holder, left, right):
    holder[left], holder[right] = holder[right], holder[left]


NAMED = [
    ("a bucket that may be public", "data.yml", lambda t: resource(t, "Uploads")["PublicAccessBlockConfiguration"].update(BlockPublicPolicy=False)),
    ("a bucket that anybody may read", "data.yml", lambda t: resource(t, "UploadsPolicy")["PolicyDocument"]["Statement"].append(
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"})),
    ("no TLS asked of a bucket", "data.yml", lambda t: without(statement(t, "ResultsPolicy", "OnlyTls"), "Condition")),
    ("no TLS asked of a queue", "messaging.yml", lambda t: resource(t, "OtherQueuesPolicy")["PolicyDocument"]["Statement"].clear()),
    ("an action with a wildcard", "roles.yml", lambda t: of_role(t, "Ingest", "KeepPages").update(Action=["s3:*"])),
    ("a resource with a wildcard", "roles.yml", lambda t: of_role(t, "Notify", "TakeWork").update(Resource="*")),
    ("another queue in a policy", "messaging.yml", lambda t: statement(t, "IngestPolicy", "EventsOfOurBucket").update(Resource={"Fn::GetAtt": ["Ocr", "Arn"]})),
    ("no source in a queue's policy", "messaging.yml", lambda t: without(statement(t, "OcrCompletedPolicy", "CompletionsOfOurTopic"), "Condition")),
    ("visible again before the claim ends", "messaging.yml", lambda t: resource(t, "Summarize").update(VisibilityTimeout=30)),
    ("dead after one receive", "messaging.yml", lambda t: resource(t, "Ocr")["RedrivePolicy"].update(maxReceiveCount=1)),
    ("no dead letters", "messaging.yml", lambda t: without(resource(t, "Notify"), "RedrivePolicy")),
    ("another queue's dead letters", "messaging.yml", lambda t: resource(t, "Notify")["RedrivePolicy"].update(deadLetterTargetArn={"Fn::GetAtt": ["OcrDead", "Arn"]})),
    ("the roles of two services swapped", "precis.yml", lambda t: swap(resource(t, "Services")["Parameters"], "OcrRole", "NotifyRole")),
    ("the images of two services swapped", "precis.yml", lambda t: swap(resource(t, "Services")["Parameters"], "OcrImage", "NotifyImage")),
    ("an alarm on a metric that nobody emits", "observability.yml", lambda t: resource(t, "OcrSpend").update(MetricName="precis_pages")),
    ("an alarm on what only a laptop emits", "observability.yml", lambda t: resource(t, "OcrOldest").update(
        Namespace="Precis/precis", MetricName="precis_queue_oldest_seconds", Dimensions=[{"Name": "queue", "Value": "ocr"}])),
    ("an alarm that rings when all is well", "observability.yml", lambda t: resource(t, "OcrOldest").update(ComparisonOperator="LessThanThreshold")),
    ("killed before the drain is over", "services.yml", lambda t: container(t, "SummarizeTask").update(StopTimeout=90)),
    ("a drain that is longer than ECS waits", "services.yml", drain),
    ("an image by its tag", "services.yml", lambda t: container(t, "IngestTask").update(Image="precis/ingest:latest")),
    ("any image at all", "precis.yml", lambda t: t["Parameters"]["IngestImage"].update(AllowedPattern=".*")),
    ("root", "services.yml", lambda t: container(t, "NotifyTask").update(User="0:0")),
    ("the user that the image happens to have", "services.yml", lambda t: without(container(t, "NotifyTask"), "User")),
    ("a root that can be written", "services.yml", lambda t: container(t, "OcrTask").update(ReadonlyRootFilesystem=False)),
    ("a public address", "services.yml", lambda t: resource(t, "Ocr")["NetworkConfiguration"]["AwsvpcConfiguration"].update(AssignPublicIp="ENABLED")),
    ("an open door", "network.yml", lambda t: resource(t, "ServicesGroup").update(SecurityGroupIngress=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}])),
    ("the instance's role for every container", "gpu.yml", lambda t: resource(t, "Launch")["LaunchTemplateData"]["MetadataOptions"].update(HttpTokens="optional")),
    ("a key for S3 of any account", "keys.yml", lambda t: without(next(one for one in resource(t, "Key")["KeyPolicy"]["Statement"] if one["Sid"] == "ServicesDeliver"), "Condition")),
    ("a scale-out band turned over", "autoscaling.yml", lambda t: t["Parameters"]["Band3Backlog"].update(Default=10)),
    ("the scaling of another service", "precis.yml", lambda t: swap(resource(t, "Autoscaling")["Parameters"], "OcrService", "NotifyService")),
    ("tables that go with the stack", "data.yml", lambda t: t["Resources"]["Jobs"].update(DeletionPolicy="Delete")),
]
