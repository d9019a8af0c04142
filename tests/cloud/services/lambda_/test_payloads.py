"""Error messages for payloads that are not JSON: Jackson's words, and the position at which it stops."""

from __future__ import annotations

import pytest

from scones.cloud.errors import ServiceError
from scones.cloud.services.lambda_.invoke.payloads import check_payload


@pytest.mark.parametrize(
    ("payload", "fault", "location"),
    [
        (b"hello", "Unrecognized token 'hello': was expecting (JSON String, Number, ", "line: 1, column: 6]"),
        (b'{"a":\n x}', "Unrecognized token 'x': was expecting (JSON String, Number, ", "line: 2, column: 4]"),
        (b"{x}", "Unexpected character ('x' (code 120)): was expecting double-quote to start field name", "column: 2]"),
        (b"'{}'", "Unexpected character (''' (code 39)): expected a valid value (JSON String, ", "column: 1]"),
        (b'{"a" 1}', "Unexpected character ('1' (code 49)): was expecting a colon to separate field ", "column: 6]"),
        (
            b'{"a": [1 2]}',
            "Unexpected character ('2' (code 50)): was expecting comma to separate Array ",
            "column: 10]",
        ),
        (b"[NaN]", "Non-standard token 'NaN': enable JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS", "column: 5]"),
        (b'"a', "Unexpected end-of-input: was expecting closing quote for a string value", "column: 3]"),
        (b'{"a": 1', "Unexpected end-of-input: expected close marker for Object", "column: 8]"),
        (b'"\xff"', "Invalid UTF-8 start byte 0xff", "column: 3]"),
        # messages that users got from AWS after the AWS CLI decoded their text as base64
        (b"0D\xa0a", "Unexpected character ('D' (code 68)): Expected space separating root-level values", "column: 2]"),
        (b"\xc2'm\x9d", "Unrecognized token '\xc2': was expecting (JSON String, Number, ", "column: 3]"),
        (b"\x99\xeb", "Unexpected character ((CTRL-CHAR, code 153)): expected a valid value (JSON", "column: 1]"),
        (b"\xce\x97\xff", "Invalid UTF-8 start byte 0x97", "column: 3]"),
    ],
)
def test_invalid_json_is_reported_with_jacksons_messages(payload, fault, location):
    with pytest.raises(ServiceError) as refused:
        check_payload(payload)
    begin = "Could not parse request body into json: Could not parse payload into json: "
    assert refused.value.code == "InvalidRequestContentException"
    assert refused.value.message.startswith(begin + fault)
    assert refused.value.message.endswith(location)
    assert (
        "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); " in refused.value.message
    )


@pytest.mark.parametrize("payload", [b"null", b" 1.5 ", b'"\xc3\xa9"', b"\xef\xbb\xbf{}", b"1" * 5000, b"[" * 100_000])
def test_a_payload_that_may_be_json_is_left_to_the_handler(payload):
    check_payload(payload)
