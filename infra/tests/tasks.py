"""Tasks: what runs is what was checked, with no more rights than it needs, and it is asked, stopped and replaced gently."""

import re

from policies import decide, may
from rules import CONTRACT, SERVICES, WORKER, found, named, rule, rule_about, source, stack
from templates import ACCOUNT, REGION, Refused, Stack, arn

# Variables that a service reads and its task leaves alone, each with the reason.
LEFT = {
    "PRECIS_RESULTS": "the results bucket is always called after the stack",
    "PRECIS_TEXTRACT_ROLE": "Textract's role is always called after the stack",
    "PRECIS_RESULT_URL": "the default is the results bucket in S3's console, in any partition",
    "PRECIS_HEAD": "a learnt ranking is a file in an image of your own, which names it by ENV",
    "PRECIS_WRITER": "a model that writes is a file in an image of your own, which names it by ENV",
    "PRECIS_DTYPE": "f32, the reference; another one is named by ENV of an image of your own, as results are kept apart by it",
    "PRECIS_PRICES": "prices of your own are a file in an image of your own, which names it by ENV",
    "PRECIS_LISTING_EVERY": "how often lost events are looked for holds for every deployment",
    "PRECIS_LISTING_AFTER": "how old a document is by then holds for every deployment",
    "PRECIS_LISTING_DAYS": "how far back they are looked for holds for every deployment",
    "PRECIS_UPLOADS": "only ingest asks the documents' bucket for anything",
    "PRECIS_TEXTRACT_DETECTS_PER_SECOND": "only ocr calls Textract",
    "PRECIS_TEXTRACT_STARTS_PER_SECOND": "only ocr calls Textract",
    "PRECIS_TEXTRACT_GETS_PER_SECOND": "only ocr calls Textract",
    "PRECIS_TEXTRACT_CONCURRENT_JOBS": "only ocr calls Textract",
    "PRECIS_EMAILS_PER_SECOND": "only notify mails",
}
# And where it must be set all the same: by parameter, or since the default is that of another machine.
MUST = {
    "ingest": ["PRECIS_UPLOADS", "PRECIS_SCRATCH", "PRECIS_MODEL_NAME"],
    "ocr": ["PRECIS_TEXTRACT_DETECTS_PER_SECOND", "PRECIS_TEXTRACT_STARTS_PER_SECOND", "PRECIS_TEXTRACT_GETS_PER_SECOND",
            "PRECIS_TEXTRACT_CONCURRENT_JOBS"],
    "summarize": ["PRECIS_MODEL", "PRECIS_DEVICE"],
    "notify": ["PRECIS_EMAILS_PER_SECOND", "PRECIS_CONTACT"],
}
# Set for what is below the services: the SDK, and the logs.
BELOW = {"AWS_REGION": "the SDK's region; ECS on EC2 sets none", "PRECIS_LOG": "read by the logs, which have no flag"}


def services(deployment):
    """Each service with its task's definition and its one container."""
    tasks = {deployment.identity(place): made for place, made in deployment.of("AWS::ECS::TaskDefinition").items()}
    for place, made in deployment.of("AWS::ECS::Service").items():
        task = tasks.get(made.get("TaskDefinition"), {})
        containers = task.get("ContainerDefinitions", [])
        yield place, made, task, containers[0] if containers else {}


def name_of(container):
    return container.get("Name", "")


def environment(container):
    return {one.get("Name"): str(one.get("Value")) for one in container.get("Environment", [])}


@rule
def every_service_runs_once(deployment):
    """One definition and one service each, under the name by which its numbers are looked up."""
    runs = sorted(name_of(container) for _, _, _, container in services(deployment))
    if runs != sorted(SERVICES):
        yield f"these run: {runs}"
    if len(deployment.of("AWS::ECS::TaskDefinition")) != len(runs):
        yield "a task is defined that no service runs"
    for place, made, task, container in services(deployment):
        if made.get("ServiceName") != named(deployment, name_of(container)):
            yield f"{place}: called {made.get('ServiceName')}"
        if len(task.get("ContainerDefinitions", [])) != 1 or container.get("Essential", True) is not True:
            yield f"{place}: its task goes on when its program has ended"
        if "DesiredCount" in made:
            yield f"{place}: each deployment would set back how many run"
        if not str(task.get("Family", "")).endswith(name_of(container)):
            yield f"{place}: its task is kept under {task.get('Family')}"


