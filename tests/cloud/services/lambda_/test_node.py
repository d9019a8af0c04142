"""Functions in Node.js, and functions with a custom runtime."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError

from support.function_workbench import archive

node = pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js on this machine")
RUNTIME = """#!{python} -u
import os, json, urllib.request
path = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(path + "next") as event:
        request, payload = event.headers["Lambda-Runtime-Aws-Request-Id"], json.load(event)
    print("handling", os.environ["_HANDLER"])
    error = "fail" in payload
    answer = dict(errorType="Mine", errorMessage="no") if error else dict(got=payload)
    urllib.request.urlopen(path + request + ("/error" if error else "/response"), json.dumps(answer).encode())
"""
"""Program of a custom runtime in one file, as AWS's guide describes it."""


@pytest.fixture
def javascript(function):
    """A function that creates a Node.js function from files, or from the text of `index.js`."""

    def make(code, handler="index.handler", **options):
        files = code if isinstance(code, dict) else {"index.js": code}
        settings = {"Runtime": "nodejs20.x", "Handler": handler, "Code": {"ZipFile": archive(files)}, "Timeout": 10}
        return function("", **{**settings, **options})

    return make


@node
@pytest.mark.parametrize(
    ("files", "answer"),
    [
        ({"index.js": "exports.handler = async (event) => ({ got: event.n })"}, {"got": 7}),
        ({"index.mjs": "export const handler = async (event) => event.n"}, 7),
        ({"index.js": "export const handler = async () => 1", "package.json": '{"type": "module"}'}, 1),
        ({"index.cjs": "exports.handler = (event, context, callback) => callback(null, 'called')"}, "called"),
        ({"index.js": "exports.handler = (e, c, done) => setTimeout(() => done(null, 'later'), 20)"}, "later"),
        ({"index.js": "exports.handler = (event, context) => context.succeed('ended')"}, "ended"),
        ({"index.js": "exports.handler = () => 7"}, None),  # no promise and no callback
        (
            {
                "index.js": "exports.handler = (e, c, done) => {c.callbackWaitsForEmptyEventLoop = false; "
                "setInterval(() => {}, 1000); done(null, 'at once')}"
            },
            "at once",
        ),
    ],
)
def test_every_form_of_handler_serves_requests(javascript, files, answer):
    made = javascript(files)
    assert [(made.invoke({"n": 7}).payload, made.invoke({"n": 7}).error) for _ in range(2)] == [(answer, None)] * 2


@node
def test_a_handler_may_be_in_a_folder_and_in_an_object(javascript):
    files = {"src/app.js": "const words = require('./words');\nexports.api = { get: async () => words.hello }"}
    assert javascript(files | {"src/words.js": "exports.hello = 'hi'"}, "src/app.api.get").invoke().payload == "hi"


@node
@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("class E extends Error { name = 'Mine' }\nexports.handler = async () => { throw new E('no') }", "Mine", "no"),
        ("exports.handler = (e, c, done) => done(new TypeError('no'))", "TypeError", "no"),
        ("exports.handler = (e, c, done) => done('no')", "string", "no"),
        ("exports.handler = () => { null.x }", "TypeError", "Cannot read properties of null (reading 'x')"),
        ("throw new RangeError('init')", "RangeError", "init"),
        ("require('nowhere')", "Runtime.ImportModuleError", "Error: Cannot find module 'nowhere'\nRequire stack:\n- "),
        ("exports.x = 1", "Runtime.HandlerNotFound", "index.handler is undefined or not exported"),
        ("exports.handler = (", "Runtime.UserCodeSyntaxError", "SyntaxError: "),
        ("exports.handler = async () => 1n", "Runtime.MarshalError", "Unable to stringify response body"),
        (
            "exports.handler = () => { Promise.reject(new Error('lost')); return new Promise(() => {}) }",
            "Runtime.UnhandledPromiseRejection",
            "Error: lost",
        ),
        ("exports.handler = () => process.exit(3)", "Runtime.ExitError", "RequestId: "),
    ],
)
def test_errors_have_the_forms_of_aws(javascript, code, kind, message):
    answered = javascript(code).invoke()
    assert (answered.error, answered.payload["errorType"]) == ("Unhandled", kind)
    assert answered.payload["errorMessage"].startswith(message)


