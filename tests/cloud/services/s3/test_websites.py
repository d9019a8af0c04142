"""The website endpoint of buckets."""

from __future__ import annotations

import http.client

import pytest


@pytest.fixture
def site(cloud, s3, bucket):
    """A bucket that anyone may read; return a function that requests a path of its website."""
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    port = cloud.url.rpartition(":")[2]

    def request(path="/", method="GET", name=bucket, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=30)
        host = f"{name}.s3-website.localhost:{port}"
        connection.request(method, path, headers={"Host": host, **headers})
        response = connection.getresponse()
        found = response.status, response.read().decode(), response.headers
        connection.close()
        return found

    return request


def put(s3, bucket, key, body="", **more):
    return s3.put_object(Bucket=bucket, Key=key, Body=body, ACL="public-read", **more)["ETag"]


def configure(s3, bucket, **configuration):
    configuration = {"IndexDocument": {"Suffix": "index.html"}, **configuration}
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=configuration)


def test_a_website_has_pages_and_an_error_document(s3, bucket, site):
    configure(s3, bucket, ErrorDocument={"Key": "error.html"})
    assert "<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>" in site("/missing")[1]
    etag = put(s3, bucket, "index.html", "index", ContentType="text/html")
    put(s3, bucket, "folder/index.html", "page of the folder")
    put(s3, bucket, "error.html", "error")
    s3.put_object(Bucket=bucket, Key="private", Body=b"secret")
    status, body, headers = site()
    assert {"ETag", "Content-Type", "Content-Length", "Last-Modified", "Server"} <= set(headers.keys())
    assert (status, body, headers["ETag"], headers["Content-Type"]) == (200, "index", etag, "text/html")
    assert site("/index.html", **{"If-None-Match": etag})[:2] == (304, "")
    assert site(method="HEAD")[:2] == (200, "")
    status, _, headers = site("/folder")
    assert (status, headers["Location"]) == (302, "/folder/")
    assert site("/folder/")[:2] == (200, "page of the folder")
    assert site("/missing")[:2] == (404, "error")
    assert site("/private")[:2] == (403, "error")


def test_a_website_answers_errors_in_html(s3, bucket, site):
    status, body, _ = site()
    assert (status, "<li>Code: NoSuchWebsiteConfiguration</li>" in body) == (404, True)
    status, body, _ = site(name="no-such-bucket")
    assert (status, "<li>Code: NoSuchBucket</li>" in body) == (404, True)
    configure(s3, bucket)
    status, body, _ = site("/missing/")
    assert status == 404
    assert body.startswith(
        "<html>\n<head><title>404 Not Found</title></head>\n<body>\n<h1>404 Not Found</h1>\n<ul>\n"
        "<li>Code: NoSuchKey</li>\n<li>Message: The specified key does not exist.</li>\n"
        "<li>Key: missing/index.html</li>\n<li>RequestId: "
    )
    assert body.endswith("</li>\n</ul>\n<hr/>\n</body>\n</html>\n")
    status, body, _ = site(method="POST")
    assert (status, "<li>Method: POST</li>\n<li>ResourceType: OBJECT</li>" in body) == (405, True)


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/old/key", 301, "{site}/new/key"),
        ("/docs/key", 301, "{site}/key"),
        ("/elsewhere", 307, "https://example.test/elsewhere"),
        ("/missing", 301, "{site}/found.html"),
        ("/object", 301, "/found.html"),
    ],
)
def test_rules_and_objects_redirect(cloud, s3, bucket, site, path, status, location):
    elsewhere = {"HostName": "example.test", "Protocol": "https", "HttpRedirectCode": "307"}
    rules = [
        {"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"}},
        {"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": ""}},
        {"Condition": {"KeyPrefixEquals": "elsewhere"}, "Redirect": elsewhere},
        {"Condition": {"HttpErrorCodeReturnedEquals": "404"}, "Redirect": {"ReplaceKeyWith": "found.html"}},
    ]
    configure(s3, bucket, RoutingRules=rules)
    put(s3, bucket, "object", WebsiteRedirectLocation="/found.html")
    port = cloud.url.rpartition(":")[2]
    found, body, headers = site(path)
    expected = location.format(site=f"http://{bucket}.s3-website.localhost:{port}")
    assert (found, body, headers["Location"]) == (status, "", expected)


def test_a_website_may_redirect_all_requests(s3, bucket, site):
    target = {"RedirectAllRequestsTo": {"HostName": "example.test"}}
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=target)
    status, _, headers = site("/a/key")
    assert (status, headers["Location"]) == (301, "http://example.test/a/key")