@rule
def what_runs_is_what_was_checked(deployment):
    """A tag can be moved to another image; a digest cannot. Each service has the image that is called after it."""
    for place, _, _, container in services(deployment):
        given = deployment.given[f"{name_of(container).capitalize()}Image"] if name_of(container) in SERVICES else ""
        if container.get("Image") != given:
            yield f"{place} runs {container.get('Image')}"
    for bad in ("precis/ingest:latest", "precis/ingest", "precis/ingest@sha256:0123", "Precis@sha256:" + "0" * 64):
        for file in ("precis.yml", "services.yml"):
            for name, given in deployment.templates[file]["Parameters"].items():
                if name.endswith("Image") and re.fullmatch(given.get("AllowedPattern", ".*"), bad):
                    yield f"{file}: {name} may be {bad}"


@rule
def a_container_can_do_nothing_but_run_its_program(deployment):
    """Documents are hostile input. Who breaks out of a parser finds no root, no capability and nothing to write but /tmp."""
    user = found(r"USER (\d+:\d+)", source("docker/Dockerfile"))[0]
    for place, made, task, container in services(deployment):
        if container.get("User") != user:
            yield f"{place} runs as {container.get('User', 'whom the image says')}, not {user}"
        if container.get("ReadonlyRootFilesystem") is not True:
            yield f"{place}: its program can be changed while it runs"
        if container.get("LinuxParameters") != {"Capabilities": {"Drop": ["ALL"]}}:
            yield f"{place}: it keeps capabilities of the kernel"
        if made.get("EnableExecuteCommand", False) is not False:
            yield f"{place}: somebody can have a shell in it"
        odd = set(container) & {"Privileged", "Command", "EntryPoint", "PortMappings", "Secrets", "DockerSecurityOptions", "ExtraHosts"}
        yield from (f"{place}: nobody has thought about {one}" for one in odd)
        if task.get("NetworkMode") != "awsvpc" or set(task) & {"PidMode", "IpcMode"}:
            yield f"{place}: it shares its machine's network or processes"
        volumes = {one.get("Name"): one for one in task.get("Volumes", [])}
        mounts = {one.get("ContainerPath"): one for one in container.get("MountPoints", [])}
        scratch = mounts.get("/tmp", {})
        if volumes.get(scratch.get("SourceVolume")) != {"Name": "tmp"} or scratch.get("ReadOnly", False) is not False:
            yield f"{place}: /tmp is no volume of its own that can be written"
        if environment(container).get("PRECIS_MODEL", "").startswith("/models/") and "/models" not in mounts:
            yield f"{place}: its model is not there"
        for path, mount in mounts.items():
            host = volumes.get(mount.get("SourceVolume"), {}).get("Host")
            if path != "/tmp" and mount.get("ReadOnly") is not True:
                yield f"{place}: {path} can be written, for all tasks of the instance"
            if path not in ("/tmp", "/models") or (path == "/models" and host != {"SourcePath": "/var/lib/precis/models"}):
                yield f"{place}: {path} is mounted from {host}"
        network = made.get("NetworkConfiguration", {}).get("AwsvpcConfiguration", {})
        group = deployment.root.nested["Network"].outputs.get("ServicesGroup")
        subnets = str(deployment.root.nested["Network"].outputs.get("Subnets")).split(",")
        if network != {"AssignPublicIp": "DISABLED", "Subnets": subnets, "SecurityGroups": [group]}:
            yield f"{place}: it is not in the private subnets with the services' group, or has a public address"


