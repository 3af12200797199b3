"""How the lights of deadlines look: one word and one icon a colour, for badges and tiles alike."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """`title` names the tile; a badge shows the text that the engine gives with the colour."""

    title: str
    icon: str


LIGHTS = {
    "all": Look("全部", "inbox"),
    "red": Look("已超期", "alert-circle-filled"),
    "yellow": Look("即将到期", "alert-triangle"),
    "green": Look("正常", "clock"),
    "grey": Look("已中止", "player-pause"),
}
