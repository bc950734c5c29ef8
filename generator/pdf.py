"""PDF: pages through LaTeX or typst, whichever is there; of a class in as few runs as the engine likes.

What begins a sheet and where an answer goes is marked by links to chainwork:…, which both engines put at
the right place: here sheets are parted at the ones and the others become fields to fill in.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.util import find_spec
from itertools import accumulate, cycle
from pathlib import Path
from typing import Any

from generator.letters import BEYOND, latin, letterless, readable, through
from generator.render import Body, Booklet, Pages, Through, document

__all__ = ["ENGINES", "CannotTypeset", "Engine", "Typesetter", "answers_of"]

TIMEOUT = 300  # seconds a run may take
RUN = 25  # sheets a run of LaTeX sets; of a class the last one is waited for
FIRST = 10  # sheets of the first run, from which the others know how many pages there are
FAR = 4  # runs that are waited for before another is begun
MARK = "chainwork:"
VARIANT = "variant"  # the name of the field that says whose answers they are


class CannotTypeset(ValueError):
    """A page that an engine has no PDF for, and why."""


@dataclass(frozen=True)
class Engine:
    """What reads pages in the format `source` and writes PDF, of at most `most` sheets in one run; and
    what else sets those that it lacks letters for, `through` which they are written then."""

    source: str
    there: Callable[[], bool]
    get: str  # how it is got
    run: Callable[[str], bytes]
    lacks: Callable[[str], str]  # the characters of a text that it has no glyphs for
    most: int = 1
    through: Through | None = None
    beyond: Engine | None = None


# --- typst --------------------------------------------------------------------------------------


_of_thread = threading.local()


def _compiler() -> Any:
    """The compiler of this thread: it keeps its fonts, and works on one source at a time."""
    import typst

    if not hasattr(_of_thread, "compiler"):
        _of_thread.compiler = typst.Compiler()
    return _of_thread.compiler


def _typst(source: str) -> bytes:
    import typst

    try:
        made = bytes(_compiler().compile(input=source.encode(), format="pdf", timestamp=0))
    except typst.TypstError as error:
        raise CannotTypeset(f"typst: {error}"[:500]) from None
    if not _LEGIBLE.issuperset(source):  # a look at every glyph takes as long as to set them
        if _boxed(made):
            raise CannotTypeset("typst: a character has no glyph")
        _LEGIBLE.update(source)
    return made


_LEGIBLE: set[str] = set()  # what has been set, and no empty box was seen


def _boxed(made: bytes) -> bool:
    """Whether an empty box stands in a PDF."""
    import pikepdf

    with pikepdf.open(io.BytesIO(made)) as pdf:
        return any(map(_missing, pdf.pages))


def _typst_lacks(text: str) -> str:
    strange = "".join(dict.fromkeys(c for c in text if not c.isascii()))
    return "".join(c for c in strange if _tofu(c))


@cache
def _tofu(character: str) -> bool:
    """Whether typst sets the empty box instead."""
    try:
        _typst(f'#set text(font: "New Computer Modern")\n#"{character}"\n')
    except CannotTypeset:
        return True
    return False


def _missing(page: Any) -> bool:
    """Whether glyph 0 stands on a page, which is the empty box of every font."""
    import pikepdf

    for operands, operator in pikepdf.parse_content_stream(page, "Tj TJ"):
        strings = operands[0] if str(operator) == "TJ" else operands
        for string in strings:
            if isinstance(string, pikepdf.String):
                glyphs = bytes(string)
                if any(glyphs[n : n + 2] == b"\0\0" for n in range(0, len(glyphs), 2)):
                    return True
    return False


# --- LaTeX --------------------------------------------------------------------------------------


def _pdflatex(source: str) -> bytes:
    return _latex("pdflatex", source)


def _lualatex(source: str) -> bytes:
    return _latex("lualatex", readable(source))


def _latex(program: str, source: str) -> bytes:
    """The PDF of a run that knew how many pages each sheet has.  Those of a class have as many as the
    ones before, so it mostly is the first run; any other is done again with what it has noted."""
    with tempfile.TemporaryDirectory(prefix="chainwork-") as folder:
        Path(folder, "sheet.tex").write_text(source, encoding="utf-8")
        notes, known = Path(folder, "sheet.aux"), _labels(_TOTALS.get(program, []))
        notes.write_text("\n".join(known))
        for draft in (not known, False):
            _run_latex(program, folder, ["-draftmode"] * draft)
            lines = notes.read_text("utf-8", "replace").splitlines()
            noted = {line for line in lines if not line.startswith(_NO_NOTES)}
            _TOTALS[program] = re.findall(_LABEL, "\n".join(lines))
            if noted <= known and not draft:
                break
            known = noted
        return Path(folder, "sheet.pdf").read_bytes()


_NO_NOTES = (r"\relax", r"\gdef \@abspage@last")
_LABEL = r"\\newlabel\{end-\d+\}\{\{\}\{(\d+)\}\}"
_TOTALS: dict[str, list[str]] = {}  # of a program's last run: how many pages each sheet has


def _labels(totals: Sequence[str]) -> set[str]:
    """What is noted where the sheets of a run have so many pages, in turn."""
    turns = zip(range(1, RUN + 1), cycle(totals), strict=False)
    return {rf"\newlabel{{end-{n}}}{{{{}}{{{total}}}}}" for n, total in turns}


def _run_latex(program: str, folder: str, flags: Sequence[str]) -> None:
    command = [program, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", *flags]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": folder, "TEXMFCACHE": folder}
    environment |= {"openin_any": "p", "openout_any": "p"}
    environment |= {"SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1"}
    try:
        run = subprocess.run(  # noqa: S603
            [*command, "sheet.tex"], cwd=folder, env=environment, capture_output=True, timeout=TIMEOUT,
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise CannotTypeset(f"{program}: no end after {TIMEOUT} s") from None
    log = run.stdout.decode("latin-1")
    wrong = re.search(r"^! .*|^Missing character.*", log, re.MULTILINE)
    if run.returncode or wrong:
        raise CannotTypeset(f"{program}: {wrong[0][:300] if wrong else 'stopped'}")


def _latex_lacks(text: str) -> str:
    return "".join(c for c in dict.fromkeys(text) if not latin(c))


_LUALATEX = Engine(  # it reads any file, whatever it is allowed: nothing but our own templates is for it
    "tex",
    lambda: bool(shutil.which("lualatex")),
    "lualatex and fonts (Debian: texlive-luatex fonts-dejavu-core)",
    _lualatex,
    letterless,
    RUN,
    through,
)

ENGINES = {  # the first that is there is taken
    "typst": Engine(
        "typ",
        lambda: bool(find_spec("typst") and find_spec("pikepdf")),
        "pip install 'chainwork[pdf]'",
        _typst,
        _typst_lacks,
    ),
    "latex": Engine(
        "tex",
        lambda: bool(shutil.which("pdflatex") and find_spec("pikepdf")),
        "pip install 'chainwork[pdf]' and pdflatex (Debian: texlive-latex-recommended lmodern)",
        _pdflatex,
        _latex_lacks,
        RUN,
        beyond=_LUALATEX,
    ),
}


# --- of a class ---------------------------------------------------------------------------------


Job = tuple[Path, Sequence[Body]]  # a file, and the sheets in it


@dataclass
class Typesetter:
    """Collects pages, sets them in runs, and writes each where it belongs; a page that cannot be set
    stops no other.  Runs go on beside one another while further pages are told, but not far behind."""

    engine: Engine
    waiting: list[Job] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)
    running: deque[Future[None]] = field(default_factory=deque)
    size: int = FIRST  # of the next run, at most
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(os.cpu_count()))

    def add(self, folder: Path, pages: Pages, name: str = "") -> list[str]:
        """All pages into a folder, as page.pdf or name.pdf."""
        folder.mkdir(parents=True, exist_ok=True)  # not by a run, which may end after all was undone
        files = {f"{name or page}.pdf": page for page in pages.wanted}
        for file, page in files.items():
            body = pages.body(page, self.engine.source, fillable=True, through=self._through)
            self._wait(folder / file, [body])
        return [*files]

    def bind(self, folder: Path, booklet: Booklet, name: str) -> list[str]:
        """All pages of a booklet into one file, name.pdf; there are no answers to fill in."""
        self._wait(folder / f"{name}.pdf", booklet.bodies(self.engine.source, self._through))
        return [f"{name}.pdf"]

    def _wait(self, path: Path, bodies: Sequence[Body]) -> None:
        """For others that are set in the same run: a few sheets, all of one form."""
        if self.waiting and self.waiting[-1][1][0].form != bodies[0].form:
            self._flush()
        self.waiting.append((path, bodies))
        if sum(len(bodies) for _, bodies in self.waiting) >= min(self.size, self.engine.most):
            self._flush()

    def _flush(self) -> None:
        if self.waiting:
            self._begin([*self.waiting])
            self.size = self.engine.most
        self.waiting.clear()

    def finish(self) -> None:
        """Sets what is still waiting."""
        self._flush()
        while self.running:
            self.running.popleft().result()

    @cached_property
    def beyond(self) -> Engine | None:
        """What sets the sheets that the engine lacks letters for."""
        other = self.engine.beyond
        return other if other and other.there() else None

    @property
    def _through(self) -> Through | None:
        return self.beyond.through if self.beyond else None

    def lacks(self, text: str) -> str:
        """The characters of a text that nothing has glyphs for."""
        strange = self.engine.lacks(text)
        return self.beyond.lacks(strange) if strange and self.beyond else strange

    def _engine(self, sheets: Sequence[Body]) -> Engine:
        """What sets a file; of templates of one's own nothing is ever set by another engine."""
        if not self.beyond or any(body.own for body in sheets):
            return self.engine
        strange = any(BEYOND in body.text or self.engine.lacks(body.student) for body in sheets)
        return self.beyond if strange else self.engine

    def _begin(self, jobs: Sequence[Job]) -> None:
        while len(self.running) > FAR:
            self.running.popleft().result()
        for engine in (self.engine, self.beyond):
            if engine and (own := [job for job in jobs if self._engine(job[1]) is engine]):
                self.running.append(self.pool.submit(self._set, own))

    def _set(self, jobs: Sequence[Job]) -> None:
        """A run; where it fails, halves of it."""
        try:
            files = self._files([bodies for _, bodies in jobs])
        except CannotTypeset as error:
            if len(jobs) == 1:
                self.failed[jobs[0][0]] = str(error)
                return
            half = len(jobs) // 2
            self._set(jobs[:half])
            self._set(jobs[half:])
            return
        for (path, _), data in zip(jobs, files, strict=True):
            path.write_bytes(data)

    def _files(self, files: Sequence[Sequence[Body]]) -> list[bytes]:
        sheets = [body for bodies in files for body in bodies]
        engine = self._engine(files[0])  # of all of them
        made = engine.run(document(engine.source, sheets, fillable=True, through=engine.through))
        return [*_parted(made, files)]


