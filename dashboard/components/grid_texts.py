"""The words of AG Grid itself. English is built into the grid; Chinese stands here.

They are the grid's vocabulary by the grid's own keys, so they are a table of this module and not of
the catalogue.
"""

from __future__ import annotations

from dashboard.i18n.catalogue import Lang

_ZH = {
    "filterOoo": "筛选…",
    "equals": "等于",
    "notEqual": "不等于",
    "blank": "空",
    "notBlank": "非空",
    "empty": "选择条件",
    "lessThan": "小于",
    "greaterThan": "大于",
    "lessThanOrEqual": "小于或等于",
    "greaterThanOrEqual": "大于或等于",
    "inRange": "介于",
    "inRangeStart": "从",
    "inRangeEnd": "到",
    "contains": "包含",
    "notContains": "不包含",
    "startsWith": "开头为",
    "endsWith": "结尾为",
    "andCondition": "并且",
    "orCondition": "或者",
    "resetFilter": "重置",
    "applyFilter": "应用",
    "clearFilter": "清除",
    "cancelFilter": "取消",
    "textFilter": "文字筛选",
    "numberFilter": "数字筛选",
    "noRowsToShow": "没有符合条件的行",
    "noMatchingRows": "没有符合条件的行",
    "loadingOoo": "正在载入…",
    "sortAscending": "升序",
    "sortDescending": "降序",
    "sortUnSort": "取消排序",
    "ariaSortableColumn": "按回车排序",
    "ariaFilterColumn": "按 Ctrl+回车筛选",
    "ariaFilterMenuOpen": "打开筛选",
    "ariaFilterInput": "筛选输入",
    "ariaFilterValue": "筛选值",
    "ariaFilterFromValue": "从",
    "ariaFilterToValue": "到",
    "ariaFilteringOperator": "筛选条件",
    "ariaColumn": "列",
    "ariaRow": "行",
    "ariaLabelColumnFilter": "列筛选",
    "ariaLabelColumnMenu": "列菜单",
    "ariaLabelCellEditor": "单元格",
    "ariaLabelDialog": "对话框",
    "ariaLabelSelectField": "选择字段",
    "ariaLabelTooltip": "提示",
}
_EN = {"noRowsToShow": "No row matches", "noMatchingRows": "No row matches"}


def grid_texts(lang: Lang) -> dict[str, str]:
    """The ``localeText`` of the grid."""
    return _ZH if lang == "zh-CN" else _EN
