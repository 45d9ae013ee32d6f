"""Scaling: what autoscaling.yml is wired to. Whether its numbers are good is its simulator's to say (docs/scaling.md)."""

import json
import re

from policies import decide, listed, may
from rules import CONTRACT, found, named, rule, rule_about, source, stack
from templates import ACCOUNT, REGION, arn
from watch import asked, emitted

SCALING = ("AWS::CloudWatch::Alarm", "AWS::ApplicationAutoScaling::ScalingPolicy", "AWS::ApplicationAutoScaling::ScalableTarget")


@rule_about(*SCALING)
def more_work_brings_more_tasks(deployment):
    """Bands without a gap or an overlap, each adding more than the one below: turned over, a burst is met by one task."""
    for place, made in deployment.of("AWS::ApplicationAutoScaling::ScalingPolicy").items():
        steps = made.get("StepScalingPolicyConfiguration", {}).get("StepAdjustments", [])
        if len(steps) < 2:
            continue
        edges = [(step.get("MetricIntervalLowerBound"), step.get("MetricIntervalUpperBound"), step.get("ScalingAdjustment")) for step in steps]
        if int(edges[0][2]) < 0:  # Less work takes tasks away: the same, seen in a mirror.
            edges = [(None if upper is None else -float(upper), None if lower is None else -float(lower), step) for lower, upper, step in reversed(edges)]
        meets = all(upper is not None and float(upper) == float(edges[at + 1][0]) for at, (_, upper, _) in enumerate(edges[:-1]))
        grows = len({int(step) > 0 for _, _, step in edges}) == 1 and all(float(lower) < float(upper) for lower, upper, _ in edges[:-1] if lower is not None and upper is not None)
        more = [abs(int(step)) for _, _, step in edges]
        if not meets or not grows or edges[-1][1] is not None or more != sorted(set(more)):
            yield f"{place}: bands {edges}"


@rule_about(*SCALING, "AWS::SQS::Queue", "AWS::ECS::Service")
def scaling_looks_at_what_is_there(deployment):
    """An alarm that looks at another service's queue, or sets off another service's policy, scales what has no work."""
    running = {made.get("ServiceName") for made in deployment.of("AWS::ECS::Service").values()}
    for place, made in deployment.of("AWS::CloudWatch::Alarm").items():
        if not place.startswith("autoscaling.yml/"):
            continue
        for _, namespace, metric, of, _, _ in asked(made):
            if namespace in ("ECS/ContainerInsights", "AWS/ECS"):
                if metric not in (("CPUUtilization",) if namespace == "AWS/ECS" else ("RunningTaskCount", "DesiredTaskCount")) or of.get("ClusterName") != stack(deployment) or of.get("ServiceName") not in running or len(of) != 2:
                    yield f"{place}: nobody counts {metric} of {of}"
            elif why := emitted(deployment, namespace, metric, of):
                yield f"{place}: {why}"
        who = re.match(r"autoscaling\.yml/(Ingest|Ocr|Summarize|Notify)", place)
        if who:
            own = {of.get("ServiceName") for _, space, _, of, _, _ in asked(made) if space.endswith(("ECS", "ECS/ContainerInsights"))}
            if own - {named(deployment, who[1].lower())} or not all(str(one).startswith(f"autoscaling-{who[1]}") for one in made.get("AlarmActions", [])):
                yield f"{place}: about {own}, sets off {made.get('AlarmActions')}"
    places = {made.get("ResourceId"): place for place, made in deployment.of("AWS::ApplicationAutoScaling::ScalableTarget").items()}
    for service in CONTRACT["environment"]:
        place, kinds = places.get(f"service/{stack(deployment)}/{named(deployment, service)}", ""), {"Wake", "Grow", "Shrink", "Sleep"}
        if place != f"autoscaling.yml/{service.capitalize()}Target":
            yield f"{service} is scaled by {place or 'nobody'}"
        if wrong := {kind for kind in kinds if deployment.at(f"autoscaling.yml/{service.capitalize()}{kind}Policy").get("ScalingTargetId") != f"autoscaling-{service.capitalize()}Target"}:
            yield f"{service}: what is said of it to {wrong} is done to another"


