# The rules of the province for a stock policy engine: data.tianfu.policy.answer.
#
# Input and answer are those of dashboard/policy/decide.py, and a test holds both to the same answers. The
# thresholds are the payload of the signed envelope, data.tianfu.thresholds; which of its versions is in
# force follows from the clock, so a scheduled version takes effect and an emergency ends by itself.
package tianfu.policy

answer := object.union(decided, {"version": version})

version := active.version if {
	active.version
} else := null

# The highest version that has begun and not ended. Seconds are compared as nanoseconds, all whole numbers.
running contains entry if {
	some entry in data.tianfu.thresholds.versions
	entry.effective_at_s * 1000000000 <= time.now_ns()
	not ended(entry)
}

ended(entry) if {
	is_number(entry.expires_at_s)
	entry.expires_at_s * 1000000000 <= time.now_ns()
}

active := entry if {
	some entry in running
	every other in running {
		other.version <= entry.version
	}
}

thresholds := active.thresholds

asked := input if {
	is_object(input)
} else := {}

stated(name) := object.get(asked, name, null)

ask := stated("ask")

fields := {
	"area_level": ["level", "window_days"],
	"code": ["colour", "holds", "due_in_hours"],
	"test": ["valid", "basis", "validity_hours"],
	"venue": ["alarm", "alarms", "reasons"],
}

decided := {"reason": "ask_unknown"} if {
	not fields[ask]
} else := object.union({name: null | some name in fields[ask]}, {"reason": "no_active_version"}) if {
	not active
} else := area_level if {
	ask == "area_level"
} else := code if {
	ask == "code"
} else := test if {
	ask == "test"
} else := venue

# --- The thresholds of a city -------------------------------------------------------------------

city := concat("", [substring(stated("area"), 0, 4), "00"]) if is_area(stated("area"))

overrides := object.get(thresholds, "overrides", [])

own := {override.path: override.value |
	some override in overrides
	override.area == city
}

threshold(path, province) := object.get(own, path, province)

overridden(begin) := true if {
	some override in overrides
	startswith(override.path, begin)
} else := false

# --- Level of a county --------------------------------------------------------------------------

area_level := object.union(area_level_answer, {"window_days": area_level_limits.window_days})

area_level_facts := {
	"area": stated("area"),
	"new_cases_in_window": stated("new_cases_in_window"),
	"cumulative_cases": stated("cumulative_cases"),
	"days_since_last_case": stated("days_since_last_case"),
	"has_cluster": stated("has_cluster"),
	"window_days": stated("window_days"),
}

risk_area := {key: threshold(path, object.get(thresholds.risk_area, key, null)) |
	some key, path in {
		"window_days": "risk_area.window_days",
		"medium_min_new_cases": "risk_area.medium_min_new_cases",
		"high_min_cumulative_cases": "risk_area.high_min_cumulative_cases",
		"high_requires_cluster": "risk_area.high_requires_cluster",
		"clear_days_high": "risk_area.clear_days_high",
		"clear_days_medium": "risk_area.clear_days_medium",
		"step_down_days": "risk_area.step_down_days",
	}
}

area_level_limits := {
	"overridden": overridden("risk_area."),
	"window_days": risk_area.window_days,
	"medium_min_new_cases": risk_area.medium_min_new_cases,
	"high_min_cumulative_cases": risk_area.high_min_cumulative_cases,
	"days_to_low": days_to_low,
	"by_cases": thresholds.risk_area.rule_set == "county-14d",
	"high_requires_cluster": risk_area.high_requires_cluster,
}

# Days without a case after which no level above low is left: from high in one step or two, or from medium.
days_to_low := from_high if {
	from_high >= or_zero(risk_area.clear_days_medium)
} else := or_zero(risk_area.clear_days_medium)

from_high := risk_area.clear_days_high + or_zero(risk_area.step_down_days)

or_zero(value) := value if {
	is_number(value)
} else := 0

