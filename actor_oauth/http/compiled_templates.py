"""The pages' templates, compiled once in a process, however many providers it opens.

Tests of an application with a provider in it create one for each test.
"""

from types import CodeType
from typing import Final

from jinja2.bccache import Bucket, BytecodeCache
from typing_extensions import override


class CompiledTemplates(BytecodeCache):
    """Keeps what Jinja has compiled, by file and content."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    @override
    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    @override
    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._codes[bucket.key, bucket.checksum] = bucket.code


COMPILED: Final = CompiledTemplates()