@rule_about(*SCALING)
def a_policy_is_set_off_by_its_own_alarm(deployment):
    """A policy that nothing sets off is none, and one that another's alarm sets off does the wrong thing."""
    by = {}
    for place, made in deployment.of("AWS::CloudWatch::Alarm").items():
        if place.startswith("autoscaling.yml/"):
            for action in made.get("AlarmActions", []):
                by.setdefault(action, []).append(place.split("/")[1])
            if set(made) - {"AlarmDescription", "Metrics", "ComparisonOperator", "Threshold", "EvaluationPeriods", "DatapointsToAlarm", "TreatMissingData", "AlarmActions"}:
                yield f"{place}: sets off something else, or has its actions off"
            if made.get("TreatMissingData") != "notBreaching":
                yield f"{place}: acts on what it does not know"
    for place, made in deployment.of("AWS::ApplicationAutoScaling::ScalingPolicy").items():
        name, steps = place.split("/")[1], made.get("StepScalingPolicyConfiguration", {})
        wanted = ["Sleep" if name.endswith("SleepPolicy") else name.removesuffix("Policy")]
        if by.get(deployment.identity(place)) != wanted:
            yield f"{place}: is set off by {by.get(deployment.identity(place))}"
        if made.get("PolicyType") != "StepScaling" or steps.get("MetricAggregationType") != "Maximum":
            yield f"{place}: reads another value than the last of an alarm that looked at several"
    for place, made in deployment.of("AWS::ApplicationAutoScaling::ScalableTarget").items():
        if made.get("ServiceNamespace") != "ecs" or made.get("ScalableDimension") != "ecs:service:DesiredCount":
            yield f"{place}: scales {made.get('ScalableDimension')}"


@rule_about("AWS::CloudWatch::Alarm")
def an_alarm_of_the_scaling_reads_what_it_says(deployment):
    """SQS has one sample a minute, so any statistic would do; two words for the same thing are one too many."""
    for place, made in deployment.of("AWS::CloudWatch::Alarm").items():
        if not place.startswith("autoscaling.yml/"):
            continue
        for name, namespace, _, _, period, statistic in asked(made):
            if period != 60 or statistic != ("Maximum" if namespace == "AWS/SQS" else "Average"):
                yield f"{place}: {name} is the {statistic} of {period} s"
        shown = [one.get("ReturnData") for one in made.get("Metrics", [])]
        if shown != [False] * (len(shown) - 1) + [True]:
            yield f"{place}: compares {shown} with its threshold"


def _taken_on(deployment, place, who):
    """What is wrong with who may take a role on: only this service of AWS may, and only for this account."""
    trust = deployment.at(place).get("AssumeRolePolicyDocument", {"Version": "2012-10-17", "Statement": []})
    if not may(trust, "sts:AssumeRole", "", f"service:{who}", {"aws:SourceAccount": ACCOUNT}):
        yield f"{place}: {who} cannot take it on"
    for other, account in ((who, "999999999999"), ("ec2.amazonaws.com", ACCOUNT)):
        if decide(trust, "sts:AssumeRole", "", f"service:{other}", {"aws:SourceAccount": account}) or decide(trust, "sts:TagSession", "", f"service:{who}", {"aws:SourceAccount": ACCOUNT}):
            yield f"{place}: {other} may take it on for {account}, or do more with it"
    if set(deployment.at(place)) - {"AssumeRolePolicyDocument", "Policies"} or len(deployment.at(place).get("Policies", [])) != 1:
        yield f"{place}: it has more than its one policy"


def _granted(deployment, place):
    """(action, resource) of everything that a role allows."""
    for policy in (one.get("PolicyDocument", {}) for one in deployment.at(place).get("Policies", [])):
        decide(policy, "", "")  # raises at what is not understood
        for one in policy.get("Statement", []):
            yield from ((action, resource) for action in listed(one["Action"]) for resource in listed(one["Resource"]) if one["Effect"] == "Allow")


