"""The feeds: who delivers which tables."""

from __future__ import annotations

from dashboard.snapshot.contract.model import Feed

_HEALTH = "省卫生健康委 / Provincial Health Commission"
_CDC = "省疾病预防控制中心 / Provincial Centre for Disease Control"
_BIG_DATA = "省大数据中心 / Provincial Big Data Centre"
_TRANSPORT = (
    "省交通运输厅，汇总民航、铁路、边检 / "
    "Provincial Transport Department, with civil aviation, railway and border inspection"
)

FEEDS: tuple[Feed, ...] = (
    Feed(
        "risk_feed",
        "国家卫生健康委 / National Health Commission",
        "风险地区名单",
        "Risk-area list",
        ("risk_place",),
    ),
    Feed("cases", _HEALTH, "每日疫情", "Daily cases", ("case_daily",)),
    Feed(
        "codes",
        _BIG_DATA,
        "健康码",
        "Health codes",
        ("code_stock", "code_flow", "code_release", "code_cohort", "code_channel"),
    ),
    Feed(
        "scans",
        _BIG_DATA,
        "场所扫码",
        "Venue scans",
        ("scan_hourly", "scan_pixel", "scan_pyramid", "scan_holders"),
    ),
    Feed("venues", _BIG_DATA, "场所码登记", "Venue register", ("venue_daily",)),
    Feed(
        "adoption",
        "各市（州）大数据主管部门 / City big-data authorities",
        "原市级码迁移",
        "Former city codes",
        ("adoption_daily",),
    ),
    Feed("services", _BIG_DATA, "查询服务", "Look-up services", ("service_daily",)),
    Feed("institutions", _HEALTH, "核酸检测机构", "Testing institutions", ("institution",)),
    Feed(
        "arrivals",
        _TRANSPORT,
        "入川人员",
        "Arrivals",
        ("arrival_daily",),
    ),
    Feed("tests", _HEALTH, "核酸检测", "Nucleic tests", ("test_daily", "test_validity")),
    Feed("vaccination", _CDC, "疫苗接种", "Vaccination", ("vaccination_daily",)),
    Feed("contacts", _CDC, "密接管理", "Contacts", ("contact_daily",)),
    Feed(
        "pushed_lists",
        "省公安厅，会同通信管理局 / Provincial Public Security Department, with the telecom authority",
        "推送核查名单",
        "Lists to check",
        ("pushed_list_daily",),
    ),
    Feed(
        "screening",
        "省疫情防控指挥部数据专班 / Data desk of the provincial command",
        "疫情筛查",
        "Outbreak screening",
        ("incident", "funnel"),
        derived=True,
    ),
    Feed("tickets", _BIG_DATA, "申诉与咨询", "Appeals and inquiries", ("ticket_daily", "ticket_backlog")),
    Feed(
        "hotline",
        "12345 政务服务便民热线 / 12345 government hotline",
        "热线话务",
        "Hotline calls",
        ("hotline_halfhour",),
    ),
    Feed("load", _BIG_DATA, "系统负荷", "System load", ("load_minute",)),
    Feed(
        "audit",
        "省大数据中心审计岗 / Audit post of the Provincial Big Data Centre",
        "赋码审计",
        "Code audit",
        ("integrity",),
    ),
)
