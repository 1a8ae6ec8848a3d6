"""The CloudFormation template: read here, linted, and applied to moto as far as moto can."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployments.environment_parts import Retention
from tests.environments import interpreter

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "deployments" / "cloudformation" / "navigator.yaml"
LOCK = ROOT / "tests" / "manifests.lock"
HERE = Path(__file__).parent


class _Short(yaml.SafeLoader):
    """Reads CloudFormation's short forms, such as !Ref, as mappings."""


def _short(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    assert isinstance(node, yaml.SequenceNode)
    return {suffix: loader.construct_sequence(node, deep=True)}


_Short.add_multi_constructor("!", _short)


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """The template, its short forms as mappings."""
    found: dict[str, Any] = yaml.load(TEMPLATE.read_text("utf-8"), Loader=_Short)
    return found


def properties(template: dict[str, Any], name: str) -> dict[str, Any]:
    """Of one resource."""
    found: dict[str, Any] = template["Resources"][name]["Properties"]
    return found


def test_what_holds_data_outlives_its_stack(template: dict[str, Any]) -> None:
    """Key and bucket stay, and the database leaves a snapshot, when a stack is removed."""
    kept = {
        name: (each.get("DeletionPolicy"), each.get("UpdateReplacePolicy"))
        for name, each in template["Resources"].items()
        if "DeletionPolicy" in each
    }
    assert kept == {
        "Key": ("Retain", "Retain"),
        "Bucket": ("Retain", "Retain"),
        "Database": ("Snapshot", "Snapshot"),
    }
    assert properties(template, "Database")["DeletionProtection"] is True


def test_everything_at_rest_is_encrypted_with_the_key(template: dict[str, Any]) -> None:
    """Database, its password, its figures, the bucket and every secret use the one key."""
    database = properties(template, "Database")
    assert database["StorageEncrypted"] is True
    assert database["KmsKeyId"] == database["PerformanceInsightsKMSKeyId"] == {"GetAtt": "Key.Arn"}
    assert database["MasterUserSecret"] == {"KmsKeyId": {"Ref": "Key"}}
    encryption = properties(template, "Bucket")["BucketEncryption"]
    [rule] = encryption["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == {"GetAtt": "Key.Arn"}
    for name, each in template["Resources"].items():
        if each["Type"] == "AWS::SecretsManager::Secret":
            assert each["Properties"]["KmsKeyId"] == {"Ref": "Key"}, name
            assert "SecretString" not in each["Properties"], name


def test_the_bucket_takes_requests_with_tls_only(template: dict[str, Any]) -> None:
    """Whoever asks without TLS, or with an old one, is refused; nothing in it can be public."""
    statements = properties(template, "BucketPolicy")["PolicyDocument"]["Statement"]
    refused = {each["Sid"]: each for each in statements if each["Effect"] == "Deny"}
    assert refused["TlsOnly"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert refused["NoOldTls"]["Condition"] == {"NumericLessThan": {"s3:TlsVersion": "1.2"}}
    for each in refused.values():
        assert each["Principal"] == "*" and each["Action"] == "s3:*"
        assert each["Resource"] == [{"GetAtt": "Bucket.Arn"}, {"Sub": "${Bucket.Arn}/*"}]
    assert set(properties(template, "Bucket")["PublicAccessBlockConfiguration"].values()) == {True}


def test_unfinished_uploads_and_old_versions_end(template: dict[str, Any]) -> None:
    """Parts that no sweep sees go after a day; what was deleted is gone after a week."""
    bucket = properties(template, "Bucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = {each["Id"]: each for each in bucket["LifecycleConfiguration"]["Rules"]}
    unfinished = rules["unfinished-uploads"]["AbortIncompleteMultipartUpload"]
    assert unfinished == {"DaysAfterInitiation": {"Ref": "UnfinishedUploadDays"}}
    deleted = rules["deleted-objects"]["NoncurrentVersionExpiration"]
    assert deleted == {"NoncurrentDays": {"Ref": "DeletedObjectDays"}}


def test_its_defaults_are_those_of_an_environment(template: dict[str, Any]) -> None:
    """Who gives no retention has the same here as in the environment's file."""
    defaults = {name: each.get("Default") for name, each in template["Parameters"].items()}
    retention = Retention()
    assert defaults["BackupDays"] == retention.backup_days
    assert defaults["UnfinishedUploadDays"] == retention.unfinished_upload_days
    assert defaults["DeletedObjectDays"] == retention.deleted_object_days


def test_postgres_is_reached_by_the_clients_alone_and_with_tls(template: dict[str, Any]) -> None:
    """It is not public, has one rule for who comes in, and takes no connection without TLS."""
    database = properties(template, "Database")
    assert database["PubliclyAccessible"] is False
    [rule] = properties(template, "DatabaseSecurityGroup")["SecurityGroupIngress"]
    assert rule["SourceSecurityGroupId"] == {"Ref": "ClientsSecurityGroup"}
    parameters = properties(template, "DatabaseParameters")["Parameters"]
    assert parameters["rds.force_ssl"] == "1"
    assert database["DBParameterGroupName"] == {"Ref": "DatabaseParameters"}


@pytest.mark.long
def test_it_is_lint_free() -> None:
    """cfn-lint knows every resource, property and value."""
    done = subprocess.run(
        [interpreter(LOCK).with_name("cfn-lint"), "--non-zero-exit-code", "informational",
         TEMPLATE],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module", params=["true", "false"])
def stack(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What a stack in moto has, less what moto cannot do.

    That is the output of RDS's own secret, and a reference to a parameter group.
    """
    text = TEMPLATE.read_text("utf-8")
    text, outputs = re.subn(r"  DatabaseOwnerSecret:\n(?:    .+\n)+", "", text)
    text, references = re.subn(r" +DBParameterGroupName: !Ref DatabaseParameters\n", "", text)
    assert (outputs, references) == (1, 1)
    done = subprocess.run(
        [interpreter(LOCK), HERE / "stack_in_moto.py", request.param],
        input=text, capture_output=True, text=True, timeout=170,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    unknown = {line.split()[-1] for line in done.stderr.splitlines() if "No Moto" in line}
    return {**json.loads(done.stdout), "two_zones": request.param == "true", "unknown": unknown}


@pytest.mark.long
def test_a_stack_has_bucket_database_and_network(stack: dict[str, Any]) -> None:
    """Moto makes what it knows of the template, with the parameters that were given."""
    assert stack["status"] == "CREATE_COMPLETE"
    database = stack["database"]
    assert database["MultiAZ"] is stack["two_zones"]
    assert database["BackupRetentionPeriod"] == 21
    assert database["StorageEncrypted"] and not database["PubliclyAccessible"]
    assert stack["parameters"]["rds.force_ssl"] == "1"
    [rule] = stack["bucket"]["encryption"]["Rules"]
    key = rule["ApplyServerSideEncryptionByDefault"]
    assert (key["SSEAlgorithm"], key["KMSMasterKeyID"]) == ("aws:kms", database["KmsKeyId"])
    addresses = sorted(each["CidrBlock"] for each in stack["subnets"])
    assert addresses == ["10.40.0.0/24", "10.40.1.0/24", "10.40.16.0/20", "10.40.32.0/20"]
    groups = {each["Description"]: each for each in stack["security_groups"]}
    [incoming] = groups["Postgres, for the clients alone"]["IpPermissions"]
    [pair] = incoming["UserIdGroupPairs"]
    assert pair["GroupId"] == stack["outputs"]["ClientsSecurityGroup"]
    assert (incoming["FromPort"], incoming["ToPort"]) == (5432, 5432)
    assert [each["VpcEndpointType"] for each in stack["endpoints"]] == ["Gateway"]


@pytest.mark.long
def test_what_moto_does_not_know_is_known_to_us(stack: dict[str, Any]) -> None:
    """The template's secrets and the bucket's policy are only read and linted; nothing else is."""
    assert stack["unknown"] == {"AWS::S3::BucketPolicy", "AWS::SecretsManager::Secret"}