@rule_about("AWS::StepFunctions::StateMachine", "AWS::Scheduler::Schedule", "AWS::IAM::Role", "AWS::SQS::Queue")
def every_queue_is_asked(deployment):
    """SQS says nothing of a queue that nobody touched for six hours, so nothing would wake."""
    machine, schedule = deployment.at("autoscaling.yml/Ask"), deployment.at("autoscaling.yml/AskSchedule")
    states = json.loads(machine.get("DefinitionString", "{}")).get("States", {})
    queues = {made["QueueName"] for made in deployment.of("AWS::SQS::Queue").values()}
    item = states.get("Each", {}).get("ItemProcessor", {})
    task = item.get("States", {}).get("Attributes", {})
    retries = task.get("Retry", [{}])[0]
    asks = {
        "starts elsewhere": json.loads(machine.get("DefinitionString", "{}")).get("StartAt") == "Queues" and item.get("StartAt") == "Attributes",
        "asks other queues": set(states.get("Queues", {}).get("Result", [])) == queues,
        "goes another way": (states.get("Queues", {}).get("Type"), states.get("Queues", {}).get("Next")) == ("Pass", "Each"),
        "does not ask each": (states.get("Each", {}).get("Type"), states.get("Each", {}).get("End"), item.get("ProcessorConfig")) == ("Map", True, {"Mode": "INLINE"}),
        "does something else": (task.get("Type"), task.get("End"), task.get("Resource")) == ("Task", True, "arn:aws:states:::aws-sdk:sqs:getQueueAttributes"),
        "asks for something else": task.get("Parameters") == {
            "QueueUrl.$": f"States.Format('https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{{}}', $)", "AttributeNames": ["ApproximateNumberOfMessages"]},
        "gives up, or never does": retries.get("ErrorEquals") == ["States.ALL"] and 2 <= retries.get("MaxAttempts", 0) <= 5 and retries.get("IntervalSeconds", 0) <= 10,
        "is another kind of machine, ten times as dear": machine.get("StateMachineType") == "EXPRESS",
        "is called by what others are": machine.get("StateMachineName") == f"{stack(deployment)}-ask-queues",
        "has another's role": machine.get("RoleArn") == deployment.identity("autoscaling.yml/AskRole", "Arn"),
    }
    yield from (f"what asks the queues {what}" for what, well in asks.items() if not well)
    target = schedule.get("Target", {})
    retry = target.get("RetryPolicy", {})
    if (target.get("Arn"), target.get("RoleArn")) != (deployment.identity("autoscaling.yml/Ask"), deployment.identity("autoscaling.yml/AskScheduleRole", "Arn")):
        yield f"the schedule starts {target.get('Arn')} as {target.get('RoleArn')}"
    if schedule.get("FlexibleTimeWindow") != {"Mode": "OFF"} or not 300 <= retry.get("MaximumEventAgeInSeconds", 0) <= 1800 or not 2 <= retry.get("MaximumRetryAttempts", 0) <= 20:
        yield f"a start that fails is tried again {retry}"
    yield from _taken_on(deployment, "autoscaling.yml/AskRole", "states.amazonaws.com")
    yield from _taken_on(deployment, "autoscaling.yml/AskScheduleRole", "scheduler.amazonaws.com")
    if list(_granted(deployment, "autoscaling.yml/AskRole")) != [("sqs:GetQueueAttributes", arn("sqs", f"{stack(deployment)}-*"))]:
        yield f"what asks the queues may {list(_granted(deployment, 'autoscaling.yml/AskRole'))}"
    if list(_granted(deployment, "autoscaling.yml/AskScheduleRole")) != [("states:StartExecution", deployment.identity("autoscaling.yml/Ask"))]:
        yield f"the schedule may {list(_granted(deployment, 'autoscaling.yml/AskScheduleRole'))}"


@rule
def the_numbers_are_those_that_were_simulated(deployment):
    """docs/scaling.md says what documents wait and what they cost under these numbers, and nothing about others."""
    page = source("docs/scaling.md").split("## The numbers")[1]
    simulated = {name: float(value) for name, value in found(r"\| `(\w+)` \| ([\d.]+) \|", page)}
    declared = {name: one.get("Default") for name, one in deployment.templates["autoscaling.yml"]["Parameters"].items() if one.get("Type") == "Number"}
    for name in sorted(set(simulated) | set(declared)):
        if str(declared.get(name)) != f"{simulated.get(name):g}":
            yield f"{name} is {declared.get(name)}; {simulated.get(name)} was simulated: make scaling"


# The least of each number, by its name: what is shorter than metrics come, or takes tasks away by one sample, is a mistake.
LEAST = {r"(Cooldown|Age)$": 60, r"^(Shrink|Sleep)Periods$|Within$": 2, r"^Floor$": 0, r"": 1}


@rule
def a_number_of_the_scaling_has_its_limits(deployment):
    """A part that is nested elsewhere is told other numbers, by people who have not read why."""
    for name, one in deployment.templates["autoscaling.yml"]["Parameters"].items():
        least = next(least for pattern, least in LEAST.items() if re.search(pattern, name))
        limits = (one.get("MinValue"), one.get("MaxValue"))
        if one.get("Type") == "Number" and "AllowedValues" not in one and limits != (least, 100 if name == "ShrinkBusy" else None):
            yield f"{name}: between {limits}, where {least} is the least that makes sense"
