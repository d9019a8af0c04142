"""Random UUIDs in text form."""

from __future__ import annotations

import uuid

from scones.cloud.core.uuids import uuid4


def test_a_uuid_is_random_of_version_4_and_written_as_the_library_writes_it():
    made = [uuid4() for _ in range(1000)]
    assert len(set(made)) == 1000
    for text in made:
        parsed = uuid.UUID(text)
        assert (str(parsed), parsed.version, parsed.variant) == (text, 4, uuid.RFC_4122)
