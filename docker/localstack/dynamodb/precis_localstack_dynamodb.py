"""DynamoDB for LocalStack by moto, chosen with ``PROVIDER_OVERRIDE_DYNAMODB=moto``.

LocalStack's own provider downloads Amazon's DynamoDB Local (a Java program) when it is first called, which needs Java
and an open network. moto comes with LocalStack anyway, answers the same calls in the same process, and CloudFormation's
``AWS::DynamoDB::Table`` finds it on the same endpoint.

Two things are mended on the way. moto looks at a condition first and writes afterwards, while LocalStack serves many
threads: without the one lock here two conditional writes could both succeed, which DynamoDB never allows. And moto's
answer is passed on byte for byte, because an error carries more than a code and a message (the old ``Item``, the
``CancellationReasons``), together with the checksum header that some SDKs verify.
"""

import threading
from zlib import crc32

from localstack.aws.api import RequestContext
from localstack.aws.api.dynamodb import DynamodbApi
from localstack.aws.api.dynamodbstreams import DynamodbstreamsApi
from localstack.aws.forwarder import ForwardingFallbackDispatcher
from localstack.http import Response
from localstack.services.moto import dispatch_to_moto
from localstack.services.plugins import Service, aws_provider

# Re-entrant: a call may lead to another one, as a stream's reader does.
_one_at_a_time = threading.RLock()


class Tables(DynamodbApi):
    """Answers nothing itself; what is not answered goes on to moto."""


class Streams(DynamodbstreamsApi):
    """The same for the streams of tables."""


def _by_moto(context: RequestContext, _request) -> Response:
    with _one_at_a_time:
        answer = dispatch_to_moto(context)
    answer.headers["Content-Type"] = "application/x-amz-json-1.0"
    answer.headers["x-amzn-RequestId"] = context.request_id
    answer.headers["x-amz-crc32"] = str(crc32(answer.get_data()))
    return answer


def _service(provider) -> Service:
    def dispatch_table(of):
        return ForwardingFallbackDispatcher(of, _by_moto)

    return Service.for_provider(provider, dispatch_table_factory=dispatch_table)


@aws_provider(api="dynamodb", name="moto")
def dynamodb() -> Service:
    return _service(Tables())


@aws_provider(api="dynamodbstreams", name="moto")
def dynamodbstreams() -> Service:
    return _service(Streams())