# --- Colour of a code ---------------------------------------------------------------------------

code := object.union(code_answer, {"due_in_hours": due_in_hours})

due_in_hours := code_limits.hold_hours - code_facts.hours if {
	code_answer.reason == "held"
	is_number(code_limits.hold_hours)
	is_count(json.marshal(code_facts.hours))
} else := null

row := found if {
	some found in thresholds.health_code.rows
	found.reason_code == stated("reason_code")
} else := {}

code_facts := {
	"reason_code": stated("reason_code"),
	"hours": stated(hold_fact),
	"negative_tests": stated("negative_tests"),
	"gap_hours": stated("gap_hours"),
	"declared": stated("declared"),
}

hold_fact := "hours_since_discharge" if {
	row.hold_from == "discharge"
} else := "hours_since_start"

calm_colour := colour.id if {
	some colour in thresholds.colours
	colour.severity == 0
}

code_limits := {
	"row_known": row != {},
	"colour": object.get(row, "colour", null),
	"calm_colour": calm_colour,
	"release": object.get(row, "release", null),
	"hold_hours": hold_hours,
	"tests_required": object.get(row, "tests_required", null),
	"tests_min_gap_hours": object.get(row, "tests_min_gap_hours", null),
}

hold_hours := row.hold_days * 24 if {
	row.hold_days
} else := null

# --- Validity of a test -------------------------------------------------------------------------

test := object.union(validity_answer, {
	"basis": thresholds.nucleic_test.basis,
	"validity_hours": validity_limits.validity_hours,
})

validity_facts := {
	"category": stated("category"),
	"hours_since_sampled": stated("hours_since_sampled"),
	"hours_since_tested": stated("hours_since_tested"),
	"hours_since_reported": stated("hours_since_reported"),
	"hours": stated(concat("_", ["hours_since", thresholds.nucleic_test.basis])),
}

validity_limits := {
	"category_known": by_category(thresholds.nucleic_test.validity_hours) != null,
	"validity_hours": by_category(thresholds.nucleic_test.validity_hours),
}

# Not object.get(): it takes a list for a path into the object.
by_category(values) := values[stated("category")] if {
	is_string(stated("category"))
	values[stated("category")]
} else := null

# --- Alarms of a venue --------------------------------------------------------------------------

venue := {
	"alarm": venue_alarm,
	"alarms": {name: part.alarm | some name, part in parts},
	"reasons": {name: part.reason | some name, part in parts},
	"reason": venue_reason,
}

parts := {"red_scan": red_scan_answer, "crowded": crowded_answer, "silent": silent_answer}

# One alarm is an alarm whatever else is unknown; no alarm is only told when all three are known.
venue_alarm := true if {
	some part in parts
	part.alarm == true
} else := null if {
	some part in parts
	part.alarm == null
} else := false

venue_reason := "quiet" if {
	venue_alarm == false
} else := parts.red_scan.reason if {
	parts.red_scan.alarm == venue_alarm
} else := parts.crowded.reason if {
	parts.crowded.alarm == venue_alarm
} else := parts.silent.reason

red_scan_facts := {"red_scan": stated("red_scan")}

red_scan_limits := {"red_scan_alarm": thresholds.scan_alarm.red_scan_alarm}

crowded_facts := {"category": stated("category"), "scans_in_hour": stated("scans_in_hour")}

crowded_limits := {
	"category_known": by_category(thresholds.scan_alarm.max_scans_per_hour) != null,
	"max_scans_per_hour": by_category(thresholds.scan_alarm.max_scans_per_hour),
}

silent_facts := {"area": stated("area"), "silent_hours": stated("silent_hours")}

silent_limits := {
	"overridden": overridden("scan_alarm.silent_after_hours"),
	"silent_after_hours": threshold("scan_alarm.silent_after_hours", thresholds.scan_alarm.silent_after_hours),
}

