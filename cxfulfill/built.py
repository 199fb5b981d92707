"""Models of pydantic that are built when they are first used: a process that starts uses few of them."""

import threading
from typing import Any

from pydantic import BaseModel, ConfigDict

from cxfulfill.forks import LOADING, begin_in_each_process


class _Building:
    """The lock of those who build models, which is another one in each process."""

    def __init__(self) -> None:
        begin_in_each_process(self)

    def begin(self) -> None:
        """Begin with an open lock; see `cxfulfill.forks`."""
        self.lock = threading.RLock()


_building = _Building()


class Built(BaseModel):
    """A model that is built when it is first used, by one thread: pydantic 2.12 does not see to that itself."""

    model_config = ConfigDict(defer_build=True)

    @classmethod
    def model_rebuild(cls, *, force: bool = False, **options: Any) -> bool | None:
        """Build the model; see `pydantic.BaseModel.model_rebuild`."""
        with LOADING, _building.lock:  # pydantic has a lock of its own, which would stay shut in a child
            return None if cls.__pydantic_complete__ and not force else super().model_rebuild(force=force, **options)