@rule
def a_service_is_told_what_it_reads(deployment):
    """A variable with a slip in its name is silently not there; one that is missing has the default of a laptop."""
    for place, _, _, container in services(deployment):
        name = name_of(container)
        reads, set_ = CONTRACT["environment"].get(name, {}), environment(container)
        yield from (f"{place}: {one} is read by nobody" for one in set_ if one not in reads and one not in BELOW)
        for one in list(reads) + list(BELOW):
            if one not in set_ and (one not in LEFT or one in MUST.get(name, [])):
                yield f"{place}: {one} is not set"
    for one in LEFT:
        if not any(one in CONTRACT["environment"][name] for name in SERVICES):
            yield f"{one} is left alone, and nobody reads it any more"


@rule
def what_a_service_is_told_is_true(deployment):
    """Each value follows from a parameter or from what holds for every task."""
    choice = {name: value for name, value in deployment.root.parameters.items()}
    name = stack(deployment)
    uploads = choice["ExistingUploads"] or f"{name}-uploads-{ACCOUNT}-{REGION}"
    wanted = {
        "AWS_REGION": REGION, "PRECIS_STACK": name, "PRECIS_EMF": "true", "PRECIS_UPLOADS": uploads, "PRECIS_SCRATCH": "/tmp", "PRECIS_LOG": "info",
        "PRECIS_MODEL_NAME": choice["ModelName"], "PRECIS_MODEL": choice["Model"], "PRECIS_CONTACT": choice["Contact"],
        "PRECIS_DEVICE": "cuda" if choice["SummarizeOn"] == "gpu" else "cpu", "PRECIS_TEXTRACT_CONCURRENT_JOBS": choice["ConcurrentJobs"],
        "PRECIS_TEXTRACT_DETECTS_PER_SECOND": choice["DetectsPerSecond"], "PRECIS_TEXTRACT_STARTS_PER_SECOND": choice["StartsPerSecond"],
        "PRECIS_TEXTRACT_GETS_PER_SECOND": choice["GetsPerSecond"],
    }
    for place, _, _, container in services(deployment):
        set_ = environment(container)
        yield from (f"{place}: {one} is {set_[one]}" for one in set_ if one in wanted and set_[one] != str(wanted[one]))
        if len(set_) != len(container.get("Environment", [])):
            yield f"{place}: a variable is set twice"
        emails = float(set_.get("PRECIS_EMAILS_PER_SECOND", 8))
        if not 5 <= emails < 10:
            yield f"{place}: at {emails} e-mails a second SNS deactivates an address, or a burst is told for hours"
        concurrency = int(set_.get("PRECIS_CONCURRENCY", 0) or 0)
        memory = int(task_memory(deployment, place))
        gpu = set_.get("PRECIS_DEVICE") == "cuda"
        # Who waits for others has many in hand; who computes, as many as keep a device busy and no more.
        least, most = {"summarize": (16, 64) if gpu else (2, 8)}.get(name_of(container), (4, 32))
        if not least <= concurrency <= most or concurrency * 64 > memory:
            yield f"{place}: {concurrency} documents in hand at once do not go with {memory} MB"
        parts, pages = int(set_.get("PRECIS_PARTS_AT_ONCE", 4)), int(set_.get("PRECIS_PAGES_A_PART", 100))
        if not 2 <= parts <= 10 or not 50 <= pages <= 500:
            yield f"{place}: {parts} parts at once of {pages} pages: one book takes all of Textract's jobs, or each page is a job"


def task_memory(deployment, place):
    return next(task.get("Memory", 0) for at, _, task, _ in services(deployment) if at == place)


@rule
def a_task_that_is_stopped_finishes_what_it_holds(deployment):
    """SIGTERM, the open poll, the drain, and what is given back must be over before ECS kills: else work is done twice."""
    for place, _, _, container in services(deployment):
        drain = int(environment(container).get("PRECIS_DRAIN", CONTRACT["environment"]["ingest"]["PRECIS_DRAIN"]))
        needs, stop = WORKER["wait"] + drain + WORKER["grace"], container.get("StopTimeout", 30)
        if not needs < stop <= 120:
            yield f"{place}: killed after {stop} s, while it needs {needs} s; ECS grants 120 at most"
        if drain < WORKER["lease"]:
            yield f"{place}: it gives work back that it could have finished within a claim"


