"""Watching: an alarm rings when people would notice, keeps quiet when they would not, and leads to what to do.

Each alarm is tried on worlds: series of datapoints as CloudWatch would have them, newest last, None where it has none. So
what counts is when it rings, and not which of its numbers makes it so.
"""

import functools
import json
import re

from policies import may
from rules import CONTRACT, REPOSITORY, SERVICES, found, rule, rule_about, source, stack
from templates import ACCOUNT, REGION

METRICS = {one["name"]: one for one in CONTRACT["metrics"]["all"]}
# AWS/SQS, as its Developer Guide lists them ("Available CloudWatch metrics for Amazon SQS").
SQS = {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed",
       "NumberOfMessagesDeleted", "NumberOfMessagesReceived", "NumberOfMessagesSent", "NumberOfEmptyReceives", "SentMessageSize"}
STATS = {"Minimum": min, "Maximum": max, "Sum": sum, "Average": lambda values: sum(values) / len(values), "SampleCount": len}


def emitted(deployment, namespace, metric, dimensions):
    """Why nobody emits such a metric, or nothing."""
    names = tuple(sorted(dimensions))
    if namespace == "AWS/SQS":
        known = {made.get("QueueName") for made in deployment.of("AWS::SQS::Queue").values()}
        if metric not in SQS or names != ("QueueName",) or dimensions["QueueName"] not in known:
            return f"SQS says no {metric} of {dimensions}"
        return None
    if namespace == "Precis/GPU":
        fits = metric == "nvidia_smi_utilization_gpu" and dimensions == {"stack": stack(deployment)}
        return None if fits else f"the instances say no {metric} of {dimensions}"
    if namespace != CONTRACT["metrics"]["namespace"] + stack(deployment) or metric not in METRICS:
        return f"nobody emits {namespace} {metric}"
    labels, program = METRICS[metric]["labels"], CONTRACT["metrics"]["program"]
    rolled = METRICS[metric]["kind"] == "counter" and len(labels) > 1
    if set(names) != {program, *labels} and not (rolled and names == (labels[0],)):
        return f"{metric} is not emitted by {names}"
    for name, value in dimensions.items():
        if name in CONTRACT["metrics"]["values"] and value not in CONTRACT["metrics"]["values"][name]:
            return f"{metric} has no {name} {value}"
    if program in dimensions and dimensions[program] not in emitters(metric):
        return f"{dimensions[program]} does not emit {metric}"
    return None


@functools.cache
def emitters(metric):
    """The services whose own code records it; all where it is recorded below them."""
    functions = {"precis_pages_total": "metrics::pages(", "precis_outcomes_total": "metrics::outcome("}
    if metric not in functions:
        return SERVICES
    said = [service for service in SERVICES for path in (REPOSITORY / "services" / service / "src").rglob("*.rs") if functions[metric] in path.read_text()]
    if not said:
        raise LookupError(f"nobody records {metric} any more")
    return said


def dimensions(metric):
    return {one.get("Name"): one.get("Value") for one in metric.get("Dimensions", [])}


def asked(alarm):
    """(id, namespace, metric, dimensions, period, statistic) of everything that an alarm looks at."""
    if "Metrics" not in alarm:
        yield "it", alarm.get("Namespace"), alarm.get("MetricName"), dimensions(alarm), alarm.get("Period", 0), alarm.get("Statistic")
    for one in alarm.get("Metrics", []):
        if "MetricStat" in one:
            stat = one["MetricStat"]
            metric = stat.get("Metric", {})
            yield one["Id"], metric.get("Namespace"), metric.get("MetricName"), dimensions(metric), stat.get("Period", 0), stat.get("Stat")


