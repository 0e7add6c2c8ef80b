"""Any first-party caveat that this version understands. Source: ``src/caveats/caveat.ts`` and ``print.ts``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .blocks import Block, format_block
from .decimals import Decimal
from .instants import Instant
from .lists import print_list, print_word

Comparison = Literal["<", "<=", ">", ">="]
RateWindow = Literal["s", "m", "h", "d"]


@dataclass(frozen=True)
class Equality:
    """``=`` or ``!=`` against one text."""

    attribute: str
    operator: Literal["=", "!="]
    value: str

    def __str__(self) -> str:
        return f"{self.attribute} {self.operator} {self.value}"


@dataclass(frozen=True)
class Membership:
    """``in`` or ``not in`` a list of texts."""

    attribute: str
    operator: Literal["in", "not in"]
    items: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.attribute} {self.operator} {print_list(self.items)}"


@dataclass(frozen=True)
class Order:
    """An order between the context's value and a decimal or an instant."""

    attribute: str
    operator: Comparison
    bound: Decimal | Instant

    def __str__(self) -> str:
        return f"{self.attribute} {self.operator} {self.bound.text}"


@dataclass(frozen=True)
class Glob:
    """``matches`` a glob."""

    attribute: str
    pattern: str

    def __str__(self) -> str:
        return f"{self.attribute} matches {self.pattern}"


@dataclass(frozen=True)
class Network:
    """``within`` one of several blocks of addresses."""

    attribute: str
    blocks: tuple[Block, ...]

    def __str__(self) -> str:
        return f"{self.attribute} within {print_list(map(format_block, self.blocks))}"


@dataclass(frozen=True)
class Conditional:
    """``when A = v then T`` or ``when A in … then T``: ``A != v`` or T, exactly as those two clear."""

    attribute: str
    operator: Literal["=", "in"]
    values: tuple[str, ...]
    """One for ``=``."""
    test: AttributeCaveat

    def __str__(self) -> str:
        values = ", ".join(print_word(value, self.operator == "in") for value in self.values)
        return f"when {self.attribute} {self.operator} {values} then {self.test}"


@dataclass(frozen=True)
class Time:
    """``time < T`` or ``time > T``, against the service's clock."""

    operator: Literal["<", ">"]
    at: Instant

    def __str__(self) -> str:
        return f"time {self.operator} {self.at.text}"


@dataclass(frozen=True)
class Agent:
    """``agent = NAME`` or ``agent = NAME#INSTANCE``: names the next holder. A claim, never a fact."""

    name: str
    instance: str | None

    @property
    def text(self) -> str:
        return self.name if self.instance is None else f"{self.name}#{self.instance}"

    def __str__(self) -> str:
        return f"agent = {self.text}"


@dataclass(frozen=True)
class Depth:
    """``depth <= N``: at most N ``agent`` caveats may follow."""

    most: int

    def __str__(self) -> str:
        return f"depth <= {self.most}"


@dataclass(frozen=True)
class Uses:
    """``uses <= N``: at most N allowed verifications at or below its link."""

    most: int

    def __str__(self) -> str:
        return f"uses <= {self.most}"


@dataclass(frozen=True)
class Spend:
    """``spend.UNIT <= X``: the cost of allowed verifications at or below its link stays within X."""

    unit: str
    most: Decimal

    def __str__(self) -> str:
        return f"spend.{self.unit} <= {self.most.text}"


@dataclass(frozen=True)
class Rate:
    """``rate <= N/WINDOW``: at most N allowed verifications at or below its link in any window."""

    most: int
    window: RateWindow

    def __str__(self) -> str:
        return f"rate <= {self.most}/{self.window}"


@dataclass(frozen=True)
class Holder:
    """``holder = THUMBPRINT``: a key that must vouch for the call."""

    thumbprint: str

    def __str__(self) -> str:
        return f"holder = {self.thumbprint}"


@dataclass(frozen=True)
class Audience:
    """``aud = URI`` or ``aud in URI, URI``: the resource that asks has to be one of them."""

    operator: Literal["=", "in"]
    resources: tuple[str, ...]

    def __str__(self) -> str:
        return f"aud = {self.resources[0]}" if self.operator == "=" else f"aud in {print_list(self.resources)}"


@dataclass(frozen=True)
class Client:
    """``client = ID``: the OAuth client that a token was issued to. The service alone writes it."""

    id: str

    def __str__(self) -> str:
        return f"client = {self.id}"


@dataclass(frozen=True)
class Ancestor:
    """``ancestor = REVOCATION-ID``: ties a discharge to a link of the root macaroon's chain. In discharges only."""

    revocation_id: str

    def __str__(self) -> str:
        return f"ancestor = {self.revocation_id}"


@dataclass(frozen=True)
class Approval:
    """``approval = ID``: names the approval that granted a discharge. In discharges only."""

    id: str

    def __str__(self) -> str:
        return f"approval = {self.id}"


@dataclass(frozen=True)
class DischargeId:
    """``bh.discharge = ID``: makes a discharge a link of its own. In discharges only."""

    id: str

    def __str__(self) -> str:
        return f"bh.discharge = {self.id}"


AttributeCaveat = Equality | Membership | Order | Glob | Network
DischargeCaveat = Ancestor | Approval | DischargeId
ServiceCaveat = Time | Agent | Depth | Uses | Spend | Rate | Holder | Audience | Client | DischargeCaveat
Caveat = AttributeCaveat | Conditional | ServiceCaveat
"""Its ``str`` is the canonical text: parsing that gives the same caveat again."""
