"""The account that is deployed to, and all that can be found wrong with it before anything is made."""

import time

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from refusal import Refusal

# What every deployment asks of its region.
SERVICES = ["s3", "sqs", "sns", "dynamodb", "textract", "ecs", "kms", "logs", "cloudwatch", "events", "ecr", "cloudformation"]
# Names of quotas: https://docs.aws.amazon.com/general/latest/gr/textract.html and …/ec2-service.html
JOBS = ("textract", "asynchronous jobs")
GPUS = ("ec2", "L-DB2E81BA")  # vCPUs of running on-demand G and VT instances
SPOT_GPUS = ("ec2", "L-3819A6DF")  # the same on Spot
ADDRESSES = ("ec2", "L-0263D0A3")  # elastic addresses of a region


class Account:
    """Clients of one account and region. An emulator (AWS_ENDPOINT_URL) is asked for less."""

    def __init__(self, chosen):
        self.chosen = chosen
        self.session = boto3.Session(region_name=chosen.region)
        regions = {region for partition in self.session.get_available_partitions() for region in self.session.get_available_regions("ec2", partition)}
        if chosen.region not in regions:
            close = ", ".join(sorted(region for region in regions if region[:2] == chosen.region[:2])) or "eu-west-1, us-east-1, …"
            raise Refusal(f"there is no region {chosen.region}", "AWS does not have it", f"mend Region in the environment's file: {close}")
        self.is_emulator = "amazonaws.com" not in self.client("sqs").meta.endpoint_url
        try:
            who = self.client("sts").get_caller_identity()
        except NoCredentialsError:
            raise Refusal("nobody is signed in", "no credentials were found", "aws sso login, or set AWS_PROFILE") from None
        except (BotoCoreError, ClientError) as error:
            raise Refusal("AWS does not take these credentials", str(error), "aws sso login; is AWS_PROFILE the right one?") from None
        self.number = who["Account"]
        self.partition = who["Arn"].split(":")[1]

    def client(self, service: str):
        return self.session.client(service)

    def check(self) -> None:
        chosen = self.chosen
        if chosen.account and chosen.account != self.number:
            raise Refusal("this is another account", f"infra/environments/{chosen.name}.yml is for {chosen.account}, and these credentials are of {self.number}",
                          "change the profile, or the file")
        for service in SERVICES if not self.is_emulator else ():
            if chosen.region not in self.session.get_available_regions(service, self.partition):
                raise Refusal(f"{chosen.region} will not do", f"AWS has no {service} there", "take another region: https://aws.amazon.com/about-aws/global-infrastructure/regional-product-services/")
        self._names()
        if not self.is_emulator:
            self._quotas()

    def _names(self) -> None:
        """A bucket's name is taken once in the world."""
        s3 = self.client("s3")
        taken = self.chosen.parameters.get("ExistingUploads")
        if taken:
            self._readable(s3, taken)
        for bucket, ours in ((f"{self.chosen.stack}-uploads-{self.number}-{self.chosen.region}", True), (taken, False)):
            if not bucket:
                continue
            try:
                s3.head_bucket(Bucket=bucket)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code in ("403", "AccessDenied") and ours:
                    raise Refusal(f"the bucket {bucket} is taken", "somebody else has it, or your policies hide it", "choose another Stack") from None
                if not ours:
                    raise Refusal(f"there is no bucket {bucket} for you", f"S3 answered {code}", "mend ExistingUploads, or leave it out") from None

    @staticmethod
    def _readable(s3, bucket: str) -> None:
        """Ingest may use the stack's own key and no other, so a bucket with a key of its own would be admitted and not read."""
        try:
            rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        except ClientError:
            return
        by = next((one["ApplyServerSideEncryptionByDefault"] for one in rules if "ApplyServerSideEncryptionByDefault" in one), {})
        if by.get("SSEAlgorithm", "").startswith("aws:kms"):
            raise Refusal(f"{bucket} is encrypted with a key of its own", f"{by.get('KMSMasterKeyID', 'AWS-managed')}, which ingest may not use",
                          "take a bucket with SSE-S3, or leave ExistingUploads out and copy documents to the stack's own bucket")

    def prepare(self) -> None:
        """What must be there before the stack is: a fresh account has no role yet by which ECS works on one's behalf."""
        if self.is_emulator:
            return
        try:
            self.client("iam").create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
            print("made the role by which ECS works in this account; it takes some seconds to be known")
            time.sleep(15)
        except ClientError as error:
            if "has been taken" not in str(error):
                print(f"could not see to the role AWSServiceRoleForECS ({error.response['Error']['Code']}); an account that ran ECS before has it")

    def _quotas(self) -> None:
        parameters, quotas = self.chosen.parameters, self.client("service-quotas")
        if not parameters.get("Vpc"):
            zones = self.client("ec2").describe_availability_zones(Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}])["AvailabilityZones"]
            if len(zones) < 3:
                raise Refusal(f"{self.chosen.region} shows you {len(zones)} zones", "the network that is made has three", "give a Vpc and Subnets of your own")
            most = self._quota(quotas, *ADDRESSES) if parameters.get("Egress", "nat") == "nat" else None
            there = self.client("ec2").describe_addresses()["Addresses"]
            ours = [one for one in there if any(tag == {"Key": "precis:stack", "Value": self.chosen.stack} for tag in one.get("Tags", []))]
            if most is not None and not ours and len(there) + 3 > most:
                raise Refusal("too few elastic addresses are left", f"NAT gateways take 3; {len(there)} of {most:.0f} are in use",
                              "ask for more (Service Quotas, EC2-VPC Elastic IPs), release some, or take Egress=endpoints")
        if parameters.get("SummarizeOn") == "gpu":
            quota = SPOT_GPUS if str(parameters.get("SpotShare", 0)) == "100" else GPUS
            vcpus, wanted = self._quota(quotas, *quota), 4 * int(parameters.get("MaxGpus", 4))
            if vcpus is not None and vcpus < wanted:
                raise Refusal("too few GPUs are granted", f"MaxGpus takes {wanted} vCPUs of G instances, and the quota is {vcpus:.0f}",
                              "ask for more (Service Quotas, EC2, Running On-Demand G and VT instances), or lower MaxGpus")
        jobs = self._quota(quotas, *JOBS)
        if jobs is not None and jobs < int(parameters.get("ConcurrentJobs", 100)):
            raise Refusal("Textract grants fewer jobs at once", f"ConcurrentJobs is {parameters.get('ConcurrentJobs', 100)}, and the quota {jobs:.0f}",
                          "lower ConcurrentJobs, or ask for more (Service Quotas, Amazon Textract)")

    @staticmethod
    def _quota(quotas, service: str, which: str):
        """A quota by its code or by words of its name; None where it cannot be asked."""
        try:
            if which.startswith("L-"):
                return quotas.get_service_quota(ServiceCode=service, QuotaCode=which)["Quota"]["Value"]
            pages = quotas.get_paginator("list_service_quotas").paginate(ServiceCode=service)
            found = [one["Value"] for page in pages for one in page["Quotas"] if which in one["QuotaName"].lower() and "DetectDocumentText".lower() in one["QuotaName"].lower()]
            return max(found, default=None)
        except (BotoCoreError, ClientError):
            return None
