"""The root of the port: a page for browsers, and S3 for all other requests."""

from __future__ import annotations

import json
import re

import pytest

from support import raw_requests

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def test_a_browser_gets_a_page_with_links_to_the_health_check_and_the_services(cloud):
    status, page = raw_requests.send(cloud, "GET", "/", BROWSER)
    assert status == 200
    assert page.startswith("<!DOCTYPE html>")
    assert cloud.url in page
    assert f"Account {cloud.running.account}, region {cloud.running.region}" in page
    assert 'eval "$(scones env)"' in page
    links = re.findall('href="([^"]+)"', page)
    assert "https://boto3.amazonaws.com/v1/documentation/api/latest/reference/services/stepfunctions.html" in links
    assert "/_scones/health" in links
    status, health = raw_requests.send(cloud, "GET", "/_scones/health", BROWSER)
    assert (status, json.loads(health)["status"]) == (200, "running")


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {}),
        ("GET", "/", {"accept": "*/*"}),
        ("GET", "/bucket", BROWSER),
        ("GET", "/?list-type=2", BROWSER),
        ("PUT", "/", BROWSER),
    ],
)
def test_other_unsigned_requests_get_the_errors_of_s3(cloud, method, path, headers):
    status, text = raw_requests.send(cloud, method, path, headers)
    assert status in (403, 404, 405)
    assert text.startswith("<?xml")
    assert "<Error><Code>" in text


def test_list_buckets_is_not_changed_by_an_accept_header(cloud):
    cloud.client("s3").create_bucket(Bucket="landing-page")
    headers = raw_requests.signed_headers(cloud, "s3", b"", method="GET", path="/")
    status, text = raw_requests.send(cloud, "GET", "/", headers | BROWSER)
    assert status == 200
    assert "<Name>landing-page</Name>" in text


def test_the_page_of_a_foreign_host_is_refused(cloud):
    status, text = raw_requests.send(cloud, "GET", "/", BROWSER | {"Host": "attacker.example"})
    assert status == 403
    assert "<Code>AccessDenied</Code>" in text