# --- Below: written from dashboard/policy/tables.py by make docs; do not edit. ---

is_count(text) if regex.match(`^(-?0|[1-9][0-9]{0,8})$`, text)

is_flag(value) if is_boolean(value)

is_word(value) if is_string(value)

is_area(value) if {
	is_string(value)
	regex.match(`^[1-9][0-9]{3}[0-9F][0-9]$`, value)
}

area_level_answer := {"level": null, "reason": "area_unusable"} if {
	area_level_facts.area != null
	not is_area(area_level_facts.area)
} else := {"level": null, "reason": "area_not_reported"} if {
	area_level_limits.overridden == true
	area_level_facts.area == null
} else := {"level": null, "reason": "new_cases_unusable"} if {
	area_level_facts.new_cases_in_window != null
	not is_count(json.marshal(area_level_facts.new_cases_in_window))
} else := {"level": null, "reason": "cumulative_unusable"} if {
	area_level_facts.cumulative_cases != null
	not is_count(json.marshal(area_level_facts.cumulative_cases))
} else := {"level": null, "reason": "last_case_unusable"} if {
	area_level_facts.days_since_last_case != null
	not is_count(json.marshal(area_level_facts.days_since_last_case))
} else := {"level": null, "reason": "cluster_unusable"} if {
	area_level_facts.has_cluster != null
	not is_flag(area_level_facts.has_cluster)
} else := {"level": null, "reason": "window_unusable"} if {
	area_level_facts.window_days != null
	not is_count(json.marshal(area_level_facts.window_days))
} else := {"level": null, "reason": "window_differs"} if {
	is_count(json.marshal(area_level_facts.window_days))
	is_count(json.marshal(area_level_limits.window_days))
	area_level_facts.window_days < area_level_limits.window_days
} else := {"level": null, "reason": "window_differs"} if {
	is_count(json.marshal(area_level_limits.window_days))
	is_count(json.marshal(area_level_facts.window_days))
	area_level_limits.window_days < area_level_facts.window_days
} else := {"level": null, "reason": "facts_disagree"} if {
	is_count(json.marshal(area_level_facts.cumulative_cases))
	is_count(json.marshal(area_level_facts.new_cases_in_window))
	area_level_facts.cumulative_cases < area_level_facts.new_cases_in_window
} else := {"level": null, "reason": "facts_disagree"} if {
	is_count(json.marshal(area_level_facts.new_cases_in_window))
	area_level_facts.new_cases_in_window >= 1
	is_count(json.marshal(area_level_facts.days_since_last_case))
	is_count(json.marshal(area_level_limits.window_days))
	area_level_facts.days_since_last_case >= area_level_limits.window_days
} else := {"level": null, "reason": "facts_disagree"} if {
	is_count(json.marshal(area_level_facts.new_cases_in_window))
	area_level_facts.new_cases_in_window < 1
	is_count(json.marshal(area_level_facts.days_since_last_case))
	is_count(json.marshal(area_level_limits.window_days))
	area_level_facts.days_since_last_case < area_level_limits.window_days
} else := {"level": null, "reason": "facts_disagree"} if {
	is_count(json.marshal(area_level_facts.cumulative_cases))
	area_level_facts.cumulative_cases < 1
	is_count(json.marshal(area_level_facts.days_since_last_case))
} else := {"level": null, "reason": "facts_disagree"} if {
	is_count(json.marshal(area_level_facts.new_cases_in_window))
	area_level_facts.new_cases_in_window < 1
	area_level_facts.has_cluster == true
} else := {"level": null, "reason": "new_cases_not_reported"} if {
	area_level_facts.new_cases_in_window == null
} else := {"level": "low", "reason": "no_case"} if {
	is_count(json.marshal(area_level_facts.new_cases_in_window))
	area_level_facts.new_cases_in_window < 1
	is_count(json.marshal(area_level_facts.cumulative_cases))
	area_level_facts.cumulative_cases < 1
} else := {"level": "low", "reason": "none_new"} if {
	is_count(json.marshal(area_level_facts.new_cases_in_window))
	area_level_facts.new_cases_in_window < 1
} else := {"level": "low", "reason": "none_new"} if {
	area_level_limits.by_cases == false
	is_count(json.marshal(area_level_facts.days_since_last_case))
	is_count(json.marshal(area_level_limits.days_to_low))
	area_level_facts.days_since_last_case >= area_level_limits.days_to_low
} else := {"level": null, "reason": "level_by_place"} if {
	area_level_limits.by_cases == false
} else := {"level": null, "reason": "cumulative_not_reported"} if {
	area_level_limits.high_requires_cluster == true
	area_level_facts.cumulative_cases == null
	area_level_facts.has_cluster == null
} else := {"level": null, "reason": "cumulative_not_reported"} if {
	area_level_limits.high_requires_cluster == true
	area_level_facts.cumulative_cases == null
	area_level_facts.has_cluster == true
} else := {"level": null, "reason": "cluster_not_reported"} if {
	area_level_limits.high_requires_cluster == true
	is_count(json.marshal(area_level_facts.cumulative_cases))
	is_count(json.marshal(area_level_limits.high_min_cumulative_cases))
	area_level_facts.cumulative_cases >= area_level_limits.high_min_cumulative_cases
	area_level_facts.has_cluster == null
} else := {"level": "high", "reason": "many_cases_cluster"} if {
	area_level_limits.high_requires_cluster == true
	is_count(json.marshal(area_level_facts.cumulative_cases))
	is_count(json.marshal(area_level_limits.high_min_cumulative_cases))
	area_level_facts.cumulative_cases >= area_level_limits.high_min_cumulative_cases
	area_level_facts.has_cluster == true
} else := {"level": null, "reason": "cumulative_not_reported"} if {
	area_level_limits.high_requires_cluster == false
	area_level_facts.cumulative_cases == null
	is_count(json.marshal(area_level_facts.new_cases_in_window))
	is_count(json.marshal(area_level_limits.medium_min_new_cases))
	area_level_facts.new_cases_in_window >= area_level_limits.medium_min_new_cases
} else := {"level": "high", "reason": "many_cases"} if {
	area_level_limits.high_requires_cluster == false
	is_count(json.marshal(area_level_facts.cumulative_cases))
	is_count(json.marshal(area_level_limits.high_min_cumulative_cases))
	area_level_facts.cumulative_cases >= area_level_limits.high_min_cumulative_cases
	is_count(json.marshal(area_level_facts.new_cases_in_window))
	is_count(json.marshal(area_level_limits.medium_min_new_cases))
	area_level_facts.new_cases_in_window >= area_level_limits.medium_min_new_cases
} else := {"level": "medium", "reason": "many_cases_no_cluster"} if {
	is_count(json.marshal(area_level_facts.new_cases_in_window))
	is_count(json.marshal(area_level_limits.medium_min_new_cases))
	area_level_facts.new_cases_in_window >= area_level_limits.medium_min_new_cases
	is_count(json.marshal(area_level_facts.cumulative_cases))
	is_count(json.marshal(area_level_limits.high_min_cumulative_cases))
	area_level_facts.cumulative_cases >= area_level_limits.high_min_cumulative_cases
} else := {"level": "medium", "reason": "new_cases"} if {
	is_count(json.marshal(area_level_facts.new_cases_in_window))
	is_count(json.marshal(area_level_limits.medium_min_new_cases))
	area_level_facts.new_cases_in_window >= area_level_limits.medium_min_new_cases
} else := {"level": "low", "reason": "below_medium"}