@rule
def ecs_asks_a_task_how_it_is_where_it_answers(deployment):
    """A check of another program or port calls every task sick, and ECS replaces them for ever."""
    for place, _, _, container in services(deployment):
        name, check = name_of(container), container.get("HealthCheck", {})
        if check.get("Command") != ["CMD", f"/usr/bin/precis-{name}", "--health"]:
            yield f"{place}: asked by {check.get('Command')}"
        program = found(rf"COPY --from=binaries /out/(precis-{name}) (/usr/bin/)", source("docker/Dockerfile"))[0]
        if program[1] + program[0] != f"/usr/bin/precis-{name}":
            yield f"{place}: the image keeps its program elsewhere"
        listen = environment(container).get("PRECIS_LISTEN", "")
        if listen != f"127.0.0.1:{CONTRACT['port']}":
            yield f"{place}: it answers at {listen}; nobody but itself is to ask, at the port that --health asks"
        interval, timeout, retries, start = (check.get(key, 0) for key in ("Interval", "Timeout", "Retries", "StartPeriod"))
        # --health waits 3 s; connecting to AWS is tried again every 3 s until a role that is just being made is there.
        if not (3 < timeout <= interval <= 30 and 2 <= retries <= 5 and 30 <= start <= 300):
            yield f"{place}: asked every {interval} s for {timeout} s, {retries} times, after {start} s"


@rule
def a_bad_deployment_takes_itself_back(deployment):
    """A new task is there before an old one goes; what does not start, or starts and does no good, is taken back."""
    alarms = {one["AlarmName"]: one for one in deployment.of("AWS::CloudWatch::Alarm").values() if "AlarmName" in one}
    name = stack(deployment)
    for place, made, _, container in services(deployment):
        how = made.get("DeploymentConfiguration", {})
        if how.get("DeploymentCircuitBreaker") != {"Enable": True, "Rollback": True}:
            yield f"{place}: tasks that do not start are started for ever"
        # A task on a GPU takes a whole instance, of which there may be no other.
        least, most = (0, 100) if place.endswith("Gpu") else (100, 200)
        if how.get("MinimumHealthyPercent", 100) != least or how.get("MaximumPercent", 200) != most:
            yield f"{place}: fewer tasks while it is deployed, or none can be started beside the old ones"
        watch = how.get("Alarms", {})
        if (watch.get("Enable"), watch.get("Rollback")) != (True, True):
            yield f"{place}: no alarm takes a deployment back"
        names = watch.get("AlarmNames", [])
        yield from (f"{place}: watches {one}, which is no alarm" for one in names if one not in alarms)
        # ECS waits for as long as the longest of them looks, and takes no task away meanwhile.
        looks = lambda alarm: alarm.get("EvaluationPeriods", 0) * max([one["MetricStat"]["Period"] for one in alarm.get("Metrics", []) if "MetricStat" in one], default=0)
        yield from (f"{place}: each deployment takes {looks(alarms[one])} s for {one}" for one in names if one in alarms and looks(alarms[one]) > 1800)
        for one in (f"{name}-{name_of(container)}-no-progress", f"{name}-failed-share-lately"):
            if one not in names:
                yield f"{place}: {one} takes no deployment back"


@rule
def a_log_is_written_where_it_is_kept(deployment):
    """Metrics come from the logs too: without them every alarm on what the services count is blind."""
    groups = {made.get("LogGroupName"): made for made in deployment.of("AWS::Logs::LogGroup").values()}
    days = deployment.root.parameters["LogDays"]
    for place, _, _, container in services(deployment):
        log, name = container.get("LogConfiguration", {}), name_of(container)
        options = log.get("Options", {})
        group = f"/{stack(deployment)}/{name}"
        if log.get("LogDriver") != "awslogs" or options.get("awslogs-group") != group or options.get("awslogs-region") != REGION:
            yield f"{place}: it logs to {options.get('awslogs-group')} by {log.get('LogDriver')}"
        if options.get("mode") != "non-blocking" or "max-buffer-size" not in options:
            yield f"{place}: it stands still while logs cannot be written"
        if not options.get("awslogs-stream-prefix"):
            yield f"{place}: its stream is called after a container nobody knows"
        if groups.get(group, {}).get("RetentionInDays") != days:
            yield f"{group}: kept for {groups.get(group, {}).get('RetentionInDays', 'ever')} days"
    history = groups.get(f"/{stack(deployment)}/deployments", {})
    if history.get("RetentionInDays") != 365:
        yield "the record of deployments is not kept for a year"


