"""What the commands do; `cli` parses, these modules run: one a thing that somebody wants done."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping

from derive.verify import Uncertified
from generator.commands.asked import Unusable
from generator.commands.auditing import audit_lecture
from generator.commands.checking import check_exercise, preview
from generator.commands.deriving import derive, plot_of
from generator.commands.listing import list_what, make_spec
from generator.commands.making import make_example, make_exercise, make_practice
from generator.commands.marking import grade
from generator.refusal import SpecError

__all__ = ["COMMANDS", "Unusable"]


def _guarded(command: Callable[[Namespace], int]) -> Callable[[Namespace], int]:
    """Every kind of unusable input as one line."""

    def run(arguments: Namespace) -> int:
        from generator.text import CannotRender, CannotWrite

        try:
            return command(arguments)
        except (SpecError, CannotWrite) as error:
            raise Unusable(str(error)) from None
        except CannotRender as error:
            raise Unusable(f"--templates: {error}; see docs/templates.md") from None
        except Uncertified as error:
            raise Unusable(f"{arguments.spec}: nothing written, because {error}") from None
        except BrokenPipeError:
            raise
        except OSError as error:
            where = error.filename or getattr(arguments, "out", "the output")
            raise Unusable(f"{where}: cannot be written: {error.strerror}") from None

    return run


COMMANDS: Mapping[str, Callable[[Namespace], int]] = {
    "make-exercise": _guarded(make_exercise),
    "make-example": _guarded(make_example),
    "make-practice": _guarded(make_practice),
    "grade": _guarded(grade),
    "derive": _guarded(derive),
    "audit": _guarded(audit_lecture),
    "check": _guarded(check_exercise),
    "preview": _guarded(preview),
    "plot": _guarded(plot_of),
    "make-spec": _guarded(make_spec),
    "list": _guarded(list_what),
}