def worked_out(expression, values):
    """An expression of CloudWatch's metric math on one datapoint; None where a value is missing that is not filled."""
    text = re.sub(r"\bIF\(", "IF_(", expression).replace(" AND ", " and ").replace(" OR ", " or ")
    names = {name: (float("nan") if value is None else value) for name, value in values.items()}
    names |= {"IF_": lambda test, yes, no: yes if test else no, "FILL": lambda value, default: default if value != value else value}
    try:
        value = eval(text, {"__builtins__": {}}, names)  # only names, numbers and the two functions above
    except ZeroDivisionError:
        return None
    return None if value != value else float(value)


def rings(alarm, world):
    """Whether the alarm is in ALARM at the end of this world: a function of (metric, dimensions, period) that gives datapoints."""
    if any(not re.fullmatch(r"[a-z]\w*", one.get("Id", "")) for one in alarm.get("Metrics", [])):
        raise ValueError("each metric of an alarm has a name that begins with a small letter")
    count, needed = alarm.get("EvaluationPeriods", 1), alarm.get("DatapointsToAlarm", alarm.get("EvaluationPeriods", 1))
    looked = list(asked(alarm))
    series = {}
    for name, _, metric, of, period, stat in looked:
        points = world(metric, of, period)[-count:]
        points = [None] * (count - len(points)) + points
        series[name] = [None if point is None else STATS[stat](point) for point in points]
    shown = [one for one in alarm.get("Metrics", []) if one.get("ReturnData", True)]
    if "Metrics" in alarm:
        if len(shown) != 1 or "Expression" not in shown[0]:
            raise ValueError("an alarm looks at exactly one expression")
        final = [worked_out(shown[0]["Expression"], {name: points[at] for name, points in series.items()}) for at in range(count)]
    else:
        final = series["it"]
    threshold = float(alarm["Threshold"])
    over = {"GreaterThanThreshold": lambda v: v > threshold, "GreaterThanOrEqualToThreshold": lambda v: v >= threshold,
            "LessThanThreshold": lambda v: v < threshold, "LessThanOrEqualToThreshold": lambda v: v <= threshold}[alarm["ComparisonOperator"]]
    missing = alarm.get("TreatMissingData", "missing") == "breaching"
    return sum(missing if value is None else over(value) for value in final) >= needed


def alarms(deployment):
    return {made.get("AlarmName"): (place, made) for place, made in deployment.of("AWS::CloudWatch::Alarm").items() if not place.startswith("autoscaling.yml/")}