code_answer := {"colour": null, "holds": null, "reason": "reason_not_reported"} if {
	code_facts.reason_code == null
} else := {"colour": null, "holds": null, "reason": "reason_unusable"} if {
	code_facts.reason_code != null
	not is_word(code_facts.reason_code)
} else := {"colour": null, "holds": null, "reason": "reason_unknown"} if {
	code_limits.row_known == false
} else := {"colour": code_limits.colour, "holds": true, "reason": "no_restriction"} if {
	code_limits.release == null
} else := {"colour": null, "holds": null, "reason": "hours_unusable"} if {
	code_facts.hours != null
	not is_count(json.marshal(code_facts.hours))
} else := {"colour": null, "holds": null, "reason": "tests_unusable"} if {
	code_facts.negative_tests != null
	not is_count(json.marshal(code_facts.negative_tests))
} else := {"colour": null, "holds": null, "reason": "gap_unusable"} if {
	code_facts.gap_hours != null
	not is_count(json.marshal(code_facts.gap_hours))
} else := {"colour": null, "holds": null, "reason": "declaration_unusable"} if {
	code_facts.declared != null
	not is_flag(code_facts.declared)
} else := {"colour": null, "holds": null, "reason": "facts_disagree"} if {
	is_count(json.marshal(code_facts.negative_tests))
	code_facts.negative_tests < 2
	is_count(json.marshal(code_facts.gap_hours))
} else := {"colour": code_limits.calm_colour, "holds": false, "reason": "days_passed"} if {
	is_count(json.marshal(code_facts.hours))
	is_count(json.marshal(code_limits.hold_hours))
	code_facts.hours >= code_limits.hold_hours
} else := {"colour": code_limits.calm_colour, "holds": false, "reason": "tests_done"} if {
	code_limits.release == "tests"
	is_count(json.marshal(code_facts.negative_tests))
	is_count(json.marshal(code_limits.tests_required))
	code_facts.negative_tests >= code_limits.tests_required
	code_limits.tests_min_gap_hours == null
} else := {"colour": code_limits.calm_colour, "holds": false, "reason": "tests_done"} if {
	code_limits.release == "tests"
	is_count(json.marshal(code_facts.negative_tests))
	is_count(json.marshal(code_limits.tests_required))
	code_facts.negative_tests >= code_limits.tests_required
	is_count(json.marshal(code_facts.gap_hours))
	is_count(json.marshal(code_limits.tests_min_gap_hours))
	code_facts.gap_hours >= code_limits.tests_min_gap_hours
} else := {"colour": code_limits.calm_colour, "holds": false, "reason": "declared"} if {
	code_limits.release == "declared"
	code_facts.declared == true
} else := {"colour": null, "holds": null, "reason": "hours_not_reported"} if {
	code_limits.hold_hours != null
	code_facts.hours == null
} else := {"colour": null, "holds": null, "reason": "tests_not_reported"} if {
	code_limits.release == "tests"
	code_facts.negative_tests == null
} else := {"colour": null, "holds": null, "reason": "gap_not_reported"} if {
	code_limits.release == "tests"
	is_count(json.marshal(code_facts.negative_tests))
	is_count(json.marshal(code_limits.tests_required))
	code_facts.negative_tests >= code_limits.tests_required
	code_facts.gap_hours == null
} else := {"colour": null, "holds": null, "reason": "declaration_not_reported"} if {
	code_limits.release == "declared"
	code_facts.declared == null
} else := {"colour": code_limits.colour, "holds": true, "reason": "held"}

