"""Scaling: what autoscaling.yml is wired to. Whether its numbers are good is its simulator's to say (docs/scaling.md)."""

import re

from rules import CONTRACT, rule_about, stack
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
        meets = all(upper is not None and float(upper) == float(edges[at + 1][0]) for at, (_, upper, _) in enumerate(edges[:-1]))
        grows = all(float(lower) < float(upper) for lower, upper, _ in edges[:-1] if lower is not None and upper is not None)
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
            if namespace == "ECS/ContainerInsights":
                if metric != "RunningTaskCount" or of.get("ClusterName") != stack(deployment) or of.get("ServiceName") not in running or len(of) != 2:
                    yield f"{place}: nobody counts {metric} of {of}"
            elif why := emitted(deployment, namespace, metric, of):
                yield f"{place}: {why}"
        who = re.match(r"autoscaling\.yml/(Ingest|Ocr|Summarize|Notify)", place)
        if who:
            own = {of.get("ServiceName") for _, space, _, of, _, _ in asked(made) if space == "ECS/ContainerInsights"}
            if own - {f"{stack(deployment)}-{who[1].lower()}"} or not all(str(one).startswith(f"autoscaling-{who[1]}") for one in made.get("AlarmActions", [])):
                yield f"{place}: about {own}, sets off {made.get('AlarmActions')}"
    ready = {made.get("ResourceId") for made in deployment.of("AWS::ApplicationAutoScaling::ScalableTarget").values()}
    wanted = {f"service/{stack(deployment)}/{stack(deployment)}-{service}" for service in CONTRACT["environment"]}
    yield from (f"{one} is scaled by nobody" for one in wanted - ready)
