"""SageMaker Studio through the API: domains, user profiles, spaces, and apps that run a real JupyterLab."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from scones.studio.environments import LAB, SDK_V2

ENVIRONMENTS = Path(__file__).resolve().parents[4] / "build" / "environments"
ROLE = "arn:aws:iam::111122223333:role/service-role/Researcher"
SECONDS = 120.0


def refused(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


def until(sagemaker: Any, app: dict[str, str], *statuses: str) -> dict[str, Any]:
    """Wait until an app has one of the statuses; return its description."""
    deadline = time.monotonic() + SECONDS
    while (found := sagemaker.describe_app(**app))["Status"] not in statuses:
        assert time.monotonic() < deadline, found
        assert found["Status"] in ("Pending", "InService", "Deleting"), found
        time.sleep(0.1)
    return found


def with_space(sagemaker: Any, name: str) -> tuple[str, dict[str, str]]:
    """Create a domain with the user profile `ana` and her space `mine`.

    Return the domain's ID, and the parameters that identify an app in the space. The app is not created.
    """
    settings = {"ExecutionRole": ROLE}
    domain = sagemaker.create_domain(DomainName=name, AuthMode="IAM", DefaultUserSettings=settings)["DomainId"]
    sagemaker.create_user_profile(DomainId=domain, UserProfileName="ana")
    sagemaker.create_space(
        DomainId=domain,
        SpaceName="mine",
        OwnershipSettings={"OwnerUserProfileName": "ana"},
        SpaceSharingSettings={"SharingType": "Private"},
        SpaceSettings={"AppType": "JupyterLab"},
    )
    return domain, {"DomainId": domain, "SpaceName": "mine", "AppType": "JupyterLab", "AppName": "default"}


def test_domains_profiles_and_spaces_are_kept_listed_changed_and_deleted(cloud):
    sagemaker = cloud.client("sagemaker")
    domain, _ = with_space(sagemaker, "kept")
    found = sagemaker.describe_domain(DomainId=domain)
    assert found["DomainArn"] == f"arn:aws:sagemaker:us-east-1:111122223333:domain/{domain}"
    assert found["Url"] == f"https://{domain}.studio.us-east-1.sagemaker.aws"
    assert (found["Status"], found["AuthMode"]) == ("InService", "IAM")
    assert found["DefaultUserSettings"] == {"ExecutionRole": ROLE}
    assert domain in [each["DomainId"] for each in sagemaker.list_domains()["Domains"]]
    change = {"DefaultUserSettings": {"StudioWebPortal": "ENABLED"}, "AppNetworkAccessType": "VpcOnly"}
    sagemaker.update_domain(DomainId=domain, **change)
    found = sagemaker.describe_domain(DomainId=domain)
    assert found["AppNetworkAccessType"] == "VpcOnly"
    assert found["DefaultUserSettings"] == {"ExecutionRole": ROLE, "StudioWebPortal": "ENABLED"}

    sagemaker.create_user_profile(DomainId=domain, UserProfileName="Ben", Tags=[{"Key": "team", "Value": "ml"}])
    profile = sagemaker.describe_user_profile(DomainId=domain, UserProfileName="Ben")
    assert profile["UserProfileArn"].endswith(f":user-profile/{domain}/ben")
    assert sagemaker.list_tags(ResourceArn=profile["UserProfileArn"])["Tags"] == [{"Key": "team", "Value": "ml"}]
    sagemaker.update_user_profile(DomainId=domain, UserProfileName="Ben", UserSettings={"ExecutionRole": ROLE})
    changed = sagemaker.describe_user_profile(DomainId=domain, UserProfileName="Ben")
    assert changed["UserSettings"] == {"ExecutionRole": ROLE}
    assert changed["LastModifiedTime"] > changed["CreationTime"]
    listed = sagemaker.list_user_profiles(DomainIdEquals=domain, SortBy="LastModifiedTime", SortOrder="Descending")
    assert [each["UserProfileName"] for each in listed["UserProfiles"]] == ["Ben", "ana"]
    listed = sagemaker.list_user_profiles(DomainIdEquals=domain, UserProfileNameContains="AN")
    assert [each["UserProfileName"] for each in listed["UserProfiles"]] == ["ana"]

    (space,) = sagemaker.list_spaces(DomainIdEquals=domain)["Spaces"]
    assert space["OwnershipSettingsSummary"] == {"OwnerUserProfileName": "ana"}
    assert space["SpaceSettingsSummary"] == {"AppType": "JupyterLab"}
    sagemaker.update_space(DomainId=domain, SpaceName="mine", SpaceDisplayName="Ana's own")
    assert sagemaker.describe_space(DomainId=domain, SpaceName="mine")["SpaceDisplayName"] == "Ana's own"

    needed = refused(sagemaker.delete_user_profile, DomainId=domain, UserProfileName="ana")
    assert needed[1].endswith(f":user-profile/{domain}/ana] because Space(s) are associated with it.")
    needed = refused(sagemaker.delete_domain, DomainId=domain)
    assert needed[0] == "ResourceInUse"
    assert needed[1].startswith("Unable to delete Domain [")
    sagemaker.delete_space(DomainId=domain, SpaceName="mine")
    for name in ("ana", "Ben"):
        sagemaker.delete_user_profile(DomainId=domain, UserProfileName=name)
    sagemaker.delete_domain(DomainId=domain)
    assert refused(sagemaker.describe_domain, DomainId=domain)[0] == "ResourceNotFound"


def test_missing_duplicate_and_unsupported_studio_resources_are_rejected(cloud):
    sagemaker = cloud.client("sagemaker")
    domain, app = with_space(sagemaker, "refusals")
    settings = {"DomainName": "other", "DefaultUserSettings": {}}
    assert refused(sagemaker.create_domain, AuthMode="SSO", **settings)[0] == "NotImplemented"
    assert refused(sagemaker.create_user_profile, DomainId=domain, UserProfileName="ANA")[0] == "ResourceInUse"
    single = {"UserProfileName": "cem", "SingleSignOnUserIdentifier": "UserName", "SingleSignOnUserValue": "cem"}
    assert refused(sagemaker.create_user_profile, DomainId=domain, **single)[0] == "ValidationException"
    assert refused(sagemaker.create_space, DomainId="d-nowhere", SpaceName="x")[0] == "ResourceNotFound"
    shared = {"SpaceSharingSettings": {"SharingType": "Shared"}}
    assert refused(sagemaker.create_space, DomainId=domain, SpaceName="x", **shared)[0] == "ValidationException"
    assert refused(sagemaker.describe_app, **app)[0] == "ResourceNotFound"
    assert refused(sagemaker.create_app, **(app | {"SpaceName": "none"}))[0] == "ResourceNotFound"
    assert refused(sagemaker.create_app, **app, UserProfileName="ana")[0] == "ValidationException"
    code, message = refused(sagemaker.create_app, **(app | {"AppType": "CodeEditor"}))
    assert (code, "apps of type CodeEditor" in message) == ("NotImplemented", True)
    code, message = refused(sagemaker.create_presigned_domain_url, DomainId=domain, UserProfileName="ana")
    assert (code, "No app of ana is InService" in message) == ("ValidationException", True)


@pytest.mark.slow
def test_an_app_is_a_jupyterlab_behind_a_token_until_it_is_deleted(start_cloud, monkeypatch):
    for environment in (LAB, SDK_V2):
        environment.install(ENVIRONMENTS)
    monkeypatch.setenv("SCONES_ENVIRONMENTS", str(ENVIRONMENTS))
    cloud = start_cloud()
    sagemaker = cloud.client("sagemaker")
    domain, app = with_space(sagemaker, "labs")
    sagemaker.create_app(**app)
    assert sagemaker.describe_app(**app)["Status"] == "Pending"
    assert refused(sagemaker.create_app, **app)[0] == "ResourceInUse"
    until(sagemaker, app, "InService")

    asked = {"DomainId": domain, "UserProfileName": "ana"}
    soon = sagemaker.create_presigned_domain_url(**asked, SpaceName="mine", ExpiresInSeconds=8)["AuthorizedUrl"]
    expired = time.time() + 8
    assert get(soon)[0] == 200
    url = sagemaker.create_presigned_domain_url(**asked, SpaceName="mine")["AuthorizedUrl"]
    address, _, token = url.partition("/lab?token=")
    assert address.startswith("http://127.0.0.1:")
    status, page = get(url)
    assert (status, "JupyterLab" in page) == (200, True)
    assert get(f"{address}/api/contents")[0] == 403
    assert get(f"{address}/api/contents?token={token[:-1]}")[0] == 403
    status, contents = get(f"{address}/api/contents?token={token}")
    assert (status, "1-etl.ipynb" in contents) == (200, True)
    assert '"python3"' in get(f"{address}/api/kernelspecs?token={token}")[1]

    cloud.kill()
    cloud = start_cloud()
    sagemaker = cloud.client("sagemaker")
    until(sagemaker, app, "InService")
    url = sagemaker.create_presigned_domain_url(**asked)["AuthorizedUrl"]
    assert get(url)[0] == 200
    time.sleep(max(0, expired + 0.1 - time.time()))
    assert get(soon.replace(address, url.partition("/lab")[0]).replace("/lab?", "/api/contents?"))[0] == 403
    (listed,) = sagemaker.list_apps(DomainIdEquals=domain, SpaceNameEquals="mine")["Apps"]
    assert (listed["AppName"], listed["Status"]) == ("default", "InService")
    assert refused(sagemaker.delete_space, DomainId=domain, SpaceName="mine")[0] == "ResourceInUse"

    sagemaker.delete_app(**app)
    until(sagemaker, app, "Deleted")
    with pytest.raises(urllib.error.URLError):
        get(url)
    programs = [_line(each) for each in psutil.Process(cloud.running.pid).children(recursive=True)]
    assert not [line for line in programs if "jupyter" in line and "-m scones.cloud" not in line]
    sagemaker.delete_space(DomainId=domain, SpaceName="mine")
    sagemaker.delete_user_profile(**asked)
    sagemaker.delete_domain(DomainId=domain, RetentionPolicy={"HomeEfsFileSystem": "Delete"})
    assert not (cloud.data_dir / "studio" / domain).exists()


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def test_an_app_whose_program_ends_fails_with_its_last_output(start_cloud, tmp_path, monkeypatch):
    program = tmp_path / "lab.py"
    program.write_text("print('no room on this disk')\nraise SystemExit(3)\n")
    monkeypatch.setenv("SCONES_IMAGES", f"jupyterlab={program}")
    sagemaker = start_cloud().client("sagemaker")
    domain, _ = with_space(sagemaker, "failing")
    app = {"DomainId": domain, "UserProfileName": "ana", "AppType": "JupyterServer", "AppName": "default"}
    sagemaker.create_app(**app)
    deadline = time.monotonic() + 30
    while (found := sagemaker.describe_app(**app))["Status"] == "Pending":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (found["Status"], found["FailureReason"]) == (
        "Failed",
        "JupyterLab exited with status 3: no room on this disk",
    )


def test_an_app_uses_the_role_and_the_folder_of_its_user_profile(start_cloud, tmp_path, monkeypatch):
    program = tmp_path / "lab.py"
    program.write_text(
        """
import http.server, json, os
import boto3
reported = {"role": boto3.client("sts").get_caller_identity()["Arn"], "folder": os.getcwd()}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(reported).encode())
http.server.HTTPServer(("127.0.0.1", int(os.environ["JUPYTER_PORT"])), Handler).serve_forever()
"""
    )
    monkeypatch.setenv("SCONES_IMAGES", f"jupyterlab={program}")
    cloud = start_cloud()
    sagemaker = cloud.client("sagemaker")
    domain, app = with_space(sagemaker, "roles")
    sagemaker.create_app(**app)
    until(sagemaker, app, "InService")
    url = sagemaker.create_presigned_domain_url(DomainId=domain, UserProfileName="ana")["AuthorizedUrl"]
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=10)
    connection.request("GET", "/")
    reported = connection.getresponse().read().decode()
    connection.close()
    assert "assumed-role/Researcher/SageMaker" in reported
    assert str(cloud.data_dir / "studio" / domain / "spaces" / "mine") in reported