validity_answer := {"valid": null, "reason": "category_not_reported"} if {
	validity_facts.category == null
} else := {"valid": null, "reason": "category_unusable"} if {
	validity_facts.category != null
	not is_word(validity_facts.category)
} else := {"valid": null, "reason": "category_unknown"} if {
	validity_limits.category_known == false
} else := {"valid": null, "reason": "hours_unusable"} if {
	validity_facts.hours_since_sampled != null
	not is_count(json.marshal(validity_facts.hours_since_sampled))
} else := {"valid": null, "reason": "hours_unusable"} if {
	validity_facts.hours_since_tested != null
	not is_count(json.marshal(validity_facts.hours_since_tested))
} else := {"valid": null, "reason": "hours_unusable"} if {
	validity_facts.hours_since_reported != null
	not is_count(json.marshal(validity_facts.hours_since_reported))
} else := {"valid": null, "reason": "facts_disagree"} if {
	is_count(json.marshal(validity_facts.hours_since_sampled))
	is_count(json.marshal(validity_facts.hours_since_tested))
	validity_facts.hours_since_sampled < validity_facts.hours_since_tested
} else := {"valid": null, "reason": "facts_disagree"} if {
	is_count(json.marshal(validity_facts.hours_since_tested))
	is_count(json.marshal(validity_facts.hours_since_reported))
	validity_facts.hours_since_tested < validity_facts.hours_since_reported
} else := {"valid": null, "reason": "facts_disagree"} if {
	is_count(json.marshal(validity_facts.hours_since_sampled))
	is_count(json.marshal(validity_facts.hours_since_reported))
	validity_facts.hours_since_sampled < validity_facts.hours_since_reported
} else := {"valid": null, "reason": "hours_not_reported"} if {
	validity_facts.hours == null
} else := {"valid": true, "reason": "in_time"} if {
	is_count(json.marshal(validity_facts.hours))
	is_count(json.marshal(validity_limits.validity_hours))
	validity_facts.hours < validity_limits.validity_hours
} else := {"valid": false, "reason": "expired"}