@rule
def work_runs_where_it_is_paid_least_and_still_runs(deployment):
    """Spot by the share that was chosen, never for notify: it is small, and a mail that is told twice is seen."""
    choice, clusters = deployment.root.parameters, deployment.of("AWS::ECS::Cluster")
    cluster = next(iter(clusters.values()), {})
    if len(clusters) != 1 or cluster.get("ClusterSettings") != [{"Name": "containerInsights", "Value": "enabled"}]:
        yield "nobody counts the tasks that run, by which the scaling divides a backlog"
    if cluster.get("ClusterName") != stack(deployment):
        yield "roles and instances look for a cluster of the stack's name"
    gpu = f"{stack(deployment)}-gpu" if choice["SummarizeOn"] == "gpu" else None
    offered = [one.get("CapacityProviders") for one in deployment.of("AWS::ECS::ClusterCapacityProviderAssociations").values()
               if one.get("Cluster") == cluster.get("ClusterName")]
    if offered != [["FARGATE", "FARGATE_SPOT"] + ([gpu] if gpu else [])]:
        yield f"the cluster offers {offered}"
    for place, made, task, container in services(deployment):
        name = name_of(container)
        weights = {one.get("CapacityProvider"): one.get("Weight", 0) for one in made.get("CapacityProviderStrategy", [])}
        whole = sum(weights.values()) or 1
        shares = {provider: 100 * weight / whole for provider, weight in weights.items() if weight}
        if name == "summarize" and gpu:
            wanted, kind, needs = {gpu: 100}, "EC2", [{"Type": "GPU", "Value": "1"}]
        else:
            spot = 0 if name == "notify" else choice["SpotShare"]
            wanted = {key: value for key, value in (("FARGATE", 100.0 - spot), ("FARGATE_SPOT", float(spot))) if value}
            kind, needs = "FARGATE", []
        if shares != wanted or any("Base" in one for one in made.get("CapacityProviderStrategy", [])):
            yield f"{place}: runs on {shares}, not {wanted}"
        if task.get("RequiresCompatibilities") != [kind] or container.get("ResourceRequirements", []) != needs:
            yield f"{place}: asks for {task.get('RequiresCompatibilities')} and {container.get('ResourceRequirements')}"
        architecture = "X86_64" if kind == "EC2" else choice["Architecture"]
        if task.get("RuntimePlatform") != {"OperatingSystemFamily": "LINUX", "CpuArchitecture": architecture}:
            yield f"{place}: its image is for {architecture}, and {task.get('RuntimePlatform')} runs it"
        if kind == "FARGATE" and made.get("PlatformVersion") != "1.4.0":
            yield f"{place}: the platform may change between two deployments"
        if made.get("Cluster") != cluster.get("ClusterName"):
            yield f"{place}: in another cluster"
        tags = {tag.get("Key"): tag.get("Value") for tag in made.get("Tags", [])}
        if tags.get("precis:stack") != stack(deployment) or made.get("PropagateTags") != "SERVICE" or made.get("EnableECSManagedTags") is not True:
            yield f"{place}: what its tasks cost is not counted as this stack's"
        if made and deployment.resources[place].get("DependsOn") != "Capacities":
            yield f"{place}: may be made before the cluster has what it runs on"


SIZES = {256: range(512, 2049, 512), 512: range(1024, 4097, 1024), 1024: range(2048, 8193, 1024), 2048: range(4096, 16385, 1024)}
# What each held in docs/containers.md's measurements, with the documents in hand; and what may be paid for it (vCPU × 1024).
NEEDS = {"ingest": (512, 2048, 2048, 1024), "ocr": (256, 1024, 1024, 512), "summarize": (1024, 4096, 16384, 3072), "notify": (256, 512, 1024, 256)}


