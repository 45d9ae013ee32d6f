"""Hosts and network: services reach what they call and nothing reaches them; GPUs come for work, go without it, and leak nothing."""

import functools
import ipaddress
import json
import re
import subprocess
import tempfile
from pathlib import Path

from grants import calls
from policies import decide, listed, may
from rules import named, rule, stack
from templates import ACCOUNT, CHOICES, REGION, Deployment, Refused, arn

CLUSTER = "ecs:cluster"


@rule
def nobody_can_connect_to_anything(deployment):
    """Services poll. The one thing that listens is an endpoint of AWS, and it answers our services alone."""
    services = deployment.root.nested["Network"].outputs["ServicesGroup"]
    vpc = deployment.root.nested["Network"].outputs["Vpc"]
    for place, made in deployment.of("AWS::EC2::SecurityGroup").items():
        own = deployment.identity(place)
        if made.get("VpcId") != vpc:
            yield f"{place}: in another network"
        doors = [{key: value for key, value in one.items() if key != "Description"} for one in made.get("SecurityGroupIngress", [])]
        if own == services:
            wanted, out = [], [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"}]
        else:
            wanted, out = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "SourceSecurityGroupId": services}], None
        if doors != wanted:
            yield f"{place}: lets in {doors}"
        ways = [{key: value for key, value in one.items() if key != "Description"} for one in made.get("SecurityGroupEgress", [])]
        if out and ways != out:
            yield f"{place}: goes out by {ways}, not by TLS alone"
        # Without any egress of its own a group gets "everything, everywhere" from EC2.
        if not ways or any(one.get("IpProtocol") == "-1" or (not out and one.get("CidrIp") != "127.0.0.1/32") for one in ways):
            yield f"{place}: may open connections to anywhere"
    odd = [place for kind in ("AWS::EC2::SecurityGroupIngress", "AWS::EC2::NetworkInterface", "AWS::ElasticLoadBalancingV2::LoadBalancer") for place in deployment.of(kind)]
    yield from (f"{one} opens a door" for one in odd)
    for place, made in deployment.of("AWS::EC2::Subnet").items():
        if made.get("MapPublicIpOnLaunch", False) is not False:
            yield f"{place}: gives public addresses away"


def routes(deployment, subnet):
    """Where a subnet's packets go: destination → target."""
    tables = [made.get("RouteTableId") for made in deployment.of("AWS::EC2::SubnetRouteTableAssociation").values() if made.get("SubnetId") == subnet]
    found = {}
    for made in deployment.of("AWS::EC2::Route").values():
        if made.get("RouteTableId") in tables:
            found[made.get("DestinationCidrBlock")] = made.get("NatGatewayId") or made.get("GatewayId")
    for place, made in deployment.of("AWS::EC2::VPCEndpoint").items():
        if made.get("VpcEndpointType") == "Gateway" and set(tables) & set(made.get("RouteTableIds", [])):
            found[made.get("ServiceName")] = place
    return found, tables