red_scan_answer := {"alarm": null, "reason": "red_scan_unusable"} if {
	red_scan_facts.red_scan != null
	not is_flag(red_scan_facts.red_scan)
} else := {"alarm": false, "reason": "red_scan_off"} if {
	red_scan_limits.red_scan_alarm == false
} else := {"alarm": null, "reason": "red_scan_not_reported"} if {
	red_scan_facts.red_scan == null
} else := {"alarm": true, "reason": "red_scan"} if {
	red_scan_facts.red_scan == true
} else := {"alarm": false, "reason": "no_red_scan"}

crowded_answer := {"alarm": null, "reason": "category_not_reported"} if {
	crowded_facts.category == null
} else := {"alarm": null, "reason": "category_unusable"} if {
	crowded_facts.category != null
	not is_word(crowded_facts.category)
} else := {"alarm": null, "reason": "category_unknown"} if {
	crowded_limits.category_known == false
} else := {"alarm": null, "reason": "scans_not_reported"} if {
	crowded_facts.scans_in_hour == null
} else := {"alarm": null, "reason": "scans_unusable"} if {
	crowded_facts.scans_in_hour != null
	not is_count(json.marshal(crowded_facts.scans_in_hour))
} else := {"alarm": true, "reason": "crowded"} if {
	is_count(json.marshal(crowded_limits.max_scans_per_hour))
	is_count(json.marshal(crowded_facts.scans_in_hour))
	crowded_limits.max_scans_per_hour < crowded_facts.scans_in_hour
} else := {"alarm": false, "reason": "not_crowded"}

silent_answer := {"alarm": null, "reason": "area_unusable"} if {
	silent_facts.area != null
	not is_area(silent_facts.area)
} else := {"alarm": null, "reason": "area_not_reported"} if {
	silent_limits.overridden == true
	silent_facts.area == null
} else := {"alarm": null, "reason": "silence_not_reported"} if {
	silent_facts.silent_hours == null
} else := {"alarm": null, "reason": "silence_unusable"} if {
	silent_facts.silent_hours != null
	not is_count(json.marshal(silent_facts.silent_hours))
} else := {"alarm": true, "reason": "silent"} if {
	is_count(json.marshal(silent_facts.silent_hours))
	is_count(json.marshal(silent_limits.silent_after_hours))
	silent_facts.silent_hours >= silent_limits.silent_after_hours
} else := {"alarm": false, "reason": "not_silent"}