@rule
def a_task_has_room_and_no_more_than_it_needs(deployment):
    """Fargate knows only certain sizes; too small a task is killed, too large a one is paid for day and night."""
    for place, _, task, container in services(deployment):
        cpu, memory = int(task.get("Cpu", 0)), int(task.get("Memory", 0))
        least_cpu, least, most, most_cpu = NEEDS.get(name_of(container), (0, 0, 0, 0))
        if task.get("RequiresCompatibilities") == ["FARGATE"] and memory not in SIZES.get(cpu, ()):
            yield f"{place}: Fargate has no task of {cpu} and {memory} MB"
        if not (least_cpu <= cpu <= most_cpu and least <= memory <= most):
            yield f"{place}: {cpu} and {memory} MB, where {least_cpu} to {most_cpu} and {least} to {most} MB are thought right"
        disk = task.get("EphemeralStorage", {}).get("SizeInGiB", 20)
        if not (40 if name_of(container) == "ingest" else 20) <= disk <= 60:
            yield f"{place}: {disk} GB for the documents in hand"


@rule
def roles_are_those_of_the_service(deployment):
    """With another's role a service can do what it must not, and cannot do what it must."""
    for place, _, task, container in services(deployment):
        name = name_of(container)
        mine = deployment.root.nested["Roles"].outputs
        if task.get("TaskRoleArn") != mine.get(f"{name.capitalize()}Role") or task.get("ExecutionRoleArn") != mine.get(f"{name.capitalize()}Starter"):
            yield f"{place}: works as {task.get('TaskRoleArn')}, is started as {task.get('ExecutionRoleArn')}"
        at = {deployment.identity(one, "Arn"): made for one, made in deployment.of("AWS::IAM::Role").items()}
        starter = at.get(task.get("ExecutionRoleArn"), {})
        policies = [one.get("PolicyDocument", {}) for one in starter.get("Policies", [])]
        repository = arn("ecr", f"repository/{stack(deployment)}/{name}")
        log = arn("logs", f"log-group:/{stack(deployment)}/{name}:log-stream:task/{name}/1")
        asks = [("ecr:GetAuthorizationToken", "*"), ("ecr:BatchGetImage", repository), ("ecr:GetDownloadUrlForLayer", repository),
                ("ecr:BatchCheckLayerAvailability", repository), ("logs:CreateLogStream", log), ("logs:PutLogEvents", log)]
        yield from (f"{place}: it cannot be started without {action}" for action, resource in asks
                    if not any(may(policy, action, resource) for policy in policies))
        for action, resource in (("ecr:BatchGetImage", arn("ecr", "repository/other/x")), ("ecr:PutImage", repository), ("logs:PutLogEvents", log.replace(f"/{name}:", "/other:")),
                                 ("logs:DeleteLogGroup", log), ("s3:GetObject", "arn:aws:s3:::x/y"), ("kms:Decrypt", "*"), ("ecr:DeleteRepository", repository)):
            if any(decide(policy, action, resource) for policy in policies):
                yield f"{place}: who starts it may {action} on {resource}"


@rule_about("AWS::IAM::Role")
def only_ecs_takes_on_a_service_s_role(deployment):
    """And only for tasks of this account: else another's task could be run with it."""
    ours = {"aws:SourceArn": arn("ecs", "task/x"), "aws:SourceAccount": ACCOUNT}
    for place, made in deployment.of("AWS::IAM::Role").items():
        if not place.startswith("roles.yml/"):
            continue
        trust = made.get("AssumeRolePolicyDocument", {"Version": "2012-10-17", "Statement": []})
        if not may(trust, "sts:AssumeRole", "", "service:ecs-tasks.amazonaws.com", ours):
            yield f"{place}: ECS cannot take it on"
        theirs = {"aws:SourceArn": arn("ecs", "task/x", account="999999999999"), "aws:SourceAccount": "999999999999"}
        for who, context in (("service:ecs-tasks.amazonaws.com", theirs), ("service:ecs-tasks.amazonaws.com", ours | {"aws:SourceAccount": "9"}),
                             ("service:ecs-tasks.amazonaws.com", ours | {"aws:SourceArn": theirs["aws:SourceArn"]}), ("service:ec2.amazonaws.com", ours),
                             (f"arn:aws:iam::{ACCOUNT}:user/x", ours)):
            if decide(trust, "sts:AssumeRole", "", who, context):
                yield f"{place}: {who} may take it on"
        if decide(trust, "sts:TagSession", "", "service:ecs-tasks.amazonaws.com", ours):
            yield f"{place}: ECS may do more with it than take it on"
        if set(made) - {"AssumeRolePolicyDocument", "Policies"} or len(made.get("Policies", [])) != 1:
            yield f"{place}: it has more than its one policy"