@rule
def services_reach_what_they_call_from_each_zone(deployment):
    """By the nearest way: documents by the free gateways, the rest by the zone's own NAT gateway or by endpoints."""
    network, choice = deployment.root.nested["Network"], deployment.root.parameters
    if choice["Vpc"]:
        for half in ("Vpc", "Subnets"):
            try:
                Deployment(deployment.templates, {half: choice[half]}, "network.yml")
                yield f"{half} is taken without the other"
            except Refused:
                pass
        if (network.outputs["Vpc"], network.outputs["Subnets"]) != (choice["Vpc"], choice["Subnets"]):
            yield "the network that was given is not the one that is used"
        kinds = ("VPC", "Subnet", "NatGateway", "VPCEndpoint", "EIP", "InternetGateway", "RouteTable")
        yield from (f"{place} is made in a network that is there already" for kind in kinds for place in deployment.of(f"AWS::EC2::{kind}"))
        return
    zones = {deployment.identity(place): made.get("AvailabilityZone") for place, made in deployment.of("AWS::EC2::Subnet").items()}
    blocks = [ipaddress.ip_network(made["CidrBlock"]) for made in deployment.of("AWS::EC2::Subnet").values() if "CidrBlock" in made]
    vpc = next(iter(deployment.of("AWS::EC2::VPC").values()), {})
    whole = ipaddress.ip_network(vpc.get("CidrBlock", "0.0.0.0/32"))
    inside = [one for kind in ("Subnet", "RouteTable", "VPCEndpoint", "VPCGatewayAttachment") for one in deployment.of(f"AWS::EC2::{kind}").items()]
    yield from (f"{place}: in another network" for place, made in inside if made.get("VpcId") != network.outputs["Vpc"])
    if len(blocks) != len(zones):
        yield "a subnet has no addresses"
    for place in [*deployment.of("AWS::EC2::EIP"), *(one for one, made in deployment.of("AWS::EC2::Route").items() if "GatewayId" in made)]:
        if deployment.resources[place].get("DependsOn") != "InternetOfNetwork":
            yield f"{place}: asked for before there is a way to the internet, and refused"
    if any(one.overlaps(other) for at, one in enumerate(blocks) for other in blocks[:at]) or not all(one.subnet_of(whole) and one.num_addresses >= 256 for one in blocks):
        yield "subnets overlap, are too small, or lie outside of their network"
    if vpc.get("EnableDnsSupport") is not True or vpc.get("EnableDnsHostnames") is not True:
        yield "names of endpoints are not answered"
    private = network.outputs["Subnets"].split(",")
    if {zones.get(one) for one in private} != {REGION + zone for zone in "abc"} or len(private) != 3:
        yield "not a private subnet in each of three zones"
    nats = {deployment.identity(place): made for place, made in deployment.of("AWS::EC2::NatGateway").items()}
    gateways = {made.get("InternetGatewayId") for made in deployment.of("AWS::EC2::VPCGatewayAttachment").values() if made.get("VpcId") == network.outputs["Vpc"]}
    addresses = {deployment.identity(place, "AllocationId") for place, made in deployment.of("AWS::EC2::EIP").items() if made.get("Domain") == "vpc"}
    if len({made.get("AllocationId") for made in nats.values()} & addresses) != len(nats):
        yield "a NAT gateway has no address of its own"
    for subnet in private:
        found, tables = routes(deployment, subnet)
        if len(tables) != 1:
            yield f"{subnet} has {len(tables)} route tables"
        for service in ("s3", "dynamodb"):
            if f"com.amazonaws.{REGION}.{service}" not in found:
                yield f"from {zones.get(subnet)} {service} is reached by a way that is paid for, or not at all"
        out = found.get("0.0.0.0/0")
        if choice["Egress"] == "endpoints":
            if set(found) - {f"com.amazonaws.{REGION}.{service}" for service in ("s3", "dynamodb")}:
                yield f"{subnet} has a way out that was not to be"
            continue
        nat = nats.get(out, {})
        if zones.get(nat.get("SubnetId")) != zones.get(subnet) or nat.get("SubnetId") in private:
            yield f"{zones.get(subnet)} goes out by a gateway of another zone, or by none"
        if routes(deployment, nat.get("SubnetId"))[0].get("0.0.0.0/0") not in gateways:
            yield f"the gateway of {zones.get(subnet)} leads nowhere"
    if choice["Egress"] == "endpoints":
        yield from endpoints(deployment, private, network.outputs)


