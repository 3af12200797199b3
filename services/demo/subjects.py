"""What the demo's petitions are about. Everything is invented."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Subject:
    """One kind of complaint: the code of its field, a title and a text in which {place} is filled in."""

    field: str
    title: str
    content: str


OURS = (
    Subject("subsidies", "反映{place}低保评定不公", "群众反映{place}有干部亲属违规享受低保，名单未按规定张榜公示。"),
    Subject("poverty_funds", "反映{place}产业扶持资金去向不明", "反映{place}上年度产业扶持资金有两笔未见支出凭证。"),
    Subject(
        "collective_assets", "反映{place}集体鱼塘低价发包", "反映{place}集体鱼塘未经村民代表会议即续包，价格偏低。"
    ),
    Subject("levies", "反映{place}违规收取办证费", "反映{place}代办手续时每户收取一百元，不开收据。"),
    Subject("embezzlement", "反映{place}虚列务工补助", "反映{place}在道路硬化工程中虚报务工人数，套取补助。"),
    Subject("favouritism", "反映{place}危房改造优亲厚友", "反映{place}危房改造指标给了不符合条件的亲属。"),
    Subject("extortion", "反映{place}工作人员吃拿卡要", "反映到{place}办事须先请吃饭、送香烟，否则一拖再拖。"),
    Subject("allowances", "反映{place}违规发放值班补贴", "反映{place}在无值班安排的月份仍发放值班补贴。"),
    Subject("official_cars", "反映{place}公车私用", "反映{place}公务用车周末停放在风景区，车上载有家属。"),
    Subject("conduct", "反映{place}干部作风粗暴", "反映{place}个别干部对来办事的老人态度恶劣、推诿。"),
    Subject("inaction", "反映{place}饮水管网久拖不修", "反映{place}饮水管网破损半年，多次报修无人处理。"),
    Subject("other_discipline", "反映{place}干部操办升学宴", "反映{place}有干部违规操办子女升学宴并收受礼金。"),
)
NOT_OURS = (
    Subject("land_requisition", "反映{place}征地补偿标准偏低", "对{place}征地青苗补偿标准有异议，要求重新核定。"),
    Subject("unpaid_wages", "反映{place}工程拖欠工资", "在{place}施工的十二名工人反映拖欠工资三个月。"),
    Subject("labour_disputes", "反映{place}解除劳动合同争议", "反映{place}聘用人员被解除合同，未支付经济补偿。"),
    Subject("taxation", "反映{place}开票税务问题", "反映{place}个体经营户开票税率适用有误。"),
    Subject("historical_issues", "反映{place}早年借款未还", "反映{place}三十年前集体借款至今未还本息。"),
)

POSTS = ("村支书", "村主任", "会计", "站长", "校长", "办事员")
_SURNAMES = "周吴郑孙钱许何吕施张曹华戚谢邹"
_COMPLAINANTS = ("桂兰", "长根", "秀英", "德顺", "春梅", "福生", "玉珍", "满仓", "小芹", "守田")


def reported(rng: Random) -> dict[str, str]:
    """A reported person, named as letters name them: 周某, with a post."""
    return {"name": f"{rng.choice(_SURNAMES)}某", "post": rng.choice(POSTS)}


def complainant(rng: Random) -> dict[str, str]:
    """An invented complainant; the numbers belong to nobody."""
    name = rng.choice(_SURNAMES) + rng.choice(_COMPLAINANTS)
    return {"name": name, "phone": f"1380000{rng.randrange(10_000):04d}"}