@rule
def a_parameter_takes_what_the_code_takes_and_nothing_that_it_refuses(deployment):
    """A name that the template takes and the code refuses is found out when everything is made and nothing starts."""
    good, bad = found(r'for good in \[(.*?)\].*?for bad in \[(.*?)\]', source("shared/aws/src/options.rs"))[0]
    quoted = lambda text: re.findall(r'"([^"]*)"', text)
    for file, template in deployment.templates.items():
        pattern = template.get("Parameters", {}).get("Stack", {}).get("AllowedPattern", ".*")
        yield from (f"{file}: Stack may not be {one}" for one in quoted(good) if not re.fullmatch(pattern, one))
        yield from (f"{file}: Stack may be {one!r}" for one in quoted(bad) if re.fullmatch(pattern, one))
    wrong = [("OperatorEmail", "x"), ("ReaderEmail", "a b@c"), ("Egress", "open"), ("SpotShare", "30"), ("Architecture", "SPARC"), ("SummarizeOn", "tpu"),
             ("MaxGpus", "0"), ("MaxGpus", "1000"), ("ArchiveDays", "-1"), ("ExpireDays", "-1"), ("LogDays", "8"), ("DetectsPerSecond", "0"),
             ("StartsPerSecond", "0"), ("GetsPerSecond", "0"), ("ConcurrentJobs", "0"), ("OldestSeconds", "60"), ("OldestSeconds", "1000000"),
             ("DailyOcrPages", "0"), ("MonthlyBudget", "0"), ("Vpc", "vpc"), ("Subnets", "subnet-1"), ("Model", "/etc"), ("Weights", "bucket-only"),
             ("ExistingUploads", "Not_A_Bucket"), ("ArchiveDays", "100000"), ("ExpireDays", "100000")]
    for file, name, value, good in [("data.yml", "NoncurrentDays", "0", False), ("data.yml", "NoncurrentDays", "4000", False), ("data.yml", "NoncurrentDays", "1", True),
                                    ("data.yml", "NoncurrentDays", "3650", True), ("data.yml", "Protect", "maybe", False), ("data.yml", "Protect", "no", True),
                                    ("observability.yml", "FailedShare", "0", False), ("observability.yml", "FailedShare", "51", False), ("observability.yml", "FailedShare", "50", True),
                                    ("observability.yml", "FailedShare", "1", True), ("network.yml", "Cidr", "0.0.0.0/0", False), ("network.yml", "Cidr", "10.0.0.0/24", False),
                                    ("network.yml", "Cidr", "172.20.0.0/16", True), *((file, "Key", "alias/x", False) for file in ("roles.yml", "services.yml", "observability.yml"))]:
        if taken(deployment.templates[file]["Parameters"][name], value) != good:
            yield f"{file}: {name} may {'not ' if good else ''}be {value}"
    # The parts have the same limits (hosts.py), and are asked when something has been made already.
    root = deployment.templates["precis.yml"]["Parameters"]
    yield from (f"precis.yml: {name} may be {value}" for name, value in wrong if name not in root or taken(root[name], value))


def taken(declared, value):
    probe = object.__new__(Stack)
    probe.file = ""
    try:
        probe._parameter("it", declared, {"it": value})
    except (Refused, ValueError):
        return False
    return True