def endpoints(deployment, private, outputs):
    called = {aws.lower() for service, aws, _, _ in calls() if aws not in ("S3", "DynamoDB", "IAM", "ECS")}
    # ECS fetches the image and writes the logs; the agent of an instance talks to ECS; S3 and SQS ask KMS themselves.
    called |= {"ecr.api", "ecr.dkr", "logs", "kms", "ecs", "ecs-agent", "ecs-telemetry", "monitoring"}
    have = {}
    for place, made in deployment.of("AWS::EC2::VPCEndpoint").items():
        if made.get("VpcEndpointType") != "Interface":
            continue
        service = made.get("ServiceName", "").removeprefix(f"com.amazonaws.{REGION}.")
        have[service] = place
        group = next((deployment.identity(one) for one in deployment.of("AWS::EC2::SecurityGroup") if one.endswith("/EndpointsGroup")), None)
        if made.get("SubnetIds") != private or made.get("SecurityGroupIds") != [group] or made.get("PrivateDnsEnabled") is not True or made.get("VpcId") != outputs["Vpc"]:
            yield f"{place}: not in each zone, under AWS's own name, for our services"
    yield from (f"{one} cannot be reached" for one in called if one not in have)
    yield from (f"an endpoint of {one} is paid for, and called by nobody" for one in have if one not in called)
    for kind in ("NatGateway", "InternetGateway", "EIP"):
        yield from (f"{place} leads to the internet" for place in deployment.of(f"AWS::EC2::{kind}"))


def script(deployment):
    return deployment.at("gpu.yml/Launch").get("LaunchTemplateData", {}).get("UserData", "")


@functools.cache
def script_says(text, weights):
    """Runs the instance's script, with a folder for a root and stand-ins for what it calls."""
    with tempfile.TemporaryDirectory() as folder:
        root, said = Path(folder), []
        for name, body in (("aws", 'echo "aws $@" >>"$ROOT/called"; touch "$ROOT/var/lib/precis/models/m"; chmod 600 "$ROOT/var/lib/precis/models/m"'), ("dnf", 'echo "dnf $@" >>"$ROOT/called"; exit "${DNF:-0}"')):
            (root / name).write_text(f"#!/bin/sh\n{body}\n")
            (root / name).chmod(0o755)
        agent = root / "opt/aws/amazon-cloudwatch-agent"
        for one in (root / "etc/ecs", agent / "etc", agent / "bin"):
            one.mkdir(parents=True)
        control = agent / "bin/amazon-cloudwatch-agent-ctl"
        control.write_text('#!/bin/sh\necho "agent $@" >>"$ROOT/called"\n')
        control.chmod(0o755)
        moved = re.sub(r"(?<![\w.])/(etc/ecs|var/lib/precis|opt/aws)", rf"{root}/\1", text)
        (root / "script").write_text(moved)
        (root / "script").chmod(0o755)
        environment = {"PATH": f"{root}:/usr/bin:/bin", "ROOT": folder}
        try:
            ended = subprocess.run([str(root / "script")], env=environment, capture_output=True, check=False, timeout=20).returncode
        except OSError:
            return ("the instance's script is no script",)
        called = (root / "called").read_text() if (root / "called").is_file() else ""
        if ended:
            said.append(f"the instance's script ends with {ended}")
        models = root / "var/lib/precis/models"
        if not models.is_dir() or (f"aws s3 sync --only-show-errors s3://{weights} {models}" in called) != bool(weights) or ("aws " in called) != bool(weights):
            said.append("weights are not copied to where the task mounts them")
        elif weights and not (models / "m").stat().st_mode & 0o044:
            said.append("the task may not read the weights")
        config = agent / "etc/precis.json"
        try:
            metrics = json.loads(config.read_text())["metrics"]
            gpu = metrics["metrics_collected"]["nvidia_gpu"]
            if metrics["namespace"] != "Precis/GPU" or metrics["aggregation_dimensions"] != [["stack"]] or gpu["measurement"] != ["utilization_gpu"]:
                said.append("nobody says how busy the GPU is")
        except (OSError, ValueError, KeyError):
            said.append("the agent that says how busy the GPU is has no configuration")
        if "dnf install -y amazon-cloudwatch-agent" not in called or f"agent -a fetch-config -m ec2 -s -c file:{config}" not in called:
            said.append("the agent that says how busy the GPU is is not started")
        (root / "aws").write_text("#!/bin/sh\nexit 1\n")
        broken = subprocess.run([str(root / "script")], env=environment, capture_output=True, check=False, timeout=20).returncode
        if weights and not broken:
            said.append("an instance without its weights takes work")
        (root / "aws").write_text('#!/bin/sh\ntouch "$ROOT/var/lib/precis/models/m"\n')
        if subprocess.run([str(root / "script")], env=environment | {"DNF": "1"}, capture_output=True, check=False, timeout=20).returncode:
            said.append("an instance does no work since a graph cannot be drawn")
        return tuple(said)


