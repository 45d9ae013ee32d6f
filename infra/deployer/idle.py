"""What a deployment costs in a month in which no document comes, by its own templates: list prices of us-east-1."""

HOURS = 730
# https://aws.amazon.com/vpc/pricing, /privatelink/pricing, /cloudwatch/pricing (alarms of standard resolution, by each metric
# that they look at; without the free ten), /kms/pricing; 30 November 2026.
NAT, ENDPOINT, METRIC, COMPOSITE, DASHBOARD, KEY = 0.045 * HOURS, 0.01 * HOURS, 0.10, 0.50, 3.00, 1.00


def costs(deployment) -> list[tuple[str, float]]:
    """(what, dollars a month) of everything that is paid for by being there."""
    count = lambda kind: len(deployment.of(f"AWS::{kind}"))
    endpoints = sum(len(made.get("SubnetIds", [])) for made in deployment.of("AWS::EC2::VPCEndpoint").values() if made.get("VpcEndpointType") == "Interface")
    metrics = sum(sum("MetricStat" in one for one in made["Metrics"]) if "Metrics" in made else 1 for made in deployment.of("AWS::CloudWatch::Alarm").values())
    rows = [
        (f"{count('EC2::NatGateway')} NAT gateways, and $0.045 a GB through them", NAT * count("EC2::NatGateway")),
        (f"{endpoints} interface endpoints", ENDPOINT * endpoints),
        (f"alarms on {metrics} metrics, {count('CloudWatch::CompositeAlarm')} of alarms together", METRIC * metrics + COMPOSITE * count("CloudWatch::CompositeAlarm")),
        (f"{count('CloudWatch::Dashboard')} dashboard, {count('KMS::Key')} key", DASHBOARD * count("CloudWatch::Dashboard") + KEY * count("KMS::Key")),
    ]
    return [(what, dollars) for what, dollars in rows if dollars]


def show(deployment) -> None:
    """Prints them; tasks are not among them, since none runs while nothing is to be done."""
    rows = costs(deployment)
    print(f"while no document comes it costs about ${sum(dollars for _, dollars in rows):.0f} a month (list prices of us-east-1):")
    for what, dollars in rows:
        print(f"  ${dollars:6.2f}  {what}")