def _parted(made: bytes, files: Sequence[Sequence[Body]]) -> Iterator[bytes]:
    """The files of a run, by the sheets in each, with fields for the answers."""
    import pikepdf

    with pikepdf.open(io.BytesIO(made)) as whole:
        begins = [n for n, page in enumerate(whole.pages) if _marks(page, "begin")]
        assert len(begins) == sum(map(len, files))
        ends = [begins[n] if n < len(begins) else len(whole.pages) for n in accumulate(map(len, files))]
        for bodies, begin, end in zip(files, [0, *ends], ends, strict=False):
            with pikepdf.new() as file:
                file.pages.extend(whole.pages[begin:end])
                _finished(file, bodies)
                out = io.BytesIO()
                file.save(out, deterministic_id=True, linearize=False)
                yield out.getvalue()


def _finished(sheet: Any, bodies: Sequence[Body]) -> None:
    """Title and language; links become fields, where it is one sheet."""
    import pikepdf
    from pikepdf import Array, Dictionary, Name, String

    body, alone, fields = bodies[0], len(bodies) == 1, []
    for page in sheet.pages:
        kept = [a for a in page.get("/Annots", ()) if not _target(a).startswith(MARK)]
        for what, link in _marks(page, "answer") if alone else ():
            left, low, right, high = (float(x) for x in link.Rect)
            fields.append(
                sheet.make_indirect(
                    Dictionary(
                        Type=Name.Annot,
                        Subtype=Name.Widget,
                        FT=Name.Tx,
                        T=String(what),
                        TU=String(bytes.fromhex(what).decode()),
                        Rect=Array([left, low, right, high]),
                        DA=String("/Helv 10 Tf 0 g"),
                        F=4,
                        P=page.obj,
                    )
                )
            )
            kept.append(fields[-1])
        if kept:
            page.Annots = Array(kept)
        elif "/Annots" in page:
            del page["/Annots"]
    if fields:
        whose = sheet.make_indirect(
            Dictionary(FT=Name.Tx, T=String(VARIANT), V=String(body.variant), Ff=1)
        )
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        sheet.Root.AcroForm = Dictionary(
            Fields=Array([whose, *fields]),
            DR=Dictionary(Font=Dictionary(Helv=sheet.make_indirect(font))),
            DA=String("/Helv 10 Tf 0 g"),
            NeedAppearances=True,
        )
    sheet.docinfo["/Title"] = pikepdf.String(body.title)
    sheet.Root.Lang = String(body.language)