@rule
def an_instance_leaks_nothing(deployment):
    """Its role is more than a task's; its disk holds documents while they are read."""
    if deployment.root.parameters["SummarizeOn"] != "gpu":
        yield from (f"{place} is made without need" for kind in ("AutoScaling::AutoScalingGroup", "EC2::LaunchTemplate", "ECS::CapacityProvider") for place in deployment.of(f"AWS::{kind}"))
        return
    data = deployment.at("gpu.yml/Launch").get("LaunchTemplateData", {})
    if data.get("MetadataOptions") != {"HttpTokens": "required", "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": 1}:
        yield "a container, or a request that is forged, can take on the instance's role"
    disks = data.get("BlockDeviceMappings", [])
    if len(disks) != 1 or disks[0].get("DeviceName") != "/dev/xvda":
        yield "the instance's disk is not the one that is encrypted"
    for disk in disks:
        ebs = disk.get("Ebs", {})
        if ebs.get("Encrypted") is not True or ebs.get("DeleteOnTermination") is not True or ebs.get("VolumeType") != "gp3" or not 60 <= ebs.get("VolumeSize", 0) <= 200:
            yield "the disk is not encrypted, stays behind, or is not the size for image, model and documents"
    if data.get("SecurityGroupIds") != [deployment.root.nested["Network"].outputs["ServicesGroup"]] or data.get("KeyName") or data.get("NetworkInterfaces"):
        yield "somebody can connect to an instance"
    template = deployment.templates["gpu.yml"]["Parameters"].get("Image", {})
    image = template.get("Default", "")
    if not re.fullmatch(r"/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id", image) or template.get("Type") != "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>" or data.get("ImageId") != image:
        yield f"the instance's image is not ECS's newest with drivers, but {data.get('ImageId')}"
    yield from script_says(script(deployment), deployment.given.get("Weights", ""))
    settings = dict(re.findall(r"^(ECS_\w+)=(.*)$", script(deployment), re.M))
    wanted = {"ECS_CLUSTER": stack(deployment), "ECS_ENABLE_GPU_SUPPORT": "true", "ECS_ENABLE_SPOT_INSTANCE_DRAINING": "true", "ECS_CONTAINER_STOP_TIMEOUT": "120s",
              "ECS_AWSVPC_BLOCK_IMDS": "true", "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE": "true"}
    if settings != wanted:
        yield f"ECS's agent is told {settings}"
    weights = deployment.given.get("Weights", "")
    role = deployment.at("gpu.yml/InstanceRole")
    if data.get("IamInstanceProfile") != {"Arn": "gpu-Profile.Arn"} or deployment.at("gpu.yml/Profile").get("Roles") != [deployment.identity("gpu.yml/InstanceRole")]:
        yield "an instance has another role"
    yield from instance_rights(deployment, role, weights)