def queue_worlds(queue, oldest):
    """What happens to a queue, and which of its alarms must ring: (what, world, {alarm: rings})."""

    def world(age, waiting, deleted, dead, last=None):
        # A point is the samples of one minute each, as SQS has them.
        def points(metric, of, period):
            values = {"ApproximateAgeOfOldestMessage": age, "NumberOfMessagesDeleted": deleted}
            if metric == "ApproximateNumberOfMessagesVisible":
                values[metric] = dead if of.get("QueueName", "").endswith(f"-{queue}-dead") else waiting
            if of.get("QueueName", "").removesuffix("-dead")[-len(queue):] != queue or values.get(metric) is None:
                return [None] * 60
            samples = values[metric] if isinstance(values[metric], list) else [values[metric]]
            whole = [(samples * max(1, int(period) // 60))[: max(1, int(period) // 60)]] * 60
            return whole if last is None else [[0] * len(whole[0])] * (60 - last) + whole[:last]
        return points

    all_three = {"oldest": True, "no-progress": True, "dead-letters": False}
    quiet = dict.fromkeys(all_three, False)
    yield "nothing was sent for days, and SQS says nothing", world(None, None, None, None), quiet
    yield "it is empty", world(0, 0, 0, 0), quiet
    yield "there is much to do, and it is done", world(oldest // 2, 5000, 90, 0), quiet
    yield "somebody waits a little longer than promised, and work goes on", world(oldest + 60, 5000, 90, 0), {"oldest": True, "no-progress": False, "dead-letters": False}
    yield "its service is down", world(3 * oldest, 12, 0, 0), all_three
    yield "its service is down, and nothing was ever deleted there", world(3 * oldest, 1, None, 0), all_three
    yield "it is down for a minute", world(3 * oldest, 12, 0, 3, last=1), quiet
    yield "a message came and is taken within the period", world(10, [0, 1], 0, 0), quiet
    yield "a dead letter comes and is ended by the worker", world(0, 0, 1, [1, 0]), quiet
    yield "a dead letter stays", world(0, 0, 1, 1), {"oldest": False, "no-progress": False, "dead-letters": True}


@rule_about("AWS::CloudWatch::Alarm")
def an_alarm_rings_when_a_queue_is_stuck_and_only_then(deployment):
    """Too late is an outage that readers report; too often is an alarm that nobody looks at any more."""
    have, name = alarms(deployment), stack(deployment)
    for queue in CONTRACT["queues"]:
        for what, world, wanted in queue_worlds(queue, deployment.root.parameters["OldestSeconds"]):
            for kind, expected in wanted.items():
                if f"{name}-{queue}-{kind}" not in have:
                    yield f"{queue} has no alarm {kind}"
                    continue
                alarm = have[f"{name}-{queue}-{kind}"][1]
                if rings(alarm, world) != expected:
                    yield f"{queue}-{kind} {'keeps quiet' if expected else 'rings'}: {what}"
        for kind, least, most in (("oldest", 300, 900), ("no-progress", 900, 1800), ("dead-letters", 600, 1800)):
            alarm = have.get(f"{name}-{queue}-{kind}", (0, {}))[1]
            spans = {period for *_, period, _ in asked(alarm)} if alarm else set()
            waits = alarm.get("EvaluationPeriods", 0) * max(spans, default=0)
            if len(spans) != 1 or not least <= waits <= most:
                yield f"{queue}-{kind}: rings after {waits} s, where {least} to {most} s are thought right"
            if alarm.get("DatapointsToAlarm") != alarm.get("EvaluationPeriods"):
                yield f"{queue}-{kind}: a part of the time is enough"


def halves(count):
    """What two tasks counted."""
    return [count // 2, count - count // 2]


@rule
def silence_is_no_alarm(deployment):
    """SQS says nothing about a queue that has been idle for six hours, nor we of what did not happen: that is well, not unknown."""
    yield from (f"{name} does not know whether all is well when nothing happens" for name, (_, made) in alarms(deployment).items() if made.get("TreatMissingData") != "notBreaching")


@rule_about("AWS::CloudWatch::Alarm")
def an_alarm_rings_when_too_many_documents_fail_or_too_many_pages_are_paid(deployment):
    """A document that is rejected is its sender's matter. A quiet hour with one failure is no outage."""
    have, name, choice = alarms(deployment), stack(deployment), deployment.root.parameters
    if not {f"{name}-failed-share", f"{name}-failed-share-lately", f"{name}-ocr-spend"} <= set(have):
        yield "nobody is told of failures, or of pages"
        return
    shares, pages = {3600: have[f"{name}-failed-share"][1], 300: have[f"{name}-failed-share-lately"][1]}, have[f"{name}-ocr-spend"][1]

    def outcomes(**kinds):
        return lambda metric, of, period: [None if kinds.get(of.get("kind")) is None else halves(kinds[of["kind"]])] * 30

    for what, world, expected in (("half fail", outcomes(failed=50, summarized=50, rejected=0), True), ("all fail", outcomes(failed=4), True),
                                  ("nothing happens", outcomes(), False), ("one of one fails", outcomes(failed=1), False),
                                  ("one in a thousand fails", outcomes(failed=4, summarized=4000), False), ("many are rejected", outcomes(rejected=900, summarized=100), False),
                                  ("few fail among many rejected", outcomes(failed=5, rejected=900, summarized=10), False),
                                  ("seven in a hundred fail", outcomes(failed=7, rejected=3, summarized=90), True),
                                  ("four in a hundred fail", outcomes(failed=4, rejected=3, summarized=93), False)):
        for share in shares.values():
            if rings(share, world) != expected:
                yield f"{share.get('AlarmName')} {'keeps quiet' if expected else 'rings'}: {what}"
    for seconds, share in shares.items():
        if {period for *_, period, _ in asked(share)} != {seconds} or share.get("EvaluationPeriods") != 1:
            yield f"{share.get('AlarmName')} does not look at {seconds} s: an hour for people, as its parameter says, and five minutes for deployments"
    for what, count, expected in (("twice as many", 2 * choice["DailyOcrPages"], True), ("half as many", choice["DailyOcrPages"] // 2, False), ("none", None, False)):
        if rings(pages, lambda *_, count=count: [None if count is None else halves(count)] * 3) != expected:
            yield f"ocr-spend {'keeps quiet' if expected else 'rings'}: {what} pages as thought"
    if [(of, period) for *_, of, period, _ in asked(pages)] != [({"program": "notify", "origin": "ocr"}, 86400)] or pages.get("EvaluationPeriods") != 1:
        yield "ocr-spend does not look at the pages of one day"


@rule_about("AWS::CloudWatch::Alarm", "AWS::SQS::Queue")
def an_alarm_asks_for_what_is_emitted(deployment):
    """Nothing is as quiet as an alarm on a metric with a slip in its name."""
    for _, (place, alarm) in alarms(deployment).items():
        for _, namespace, metric, of, _, _ in asked(alarm):
            why = emitted(deployment, namespace, metric, of)
            if why:
                yield f"{place}: {why}"


@rule
def what_rings_is_heard_once(deployment):
    """A cause rings many alarms; one e-mail says so. What is about money is a mail of its own."""
    name, have = stack(deployment), alarms(deployment)
    composites = list(deployment.of("AWS::CloudWatch::CompositeAlarm").values())
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}-operations"
    if len(composites) != 1:
        yield f"{len(composites)} alarms of alarms"
        return
    parts = re.split(r" OR ", composites[0].get("AlarmRule", ""))
    inside = [match[1] for part in parts if (match := re.fullmatch(r"ALARM\(([^()]+)\)", part))]
    if len(inside) != len(parts) or len(set(inside)) != len(inside):
        yield f"{composites[0].get('AlarmName')} does not ring with any of its parts"
    loud = [alarm for alarm, (_, made) in have.items() if made.get("AlarmActions")]
    # One that only takes deployments back tells nobody: ECS tells the deployment's end.
    for_ecs = {one for made in deployment.of("AWS::ECS::Service").values() for one in made.get("DeploymentConfiguration", {}).get("Alarms", {}).get("AlarmNames", []) if one.endswith("-lately")}
    yield from (f"{alarm} is heard by nobody" for alarm in have if alarm not in inside and alarm not in loud and alarm not in for_ecs)
    yield from (f"{alarm} is heard twice" for alarm in loud if alarm in inside)
    yield from (f"{alarm} is not there" for alarm in inside if alarm not in have)
    for made in composites + [made for _, made in have.values() if made.get("AlarmActions")]:
        if made.get("AlarmActions") != [topic] or made.get("OKActions") != [topic] or made.get("ActionsEnabled", True) is not True:
            yield f"{made.get('AlarmName')}: its beginning and its end are not both told to {topic}"
    policy = next((one.get("PolicyDocument") for one in deployment.of("AWS::SNS::TopicPolicy").values() if topic in one.get("Topics", [])), None)
    for service in ("cloudwatch", "events"):
        if not policy or not may(policy, "sns:Publish", topic, f"service:{service}.amazonaws.com", {"aws:SourceAccount": ACCOUNT, "aws:SecureTransport": "true"}):
            yield f"{service} may not tell operators"
    address = deployment.root.parameters["OperatorEmail"]
    mails = [made for made in deployment.of("AWS::SNS::Subscription").values() if made.get("TopicArn") == topic]
    if mails != ([{"TopicArn": topic, "Protocol": "email", "Endpoint": address}] if address else []):
        yield "operators are not told"


@rule
def an_alarm_leads_to_what_to_do(deployment):
    """At night nobody thinks; a page says what it means, how to see it, and what mends it."""
    every = [made for _, made in alarms(deployment).values()] + list(deployment.of("AWS::CloudWatch::CompositeAlarm").values())
    for made in every:
        book = re.search(r"Runbook (docs/runbooks/[a-z-]+\.md)$", made.get("AlarmDescription", ""))
        if not book or not (REPOSITORY / book[1]).is_file():
            yield f"{made.get('AlarmName')} leads to no runbook"
        elif not re.search(r"docs/runbooks/(unwell|failed-share|ocr-spend|oldest|no-progress|dead-letters)", book[1]) or book[1].split("/")[-1][:-3] not in made.get("AlarmName", ""):
            yield f"{made.get('AlarmName')} leads to {book[1]}"


@rule
def money_is_watched(deployment):
    """The bill of a month that went wrong comes when it is over."""
    address, choice = deployment.root.parameters["OperatorEmail"], deployment.root.parameters
    budgets = list(deployment.of("AWS::Budgets::Budget").values())
    if not address:
        yield from ("a budget tells nobody" for _ in budgets)
        return
    if len(budgets) != 1:
        yield "there is no budget"
        return
    budget = budgets[0].get("Budget", {})
    if budget.get("BudgetLimit") != {"Amount": choice["MonthlyBudget"], "Unit": "USD"} or (budget.get("BudgetType"), budget.get("TimeUnit")) != ("COST", "MONTHLY"):
        yield "the budget is not what was said, in dollars a month"
    if budget.get("CostFilters") != {"TagKeyValue": [f"user:precis:stack${stack(deployment)}"]}:
        yield "the budget is about something else than this stack"
    notes = {(one["Notification"].get("NotificationType"), one["Notification"].get("ComparisonOperator"), one["Notification"].get("ThresholdType")):
             (one["Notification"].get("Threshold", 0), one.get("Subscribers")) for one in budgets[0].get("NotificationsWithSubscribers", []) if "Notification" in one}
    mail = [{"SubscriptionType": "EMAIL", "Address": address}]
    for kind, least, most in (("ACTUAL", 50, 90), ("FORECASTED", 90, 120)):
        threshold, who = notes.get((kind, "GREATER_THAN", "PERCENTAGE"), (0, None))
        if not least <= threshold <= most or who != mail:
            yield f"nobody is told in time that money is spent ({kind})"


@rule
def every_deployment_is_told_and_kept(deployment):
    """"What changed?" is the first question of each outage."""
    name, log = stack(deployment), f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/{stack(deployment)}/deployments:*"
    rules = deployment.at("observability.yml/DeploymentEvents")
    wanted = {"source": ["aws.ecs"], "detail-type": ["ECS Deployment State Change"],
              "resources": [{"prefix": f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/{name}/"}]}
    targets = {one.get("Id"): one for one in rules.get("Targets", [])}
    if rules.get("EventPattern") != wanted or rules.get("State", "ENABLED") != "ENABLED":
        yield "deployments are not noticed, or those of others are"
    if {one.get("Arn") for one in targets.values()} != {log, f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}-operations"} or len(targets) != 2:
        yield "deployments are not told and kept both"
    mail = targets.get("email", {}).get("InputTransformer", {})
    used = set(re.findall(r"<(\w+)>", mail.get("InputTemplate", "")))
    if not re.fullmatch(r'"[^"]*"', mail.get("InputTemplate", "")):
        yield "the mail about a deployment is no text in quotes"
    paths = {"what": "$.detail.eventName", "why": "$.detail.reason", "service": "$.resources[0]", "at": "$.time"}
    if mail.get("InputPathsMap") != paths or used != set(paths):
        yield "the mail about a deployment does not say which, what, when and why"
    if not (REPOSITORY / "docs/runbooks/rolled-back.md").is_file() or "docs/runbooks/rolled-back.md" not in mail.get("InputTemplate", ""):
        yield "a rollback leads to no runbook"
    try:
        policy = json.loads(deployment.at("observability.yml/DeploymentsPolicy").get("PolicyDocument", "{}"))
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            if not may(policy, action, log.replace("*", "log-stream:x"), "service:events.amazonaws.com"):
                yield "EventBridge cannot write the record"
            # A rule writes to logs of its own account only.
            for who, context, where in (("*", {"aws:SourceAccount": ACCOUNT}, log), ("service:events.amazonaws.com", {}, log.replace("deployments", "ingest"))):
                if may(policy, action, where, who, context):
                    yield "somebody else can write the record, or EventBridge other logs"
    except (json.JSONDecodeError, KeyError):
        yield "the policy of the record is no policy"
    waits = deployment.resources.get("observability.yml/DeploymentEvents", {}).get("DependsOn", [])
    if "DeploymentsPolicy" not in waits or "ToldPolicy" not in waits:
        yield "deployments are noticed before they can be told"


@rule_about("AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::SQS::Queue", "AWS::Logs::LogGroup")
def the_dashboard_shows_what_is_emitted(deployment):
    """A graph without data looks like a quiet day."""
    have, name = alarms(deployment), stack(deployment)
    boards = list(deployment.of("AWS::CloudWatch::Dashboard").values())
    if len(boards) != 1 or boards[0].get("DashboardName") != name:
        yield "there is no dashboard of the stack's name"
        return
    try:
        widgets = json.loads(boards[0].get("DashboardBody", ""))["widgets"]
    except (json.JSONDecodeError, KeyError):
        yield "the dashboard is no JSON"
        return
    text = json.dumps(widgets)
    for title in ("**Is it well?**", "Is it well?\"", "age of the oldest message", "What is stuck: dead letters", "What does it cost", "Outcomes by reason", "Put off", "Each stage", "GPUs busy", "ocr is paid", "a document"):
        if title not in text:
            yield f"the dashboard does not say: {title}"
    shown = {one.split(":alarm:")[-1] for widget in widgets for one in widget["properties"].get("alarms", [])}
    yield from (f"the dashboard does not show {one}" for one in list(have) + [f"{name}-unwell"] if one not in shown)
    yield from (f"the dashboard shows {one}, which is not there" for one in shown if one not in have and one != f"{name}-unwell")
    for widget in widgets:
        own = widget["properties"]
        if "metrics" in own and own.get("region") != REGION:
            yield f"{own.get('title')}: of another region"
        for row in own.get("metrics", []):
            if isinstance(row[0], dict) and "SEARCH" not in row[0]["expression"]:
                continue  # of metrics that stand beside it
            if isinstance(row[0], dict):
                for namespace, labels, metric in re.findall(r"\{\"([^\"]+)\",([a-z,]+)\} MetricName=\"(\w+)\"", row[0]["expression"]) or [("", "", row[0]["expression"])]:
                    if namespace != CONTRACT["metrics"]["namespace"] + stack(deployment) or metric not in METRICS or set(labels.split(",")) != {"program", *METRICS[metric]["labels"]}:
                        yield f"{own.get('title')}: nobody emits {metric} of {labels} in {namespace}"
                continue
            pairs = row[2:-1] if isinstance(row[-1], dict) else row[2:]
            why = emitted(deployment, row[0], row[1], dict(zip(pairs[::2], pairs[1::2])))
            if why:
                yield f"{own.get('title')}: {why}"
        for group in re.findall(r"SOURCE '([^']+)'", own.get("query", "")):
            if group not in {made.get("LogGroupName") for made in deployment.of("AWS::Logs::LogGroup").values()}:
                yield f"{own.get('title')}: there is no log {group}"
        if "query" in own:
            found(r'duration_ms = telemetry::ms\(took\), "stage done"', source("shared/worker/src/attempt.rs"))
            if "message = 'stage done'" not in own["query"] or "duration_ms" not in own["query"] or "span.stage" not in own["query"]:
                yield f"{own.get('title')}: it looks for a line that nobody writes"