def _target(annotation: Any) -> str:
    """What a link leads to."""
    action = annotation.get("/A", {})
    return str(action.get("/URI", "")) if action else ""


def _marks(page: Any, what: str) -> list[tuple[str, Any]]:
    """The marks of a sort on a page, and what each says; one that a line break has parted once."""
    found: dict[str, Any] = {}
    for annotation in page.get("/Annots", ()):
        sort, _, said = _target(annotation).removeprefix(MARK).partition(":")
        if _target(annotation).startswith(MARK) and sort == what:
            found.setdefault(said, annotation)
    return [*found.items()]


# --- what was filled in -------------------------------------------------------------------------


def answers_of(data: bytes) -> tuple[str, dict[str, str]] | None:
    """The variant and the answers, by part, that somebody typed into a homework; None where a PDF is
    no such homework."""
    import pikepdf

    try:
        with pikepdf.open(io.BytesIO(data)) as pdf:
            form = pdf.Root.get("/AcroForm", {})
            fields = {str(f.get("/T", "")): f for f in form.get("/Fields", ())}
            typed = {name: str(f.get("/V", "")) for name, f in fields.items()}
    except pikepdf.PdfError:
        return None
    variant = typed.pop(VARIANT, "")
    parts = {name: said for name, said in typed.items() if re.fullmatch("([0-9a-f]{2})+", name)}
    answers = {bytes.fromhex(name).decode("utf-8", "replace"): said for name, said in parts.items()}
    return (variant, answers) if variant else None
