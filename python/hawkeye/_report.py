"""Reports as objects."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hawkeye import _native
from hawkeye._failure import extra

if TYPE_CHECKING:
    import pandas

PHASES = ("setup", "offline", "online")


@dataclass(frozen=True)
class Cost:
    """What is sent in one phase, by all parties together."""

    bytes: int = 0
    messages: int = 0
    rounds: int = 0
    flights: int = 0

    def __add__(self, other: Cost) -> Cost:
        """Costs one after the other; flights that go on across the seam are counted twice."""
        return Cost(
            self.bytes + other.bytes,
            self.messages + other.messages,
            self.rounds + other.rounds,
            self.flights + other.flights,
        )


def _cost(fields: Mapping[str, Any]) -> Cost:
    return Cost(**{name: int(fields.get(name, 0)) for name in ("bytes", "messages", "rounds", "flights")})


@dataclass(frozen=True)
class Phases:
    """Costs by phase."""

    setup: Cost = field(default_factory=Cost)
    offline: Cost = field(default_factory=Cost)
    online: Cost = field(default_factory=Cost)

    @property
    def total(self) -> Cost:
        """All phases together."""
        return self.setup + self.offline + self.online


def _phases(fields: Mapping[str, Any]) -> Phases:
    return Phases(*(_cost(fields.get(phase) or {}) for phase in PHASES))


@dataclass(frozen=True)
class Operator:
    """A row of the report: a node of the model in one pass, or what the framework does around them."""

    index: int
    #: Position of the node in the file; none for set-up, output, loss and updates.
    node: int | None
    name: str
    op: str
    scope: tuple[str, ...]
    #: `forward`, `loss`, `backward` or `optimizer`.
    pass_: str
    outputs: tuple[tuple[str, tuple[int | None, ...] | None], ...]
    phases: Phases
    counters: Mapping[str, int]
    evidence: str | None
    #: Predicted seconds of all phases, if a network was given.
    seconds: float | None

    @property
    def online(self) -> Cost:
        """What it costs on the inputs."""
        return self.phases.online


def _operator(fields: Mapping[str, Any]) -> Operator:
    def output(item: Mapping[str, Any]) -> tuple[str, tuple[int | None, ...] | None]:
        shape = item.get("shape")
        return item["name"], None if shape is None else tuple(shape)

    return Operator(
        index=fields["index"],
        node=fields.get("node"),
        name=fields["name"],
        op=fields["op"],
        scope=tuple(fields.get("scope", ())),
        pass_=fields["pass"],
        outputs=tuple(output(item) for item in fields.get("outputs", ())),
        phases=_phases(fields),
        counters=dict(fields.get("counters", {})),
        evidence=fields.get("evidence"),
        seconds=_seconds(fields),
    )


def _seconds(fields: Mapping[str, Any]) -> float | None:
    given = [fields[phase]["seconds"] for phase in PHASES if "seconds" in (fields.get(phase) or {})]
    return sum(given) if given else None


@dataclass(frozen=True)
class Call:
    """A node of the prefix tree: a module, a node of the model, or a protocol call."""

    name: str
    times: int
    phases: Phases
    op: str | None
    children: tuple[Call, ...]

    def walk(self, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Call]]:
        """Every call at and below this one with the names that lead to it."""
        path = (*prefix, self.name)
        yield path, self
        for child in self.children:
            yield from child.walk(path)


def _call(fields: Mapping[str, Any]) -> Call:
    return Call(
        name=fields["name"],
        times=fields.get("times", 1),
        phases=_phases(fields),
        op=fields.get("op"),
        children=tuple(_call(child) for child in fields.get("children", ())),
    )


@dataclass(frozen=True)
class Link:
    """Who sends how much to whom in a phase."""

    phase: str
    sender: int
    receiver: int
    channel: str
    bytes: int
    messages: int


@dataclass(frozen=True)
class Diagnostic:
    """What the user should know, with its place and what to do next."""

    severity: str
    place: str
    message: str
    help: str | None = None


@dataclass(frozen=True)
class Check:
    """A budget and what the report has."""

    name: str
    actual: int
    limit: int
    holds: bool


class Report:
    """What a model costs under a framework.

    >>> import hawkeye
    >>> report = hawkeye.profile("fixtures/models/lenet5.onnx", "crypten")
    >>> report.totals.online.bytes, report.counters["rounds"]
    (13374176, 133)
    >>> max(report.operators, key=lambda operator: operator.online.bytes).op
    'MaxPool'
    >>> report.check("online.bytes<=20MiB")[0].holds
    True
    """

    def __init__(self, native: _native.Report) -> None:
        self._native = native

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Report:
        """Read a report that was saved as JSON."""
        with open(path, encoding="utf-8") as file:
            return cls(_native.Report.from_json(file.read()))

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_json, (self._native.json(),)

    @cached_property
    def _fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self._native.json())
        return fields

    @cached_property
    def totals(self) -> Phases:
        """Costs of the whole program."""
        return Phases(*(Cost(*amounts) for amounts in self._native.totals()))

    @cached_property
    def seconds(self) -> float | None:
        """Predicted seconds, if a network was given."""
        time = self._fields.get("time")
        return None if time is None else float(time["seconds"])

    @cached_property
    def counters(self) -> dict[str, int]:
        """The framework's own statistics, as it would print them."""
        return dict(self._native.counters())

    @cached_property
    def operators(self) -> tuple[Operator, ...]:
        """Costs per operator in execution order; they add up to the totals."""
        return tuple(_operator(item) for item in self._fields["operators"])

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """The prefix tree of calls, cut at the depth asked for."""
        return tuple(_call(item) for item in self._fields["calls"])

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Who sends how much to whom."""
        return tuple(
            Link(
                item["phase"],
                item["from"],
                item["to"],
                item.get("channel", ""),
                item["bytes"],
                item["messages"],
            )
            for item in self._fields["links"]
        )

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What the user should know."""
        return tuple(
            Diagnostic(item["severity"], item["place"], item["message"], item.get("help"))
            for item in self._fields["diagnostics"]
        )

    def to_dict(self) -> dict[str, Any]:
        """The report by its published schema."""
        fields: dict[str, Any] = json.loads(self._native.json())
        return fields

    def to_yaml(self) -> str:
        """The report as the command line prints it."""
        return self._native.yaml()

    def to_pandas(self) -> pandas.DataFrame:
        """One row an operator: `online_bytes`, `offline_rounds`, and so on."""
        pandas = extra("pandas", "pandas")
        rows = []
        for operator in self.operators:
            row: dict[str, Any] = {
                "index": operator.index,
                "node": operator.node,
                "name": operator.name,
                "op": operator.op,
                "module": "/".join(operator.scope),
                "pass": operator.pass_,
                "shape": operator.outputs[0][1] if operator.outputs else None,
            }
            for phase in PHASES:
                cost: Cost = getattr(operator.phases, phase)
                row.update(
                    {f"{phase}_{name}": getattr(cost, name) for name in ("bytes", "messages", "rounds")}
                )
            if operator.seconds is not None:
                row["seconds"] = operator.seconds
            rows.append(row)
        return pandas.DataFrame(rows).astype({"node": "Int64"})

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the report; the extension says how: .yaml, .json, .html, .txt."""
        name = os.fspath(path)
        extension = os.path.splitext(name)[1].lower()
        writers = {
            ".yaml": self.to_yaml,
            ".yml": self.to_yaml,
            ".json": self._native.json,
            ".html": self._native.html,
            ".txt": self.__str__,
        }
        if extension not in writers:
            raise ValueError(f"{name}: write a report as one of {', '.join(writers)}")
        text = writers[extension]()
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)

    def text(self, by: str = "operator", top: int | None = 15, depth: int = 3) -> str:
        """The table for people; `by` is operator, op-type, module, protocol, phase, link or pass."""
        return self._native.text(by, top, depth)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        framework, model = self._fields["framework"], self._fields["model"]
        online = self.totals.online
        return (
            f"<Report {model['file']} under {framework['name']}: "
            f"online {online.bytes:,} bytes, {online.rounds:,} rounds>"
        )

    def _repr_html_(self) -> str:
        page = self._native.html().replace("&", "&amp;").replace('"', "&quot;")
        style = "width:100%;height:720px;border:0"
        return f'<iframe srcdoc="{page}" style="{style}" title="HawkEye report"></iframe>'

    def compare(self, *others: Report) -> dict[str, Any]:
        """Set other reports beside this one: totals and operators, the largest change first."""
        for other in others:
            if not isinstance(other, Report):
                raise TypeError(f"a report is compared with reports, not with {other!r}")
        comparison: dict[str, Any] = json.loads(
            _native.compare([self._native, *(other._native for other in others)])
        )
        return comparison

    def explain(self, node: str) -> Call:
        """The tree of calls of a node, by its name."""
        names = []
        for top in self.calls:
            for path, call in top.walk():
                if call.op is not None:
                    if path[-1] == node:
                        return call
                    names.append(path[-1])
        near = difflib.get_close_matches(str(node), names)
        hint = f"did you mean {', '.join(near)}?" if near else "`operators` lists all"
        raise KeyError(f"the call tree has no node named {node!r}; {hint}")

    def check(self, *budgets: str) -> list[Check]:
        """Hold the report to budgets such as `online.bytes<=2GiB` or `op-type:Relu:rounds<=100`."""
        checked = self._native.check([budget.replace("<=", "=") for budget in budgets])
        return [Check(*row) for row in checked]

    def plot(self, top: int = 15, phase: str = "online") -> Any:
        """Bars of the operators that cost most; returns matplotlib's axes."""
        pyplot = extra("matplotlib.pyplot", "plot")
        dearest = sorted(self.operators, key=lambda o: getattr(o.phases, phase).bytes, reverse=True)[:top]
        _, axes = pyplot.subplots(figsize=(8, 0.35 * len(dearest) + 1))
        names = [operator.name for operator in reversed(dearest)]
        axes.barh(names, [getattr(operator.phases, phase).bytes for operator in reversed(dearest)])
        axes.set_xlabel(f"{phase} bytes")
        return axes


def _from_json(text: str) -> Report:
    return Report(_native.Report.from_json(text))
