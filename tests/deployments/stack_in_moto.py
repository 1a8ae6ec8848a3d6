"""Creates a CloudFormation stack in moto, in an environment of its own; see `tests/manifests.lock`.

Reads the template from stdin and prints, as JSON, what is there afterwards. Moto says on
stderr which resources it does not know.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import boto3  # type: ignore[import-not-found]  # of that environment
from moto import mock_aws  # type: ignore[import-not-found]  # of that environment

_ACCESS = {
    "region_name": "eu-central-1",
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
}


def main() -> None:
    """Create it and look."""
    with mock_aws():
        stacks = boto3.client("cloudformation", **_ACCESS)
        parameters = {"EnvironmentName": "staging", "MultiAz": sys.argv[1], "BackupDays": "21"}
        stacks.create_stack(
            StackName="navigator-staging",
            TemplateBody=sys.stdin.read(),
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
            Capabilities=["CAPABILITY_IAM"],
        )
        [stack] = stacks.describe_stacks(StackName="navigator-staging")["Stacks"]
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        found = {"status": stack["StackStatus"], "outputs": outputs, **_there(outputs)}
    sys.stdout.write(json.dumps(found, default=str))


def _there(outputs: dict[str, str]) -> dict[str, Any]:
    rds, ec2 = boto3.client("rds", **_ACCESS), boto3.client("ec2", **_ACCESS)
    [group] = [
        each["DBParameterGroupName"]
        for each in rds.describe_db_parameter_groups()["DBParameterGroups"]
    ]
    parameters = rds.describe_db_parameters(DBParameterGroupName=group)["Parameters"]
    network = [{"Name": "vpc-id", "Values": [outputs["NetworkId"]]}]
    return {
        "bucket": _bucket(outputs["StorageUrl"].removeprefix("s3://")),
        "database": rds.describe_db_instances()["DBInstances"][0],
        "parameters": {each["ParameterName"]: each["ParameterValue"] for each in parameters},
        "subnets": ec2.describe_subnets(Filters=network)["Subnets"],
        "security_groups": ec2.describe_security_groups(Filters=network)["SecurityGroups"],
        "endpoints": ec2.describe_vpc_endpoints(Filters=network)["VpcEndpoints"],
    }


def _bucket(name: str) -> dict[str, Any]:
    s3 = boto3.client("s3", **_ACCESS)
    return {
        "encryption": s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"],
    }


if __name__ == "__main__":
    main()