def instance_rights(deployment, role, weights):
    ours = {CLUSTER: arn("ecs", f"cluster/{stack(deployment)}")}
    policies = [one.get("PolicyDocument", {}) for one in role.get("Policies", [])]
    trust = role.get("AssumeRolePolicyDocument", {"Version": "2012-10-17", "Statement": []})
    if not may(trust, "sts:AssumeRole", "", "service:ec2.amazonaws.com") or decide(trust, "sts:AssumeRole", "", "service:ecs-tasks.amazonaws.com") or decide(trust, "sts:AssumeRole", "", "*") or decide(trust, "sts:TagSession", "", "service:ec2.amazonaws.com"):
        yield "not the instance alone takes on its role"
    if set(role) - {"AssumeRolePolicyDocument", "Policies"}:
        yield "the instance's role has more than its one policy"
    instance = arn("ecs", f"container-instance/{stack(deployment)}/1")
    needs = [(f"ecs:{action}", ours[CLUSTER], {}) for action in
             ("RegisterContainerInstance", "DeregisterContainerInstance", "SubmitTaskStateChange", "SubmitContainerStateChange", "SubmitAttachmentStateChanges")]
    needs += [(f"ecs:{action}", instance, ours) for action in ("Poll", "StartTelemetrySession", "UpdateContainerInstancesState")]
    needs += [("ecs:DiscoverPollEndpoint", "*", {}), ("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "Precis/GPU"})]
    if weights:
        bucket = weights.split("/")[0]
        needs += [("s3:GetObject", f"arn:aws:s3:::{weights}/model.safetensors", {}), ("s3:ListBucket", f"arn:aws:s3:::{bucket}", {})]
    for action, resource, context in needs:
        if not any(may(policy, action, resource, None, context) for policy in policies):
            yield f"an instance may not {action}"
    never = [(action, instance, {CLUSTER: arn("ecs", "cluster/other")}) for action, _, context in needs if context == ours]
    never += [("ecs:RegisterContainerInstance", arn("ecs", "cluster/other"), {}), ("ecs:SubmitTaskStateChange", arn("ecs", "cluster/other"), {}), ("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "Precis"}),
              ("s3:GetObject", "arn:aws:s3:::another/x", {}), ("s3:ListBucket", "arn:aws:s3:::another", {}), ("ecs:RunTask", "*", ours), ("ecs:UpdateService", "*", ours),
              ("iam:PassRole", "*", {}), ("s3:PutObject", f"arn:aws:s3:::{weights}/x", {}), ("cloudwatch:DeleteAlarms", "*", {"cloudwatch:namespace": "Precis/GPU"}),
              ("s3:DeleteBucket", f"arn:aws:s3:::{weights.split('/')[0]}", {})]
    for action, resource, context in never:
        if any(decide(policy, action, resource, None, context) for policy in policies):
            yield f"an instance may {action} on {resource}"
    allowed = {action for action, _, _ in needs}
    for action in (one for policy in policies for statement in policy["Statement"] for one in listed(statement.get("Action", []))):
        if action not in allowed:
            yield f"an instance may {action}, and needs not"


@rule
def gpus_come_for_work_and_go_without_it(deployment):
    """An idle GPU costs as much as a busy one; one that goes while it works has its work done twice."""
    choice = deployment.root.parameters
    if choice["SummarizeOn"] != "gpu":
        return
    name, group = stack(deployment), deployment.at("gpu.yml/Instances")
    if str(group.get("MinSize")) != "0" or group.get("MaxSize") != choice["MaxGpus"] or "DesiredCapacity" in group:
        yield f"from {group.get('MinSize')} to {group.get('MaxSize')} instances"
    if group.get("NewInstancesProtectedFromScaleIn") is not True or group.get("CapacityRebalance") is not True:
        yield "an instance that works is taken away, or not replaced before Spot takes it"
    subnets = deployment.root.nested["Network"].outputs["Subnets"].split(",")
    if group.get("VPCZoneIdentifier") != subnets:
        yield "instances are not in the private subnets"
    mixed = group.get("MixedInstancesPolicy", {})
    spread = mixed.get("InstancesDistribution", {})
    if spread.get("OnDemandBaseCapacity") != 0 or spread.get("OnDemandPercentageAboveBaseCapacity") != 100 - choice["SpotShare"]:
        yield f"Spot is not {choice['SpotShare']} of 100"
    if spread.get("SpotAllocationStrategy") != "price-capacity-optimized" or spread.get("OnDemandAllocationStrategy") != "prioritized":
        yield "the cheapest Spot is the one that is taken away first; on demand the first kind is the cheapest"
    launch = mixed.get("LaunchTemplate", {})
    kinds = [one.get("InstanceType", "") for one in launch.get("Overrides", [])]
    if sorted(kinds) != [f"g{family}.{size}xlarge" for family in (5, 6) for size in (2, "")] or not kinds[0].endswith(".xlarge"):
        yield f"{kinds}: not two families and two sizes, as Spot runs out by both, with one GPU of compute capability 8, for which the image is compiled"
    if launch.get("LaunchTemplateSpecification") != {"LaunchTemplateId": "gpu-Launch", "Version": "gpu-Launch.LatestVersionNumber"}:
        yield "instances are started from another template, or an old one"
    provider = deployment.at("gpu.yml/Capacity")
    how = provider.get("AutoScalingGroupProvider", {})
    scaling = how.get("ManagedScaling", {})
    if provider.get("Name") != f"{name}-gpu" or how.get("AutoScalingGroupArn") != "gpu-Instances":
        yield "ECS starts other instances than these"
    if (how.get("ManagedTerminationProtection"), how.get("ManagedDraining"), scaling.get("Status"), scaling.get("TargetCapacity")) != ("ENABLED", "ENABLED", "ENABLED", 100):
        yield "ECS does not start instances for tasks, or keeps idle ones, or takes busy ones away"
    if scaling.get("MinimumScalingStepSize") != 1 or not 2 <= scaling.get("MaximumScalingStepSize", 10000) <= 10 or not 120 <= scaling.get("InstanceWarmupPeriod", 0) <= 600:
        yield "for one document more than one GPU is started"
    tags = {tag.get("Key"): (tag.get("Value"), tag.get("PropagateAtLaunch")) for tag in group.get("Tags", [])}
    if tags.get("precis:stack") != (name, True) or "AmazonECSManaged" not in tags:
        yield "what instances cost is not counted as this stack's, or ECS does not know them as its own"
    volume = deployment.at("gpu.yml/Launch").get("LaunchTemplateData", {}).get("TagSpecifications")
    if volume != [{"ResourceType": "volume", "Tags": [{"Key": "precis:stack", "Value": name}]}]:
        yield "what their disks cost is not counted as this stack's"
    times = {made.get("MinSize"): (made.get("Recurrence"), made.get("AutoScalingGroupName")) for made in deployment.of("AWS::AutoScaling::ScheduledAction").values()}
    if times != ({1: (choice["OfficeHours"], "gpu-Instances"), 0: (choice["OfficeEnds"], "gpu-Instances")} if choice["OfficeHours"] else {}):
        yield f"a GPU is ready at other times: {times}"
    if deployment.at("gpu.yml/Launch").get("LaunchTemplateData", {}).get("Monitoring") != {"Enabled": False}:
        yield "each instance is watched by the minute, which is paid for and looked at by nobody"


@rule
def a_part_is_told_what_the_whole_was_told(deployment):
    """A parameter keeps its name on the way down, so one that is handed to another place is seen; limits agree."""
    renamed = {("gpu.yml", "MaxInstances"): "MaxGpus", ("autoscaling.yml", "SummarizeGpuCeiling"): "MaxGpus", ("autoscaling.yml", "TextractConcurrentJobs"): "ConcurrentJobs",
               ("autoscaling.yml", "TextractCallsPerSecond"): "DetectsPerSecond"}
    root = deployment.root
    for logical, made in deployment.of("AWS::CloudFormation::Stack").items():
        file, name = made.get("TemplateURL"), logical.split("/")[1]
        part = root.nested[name]
        if {tag.get("Key"): tag.get("Value") for tag in made.get("Tags", [])} != {"precis:stack": stack(deployment)}:
            yield f"{name}: what it costs is not counted as this stack's"
        if file != f"{name.lower()}.yml":
            yield f"{name} is made of {file}"
        for parameter, declared in deployment.templates[file].get("Parameters", {}).items():
            above = renamed.get((file, parameter), parameter)
            lists = declared["Type"] not in ("String", "Number")
            if above in root.parameters and not lists:
                if str(made.get("Parameters", {}).get(parameter)) != str(root.parameters[above]):
                    yield f"{name}: {parameter} is not what was said"
                top = root.template["Parameters"][above]
                for limit in ("Default", "MinValue", "MaxValue", "AllowedValues", "AllowedPattern"):
                    # A part may take more than the whole lets through.
                    if (limit in declared or file != "autoscaling.yml") and str(top.get(limit)) != str(declared.get(limit)):
                        yield f"{parameter}: {limit} is {top.get(limit)} above and {declared.get(limit)} in {file}, so it is refused too late or not at all"
    parts = {made.get("TemplateURL") for made in deployment.of("AWS::CloudFormation::Stack").values()}
    wanted = set(deployment.templates) - {"precis.yml"} - (set() if root.parameters["SummarizeOn"] == "gpu" else {"gpu.yml"})
    yield from (f"{file} is deployed by nobody" for file in wanted - parts)
    outputs = {"UploadsBucket": root.parameters["ExistingUploads"] or f"{stack(deployment)}-uploads-{ACCOUNT}-{REGION}", "ResultsBucket": f"{stack(deployment)}-results-{ACCOUNT}-{REGION}",
               "CompletionsTopic": arn("sns", f"{stack(deployment)}-completions"), "OutcomesTopic": arn("sns", f"{stack(deployment)}-outcomes"), "Cluster": stack(deployment),
               "Dashboard": f"https://{REGION}.console.aws.amazon.com/cloudwatch/home?region={REGION}#dashboards/dashboard/{stack(deployment)}"}
    yield from (f"the output {key} says {root.outputs.get(key)}" for key, value in outputs.items() if root.outputs.get(key) != value)


@rule
def what_is_needed_is_there_first(deployment):
    """A service that starts without its tables fails its first check, and the breaker takes the deployment back."""
    before = deployment.root._before("Services")
    yield from (f"services are made before {file}" for file in ("data.yml", "messaging.yml", "roles.yml", "observability.yml", "network.yml") if file not in before)
    if deployment.given.get("SummarizeOn", "fargate") != deployment.root.parameters["SummarizeOn"]:
        yield "a GPU is started for somebody who did not ask for one"


@rule
def the_scaling_is_about_these_services(deployment):
    """It divides by what a task has in hand, and sets how many run of the services by name."""
    scaling, name = deployment.root.nested["Autoscaling"].parameters, stack(deployment)
    for service in ("Ingest", "Ocr", "Summarize", "Notify"):
        if scaling[f"{service}Service"] != named(deployment, service.lower()):
            yield f"{service}: {scaling[f'{service}Service']} is scaled"
    if scaling["Cluster"] != name or (scaling["Gpu"] == "true") != (deployment.root.parameters["SummarizeOn"] == "gpu"):
        yield "another cluster is scaled, or GPUs where there are none"
    for place, made in deployment.of("AWS::ECS::TaskDefinition").items():
        hands = {one.get("Name"): one.get("Value") for one in made["ContainerDefinitions"][0]["Environment"]}.get("PRECIS_CONCURRENCY")
        counted = scaling["GpuConcurrency" if place.endswith("GpuTask") else "Concurrency"]
        if str(counted) != str(hands):
            yield f"{place}: a task has {hands} documents in hand, and the scaling counts on {counted}"


@rule
def a_share_is_what_it_says(deployment):
    """Of each share that can be chosen, not only of those that are tried."""
    gpu, services = (deployment.templates[file].get("Mappings", {}) for file in ("gpu.yml", "services.yml"))
    for share in map(str, deployment.templates["precis.yml"]["Parameters"]["SpotShare"]["AllowedValues"]):
        if gpu.get("OnDemandShare", {}).get(share) != {"Percent": 100 - int(share)}:
            yield f"gpu.yml: {share} of 100 by Spot leaves {gpu.get('OnDemandShare', {}).get(share)}"
        weights = services.get("Share", {}).get(share, {})
        steady, spot = weights.get("Steady"), weights.get("Spot")
        if steady is None or spot is None or 100 * spot != int(share) * (steady + spot) or not 1 <= steady + spot <= 10:
            yield f"services.yml: {share} of 100 by Spot is {weights}"


@rule
def every_choice_is_tried(deployment):
    """A branch that no choice takes is a branch that nobody checked."""
    for file, template in deployment.templates.items():
        for parameter in template.get("Parameters", {}) if file == "precis.yml" else ():
            if not any(parameter in choice for choice in CHOICES.values()):
                yield f"no choice sets {parameter}"
