"""Profiles at many points, on threads, processes or a cluster."""

from __future__ import annotations

import difflib
import hashlib
import inspect
import itertools
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Union

from hawkeye._failure import extra
from hawkeye._native import HawkEyeError
from hawkeye._profile import Session, _options
from hawkeye._report import PHASES

if TYPE_CHECKING:
    import pandas

#: A path, or a function from parameters of the grid to a model.
Model = Union[str, "os.PathLike[str]", Callable[..., Any]]
Row = dict[str, Any]


class Sweep(list[Row]):
    """Rows of a sweep, one a point; a point that failed has its `error`."""

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a table."""
        return extra("pandas", "pandas").DataFrame(list(self))

    def pareto(self, *columns: str) -> Sweep:
        """The points that no other point beats in all of these columns."""
        # In this order a point can be beaten by earlier ones alone.
        whole = sorted((r for r in self if not r.get("error")), key=lambda row: [row[c] for c in columns])
        front: list[Row] = []
        for row in whole:
            rivals = (other for other in front if any(other[c] != row[c] for c in columns))
            if not any(all(other[c] <= row[c] for c in columns) for other in rivals):
                front.append(row)
        return Sweep(front)


class RayExecutor(Executor):
    """Runs calls as tasks of Ray; `ray.init` is the caller's."""

    def __init__(self, **options: Any) -> None:
        ray = extra("ray", "ray")
        self._task = ray.remote(**options)(_apply) if options else ray.remote(_apply)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Start a task."""
        future: Future[Any] = self._task.remote(fn, args, kwargs).future()
        return future


def _apply(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return fn(*args, **kwargs)


# Sheets are evaluated once for a worker, not once for a point.
@lru_cache(maxsize=32)
def _session(framework: str, settings: tuple[tuple[str, Any], ...]) -> Session:
    return Session(framework, **dict(settings))


def _points(grid: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values))


_OPTIONS = set(inspect.signature(_options).parameters)


def _run(model: Model, framework: str, point: dict[str, Any]) -> Row:
    """One row; never raises for what is wrong with a model or an option."""
    # `dim.seq` is a dimension, `set.max_method` a setting. A function that makes models comes first: what it
    # names is its own, and so is what nobody else takes.
    own = set(inspect.signature(model).parameters) if callable(model) else set()
    options = {name: value for name, value in point.items() if name in _OPTIONS - own}
    dims = {name[4:]: value for name, value in point.items() if name.startswith("dim.")}
    settings = {name[4:]: value for name, value in point.items() if name.startswith("set.")}
    taken = {*options, *(name for name in point if name.startswith(("dim.", "set.")))}
    rest = {name: value for name, value in point.items() if name not in taken}
    if dims:
        options["dims"] = {**options.get("dims", {}), **dims}
    row: Row = {"model": _label(model), "framework": framework, **point, "error": None}
    try:
        built = model(**rest) if callable(model) else _nothing_left(model, rest)
        report = _session(framework, tuple(sorted(settings.items()))).profile(built, **options)
    except (HawkEyeError, OSError, TypeError, ValueError) as error:
        row["error"] = str(error)
        return row
    for phase in PHASES:
        cost = getattr(report.totals, phase)
        row.update({f"{phase}_{name}": getattr(cost, name) for name in ("bytes", "messages", "rounds")})
    total = report.totals.total
    row.update(bytes=total.bytes, rounds=total.rounds)
    if report.seconds is not None:
        row["seconds"] = report.seconds
    return row


def _nothing_left(model: Model, rest: Mapping[str, Any]) -> Model:
    for name in rest:
        near = difflib.get_close_matches(name, _OPTIONS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise TypeError(f"{name} is no option of a profile, nor dim.NAME or set.NAME{hint}")
    return model


def _label(model: Model) -> str:
    return getattr(model, "__name__", repr(model)) if callable(model) else os.fspath(model)


class _Store:
    """Rows that are done, in a file that outlives an interruption."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._connection = sqlite3.connect(os.fspath(path))
        self._connection.execute("CREATE TABLE IF NOT EXISTS rows (key TEXT PRIMARY KEY, row TEXT NOT NULL)")

    def get(self, key: str) -> Row | None:
        found = self._connection.execute("SELECT row FROM rows WHERE key = ?", (key,)).fetchone()
        return None if found is None else json.loads(found[0])

    def put(self, key: str, row: Row) -> None:
        with self._connection:
            self._connection.execute("INSERT OR REPLACE INTO rows VALUES (?, ?)", (key, json.dumps(row)))

    def close(self) -> None:
        self._connection.close()


def _key(model: Model, framework: str, point: Mapping[str, Any]) -> str:
    stamp = None if callable(model) else os.path.getmtime(model)
    text = json.dumps([_label(model), stamp, framework, sorted(point.items())], default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def sweep(
    models: Model | Iterable[Model],
    frameworks: str | Iterable[str],
    grid: Mapping[str, Sequence[Any]] | None = None,
    *,
    points: Iterable[Mapping[str, Any]] | None = None,
    executor: Executor | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: Callable[[Row], None] | None = None,
) -> Sweep:
    """Profile every model under every framework at every point of a grid.

    Args:
        models: Paths, or functions from the grid's own parameters to a model (its ONNX bytes, for one).
        frameworks: Names or directories.
        grid: Values by name: options of `profile` (`batch`, `parties`, ...), dimensions (`dim.seq`),
            settings of the framework (`set.max_method`), and parameters of models that are functions.
        points: The points themselves, in place of a grid.
        executor: Where points run: any `concurrent.futures.Executor` (Dask's `client.get_executor()`,
            `RayExecutor()`); threads if not given.
        resume: An SQLite file in which rows are kept, and from which an interrupted sweep goes on.
        progress: Called with each row as it comes.

    Returns:
        Rows in the order of the points.

    >>> rows = sweep("fixtures/models/alexnet.onnx", ["crypten", "cryptflow2"], {"batch": [1, 2]})
    >>> [(row["framework"], row["batch"], row["rounds"]) for row in rows][:2]
    [('crypten', 1, 242), ('crypten', 2, 242)]
    """
    listed = [models] if callable(models) or isinstance(models, (str, os.PathLike)) else list(models)
    names = [frameworks] if isinstance(frameworks, str) else list(frameworks)
    if grid is not None and points is not None:
        raise TypeError("a grid, or points: one of the two")
    every = [dict(point) for point in points] if points is not None else list(_points(grid or {}))
    jobs = [(model, name, point) for model in listed for name in names for point in every]
    rows: list[Row | None] = [None] * len(jobs)
    store = _Store(resume) if resume is not None else None
    own = ThreadPoolExecutor(os.cpu_count()) if executor is None else None
    pool = own if own is not None else executor
    assert pool is not None
    try:
        keys = [_key(*job) for job in jobs] if store else []
        waiting: dict[Future[Row], int] = {}
        for position, job in enumerate(jobs):
            rows[position] = store.get(keys[position]) if store else None
            if rows[position] is None:
                waiting[pool.submit(_run, *job)] = position
        for future in as_completed(waiting):
            position, row = waiting[future], future.result()
            rows[position] = row
            if store:
                store.put(keys[position], row)
            if progress:
                progress(row)
    finally:
        if own is not None:
            own.shutdown(cancel_futures=True)
        if store:
            store.close()
    return Sweep(row for row in rows if row is not None)
