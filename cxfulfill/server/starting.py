"""How a gunicorn worker loads an application that may refuse its settings."""

import sys
from typing import Any, NoReturn

from cxfulfill.errors import ConfigurationError, statement_of


class Starting:
    """What our workers have in common: they tell the sentence of a refusal, and no traceback."""

    log: Any

    def load_wsgi(self) -> None:
        """Load the application; gunicorn calls this.

        Raises:
            SystemExit: The application refuses its settings. The sentence is in the log; gunicorn ends.
        """
        try:
            super().load_wsgi()  # type: ignore[misc]
        except ConfigurationError as error:
            self.log.debug("the exception is", exc_info=True)
            self.refuse(f"{error}{statement_of(error)}")

    def refuse(self, problem: str) -> NoReturn:
        """End the server: what it was given cannot be served.

        Args:
            problem: What is wrong with it, for the log.

        Raises:
            SystemExit: Always.
        """
        # Not above: a process that has it loaded counts as one that gunicorn serves in.
        from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]  # noqa: PLC0415

        self.log.error("the application does not start: %s", problem)
        sys.exit(Arbiter.APP_LOAD_ERROR)
