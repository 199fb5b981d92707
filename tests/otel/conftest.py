"""What the tests of spans share with those of execution."""

from tests.pipeline.conftest import gate

__all__ = ["gate"]
