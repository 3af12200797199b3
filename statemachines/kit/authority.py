"""Who may decide how much: a scale of consequences and, per role, the heaviest one it may decide by itself."""

from collections.abc import Callable
from typing import Any, Self

from pydantic import Field, model_validator

from statemachines.kit.procedure import Guard
from statemachines.kit.situation import Situation
from statemachines.kit.strict import Strict


class AuthorityRule(Strict):
    """`scale` lists codes from the lightest to the heaviest; `caps` names a role's heaviest one."""

    title: str
    source: str
    verified: bool = True
    scale: tuple[str, ...] = Field(min_length=1)
    caps: dict[str, str] = Field(min_length=1)

    @model_validator(mode="after")
    def _caps_on_scale(self) -> Self:
        if strange := sorted(set(self.caps.values()) - set(self.scale)):
            raise ValueError(f"caps beyond the scale: {', '.join(strange)}")
        return self

    def reaches(self, roles: frozenset[str], code: str) -> bool:
        """Whether one of these roles may decide this; what is not on the scale nobody may."""
        if code not in self.scale:
            return False
        return any(self.scale.index(self.caps[r]) >= self.scale.index(code) for r in roles & self.caps.keys())


def within_authority(
    rule: str, of: Callable[[Situation, Any], str], *, zh: str = "超出本级权限，请报上级决定"
) -> Guard:
    """The consequence that `of` returns is within what the actor's roles may decide under the policy's rule."""
    return Guard(
        "beyond_authority", "this needs a higher authority: send it up", zh,
        lambda s, a: s.policy.authority[rule].reaches(s.roles, of(s, a)),
    )  # fmt: skip


def role_reaches(rule: str, role: str, of: Callable[[Situation, Any], str]) -> Callable[[Situation, Any], bool]:
    """Return a condition for routing: whether `role` could decide this by itself, whoever acts now."""
    return lambda s, a: s.policy.authority[rule].reaches(frozenset({role}), of(s, a))