@node
def test_an_error_has_its_trace_and_is_logged(javascript):
    answered = javascript({"index.mjs": "export const handler = async () => {\n  throw new Error('a\\nb') }"}).invoke()
    own = "    at Runtime.handler (file:///var/task/index.mjs:2:9)"
    assert answered.payload["trace"][:3] == ["Error: a", "b", own]
    assert "file:///var/runtime/index.mjs" in answered.payload["trace"][3]
    line = answered.log.splitlines()[1]
    reported = json.loads(line.partition("\tERROR\tInvoke Error \t")[2])
    assert (reported["errorType"], reported["stack"][2]) == ("Error", answered.payload["trace"][2])


@node
def test_the_console_writes_lines_of_the_request(javascript):
    made = javascript("exports.handler = async (e, c) => { console.log('got %d', 5, { a: 1 }); console.warn('a\\nb') }")
    start, first, second, rest, *_ = made.invoke().log.splitlines()
    request = start.split()[2]
    assert (first.split("\t")[1:], second.split("\t")[1:], rest) == (
        [request, "INFO", "got 5 { a: 1 }"],
        [request, "WARN", "a"],
        "b",
    )
    made.client.update_function_configuration(FunctionName=made.name, LoggingConfig={"LogFormat": "JSON"})
    records = [json.loads(line) for line in made.invoke().log.splitlines()[1:3]]
    assert [(record["level"], record["message"]) for record in records] == [
        ("INFO", "got 5 { a: 1 }"),
        ("WARN", "a\nb"),
    ]


@node
def test_the_context_object_describes_the_invocation(javascript):
    code = """exports.handler = async (event, context) => [
        context.functionName, context.memoryLimitInMB, context.invokedFunctionArn.split(":")[6],
        context.getRemainingTimeInMillis() > 0, context.clientContext.custom, process.env.AWS_EXECUTION_ENV]"""
    made = javascript(code)
    context = "eyJjdXN0b20iOiAxfQ=="
    seen = made.invoke(ClientContext=context).payload
    assert seen == [made.name, "128", made.name, True, 1, "AWS_Lambda_nodejs20.x"]


@node
def test_layers_provide_modules(javascript, cloud):
    content = {"ZipFile": archive({"nodejs/node_modules/words/index.js": "exports.hello = 'hi'"})}
    layer = cloud.client("lambda").publish_layer_version(LayerName="node-words", Content=content)
    code = "const words = require('words');\nexports.handler = async () => words.hello"
    assert javascript(code, Layers=[layer["LayerVersionArn"]]).invoke().payload == "hi"


@node
def test_another_node_version_is_used_unless_the_setting_forbids_it(start_cloud, monkeypatch, javascript):
    cloud = start_cloud()
    installed = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    other = "nodejs18.x" if installed.startswith("v22.") else "nodejs22.x"
    code = "exports.handler = async () => process.env.AWS_EXECUTION_ENV"
    made = javascript(code, client=cloud.client("lambda"), Runtime=other)
    assert made.invoke().payload == f"AWS_Lambda_{other}"
    assert f"not {other}: functions run with nodejs" in (cloud.data_dir / "cloud.log").read_text()
    monkeypatch.setenv("SCONES_SUBSTITUTE_RUNTIMES", "false")
    with pytest.raises(ClientError, match=f"not {other}; SCONES_SUBSTITUTE_RUNTIMES does not allow a substitute"):
        javascript(code, client=start_cloud("other").client("lambda"), Runtime=other)


def test_without_nodejs_its_functions_are_rejected(start_cloud, monkeypatch, javascript, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClientError, match="Node.js was not found in PATH, but nodejs20.x needs it: install Node.js"):
        javascript("", client=start_cloud().client("lambda"))


def test_a_function_may_contain_its_own_runtime(javascript):
    made = javascript({"bootstrap": RUNTIME.format(python=sys.executable)}, "any.name", Runtime="provided.al2023")
    answered = [made.invoke({"n": 1}), made.invoke({"fail": 1})]
    assert [(one.payload, one.error) for one in answered] == [
        ({"got": {"n": 1}}, None),
        ({"errorType": "Mine", "errorMessage": "no"}, "Unhandled"),
    ]
    assert "handling any.name" in answered[0].log
