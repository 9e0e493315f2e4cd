"""How many people get which red or yellow code, day by day: background, festival travel, the outbreak."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from dashboard.demo.cohorts import Cohort, draw_people, make_cohort, split_ages
from dashboard.demo.outbreak import Outbreak
from dashboard.demo.reasons import REASON_BY_ID, Hold
from dashboard.demo.story import (
    AIRPORT_COUNTY,
    ANOMALY,
    ANOMALY_COUNTY,
    ANOMALY_PEOPLE,
    OUTBREAK,
    OVERLAP_COUNTIES,
    PIDU,
    TRACED_PEOPLE,
    WAVE,
    WAVE_PEOPLE,
    Calendar,
    Floats,
    Ints,
    stream,
)
from dashboard.demo.world import World

CLOSE_SHARE = 0.31  # of the people traced, close contacts; the others are contacts of contacts
_BY_HAND: Hold = ((3, 0.9), (4, 0.08), (6, 0.02))


def build_cohorts(
    world: World, calendar: Calendar, outbreak: Outbreak, *, seed: int, reasons: Collection[str]
) -> tuple[Cohort, ...]:
    """All streams of red and yellow codes of the given reasons.

    Reasons that trace into each other (overlap into contacts) are kept or left out together, or stocks
    would not add up.
    """
    linked = {"time_space_overlap", "close_contact", "contact_of_contact"}
    if 0 < len(linked & set(reasons)) < len(linked):
        raise ValueError(f"{', '.join(sorted(linked))} belong together; given: {', '.join(sorted(reasons))}")
    random = stream(seed, "cohorts")
    yellow = (*_overlap(random, world, calendar), *_other_yellow(random, world, calendar))
    traced = np.asarray(sum(cohort.traced for cohort in yellow))
    red = (
        *_cases(random, world, outbreak),
        *_contacts(random, world, outbreak, traced),
        *_travel(random, world, calendar),
        *_emergency(random, world, calendar),
    )
    return tuple(cohort for cohort in (*red, *yellow) if cohort.reason in reasons)


def _hold(reason: str) -> Hold:
    return REASON_BY_ID[reason].hold


def _steady(calendar: Calendar, per_day: float, weights: Floats) -> Floats:
    return np.outer(np.full(len(calendar.offsets), per_day), weights)


def _overlap(random: np.random.Generator, world: World, calendar: Calendar) -> tuple[Cohort, ...]:
    weights = np.zeros(len(world.counties))
    for code, share in OVERLAP_COUNTIES.items():
        weights[world.row(code)] = share
    wave = random.poisson(np.outer(calendar.pulse(*WAVE) * WAVE_PEOPLE, weights))
    people = split_ages(random, wave)
    found = random.binomial(people, TRACED_PEOPLE / WAVE_PEOPLE)
    tail = np.outer(calendar.between(OUTBREAK + 5, -2) * 700.0, weights) + _steady(
        calendar, 25, world.by_residents
    )
    later = draw_people(random, tail)
    hold = _hold("time_space_overlap")
    return (
        make_cohort(random, "time_space_overlap", people, hold, traced=found, actor_out="batch"),
        make_cohort(random, "time_space_overlap", later, hold, traced=random.binomial(later, 0.012)),
    )


def _other_yellow(random: np.random.Generator, world: World, calendar: Calendar) -> tuple[Cohort, ...]:
    travel = np.outer(350 + 2_600 * calendar.homecoming, world.by_travel)
    locked = np.zeros((len(calendar.offsets), len(world.counties)))
    locked[:, world.row(PIDU)] = calendar.pulse(
        (OUTBREAK + 1, 5_200), (OUTBREAK + 2, 4_100), (OUTBREAK + 3, 1_900)
    )
    return (
        make_cohort(random, "near_risk_area", draw_people(random, travel), _hold("near_risk_area")),
        make_cohort(
            random,
            "symptoms_declared",
            draw_people(random, _steady(calendar, 2_200, world.by_residents)),
            _hold("symptoms_declared"),
        ),
        make_cohort(
            random,
            "emergency_yellow",
            draw_people(random, locked),
            _hold("emergency_yellow"),
            actor_in="batch",
            actor_out="batch",
        ),
    )


def _cases(random: np.random.Generator, world: World, outbreak: Outbreak) -> tuple[Cohort, ...]:
    def at_airport(local: Ints, imported: Ints) -> Ints:
        people = local.copy()
        people[:, world.row(AIRPORT_COUNTY)] += imported
        return split_ages(random, people)

    confirmed = at_airport(outbreak.confirmed, outbreak.imported_confirmed)
    silent = at_airport(outbreak.asymptomatic, outbreak.imported_asymptomatic)
    positive = draw_people(random, np.asarray(outbreak.confirmed * 1.1 + 2.5 * world.by_residents))
    suspected = draw_people(random, np.tile(1.5 * world.by_residents, (len(outbreak.confirmed), 1)))
    return (
        make_cohort(random, "test_positive", positive, _hold("test_positive")),
        make_cohort(random, "confirmed", confirmed, _hold("confirmed")),
        make_cohort(random, "asymptomatic", silent, _hold("asymptomatic")),
        make_cohort(random, "suspected", suspected, _hold("suspected")),
    )


def _contacts(
    random: np.random.Generator, world: World, outbreak: Outbreak, traced: Ints
) -> tuple[Cohort, ...]:
    imported = np.outer(outbreak.imported_confirmed, world.by_abroad)
    close = random.binomial(traced, CLOSE_SHARE)
    return tuple(
        cohort
        for reason, found, per_case, per_import in (
            ("close_contact", close, 5.0, 4.0),
            ("contact_of_contact", traced - close, 7.0, 2.0),
        )
        for cohort in (
            make_cohort(
                random,
                reason,
                draw_people(random, outbreak.confirmed * per_case + imported * per_import),
                _hold(reason),
            ),
            make_cohort(random, reason, found, _hold(reason), source="yellow"),
        )
    )


def _travel(random: np.random.Generator, world: World, calendar: Calendar) -> tuple[Cohort, ...]:
    crowd = 1 + 3 * calendar.homecoming

    def cohort(reason: str, expected: Floats, *, source: str = "green", target: str = "green") -> Cohort:
        people = draw_people(random, expected)
        return make_cohort(random, reason, people, _hold(reason), source=source, target=target)

    return (
        cohort("abroad_staying", _steady(calendar, 260, world.by_abroad), source="none"),
        cohort("abroad_transit", _steady(calendar, 120, world.by_abroad), source="none", target="none"),
        cohort("same_flight", _steady(calendar, 9, world.by_abroad)),
        cohort("same_coach", np.outer(0.9 * crowd, world.by_travel)),
        cohort("same_train", np.outer(2.5 * crowd, world.by_travel)),
        cohort("risk_area_stay", np.outer(16 * crowd, world.by_travel)),
    )


def _emergency(random: np.random.Generator, world: World, calendar: Calendar) -> tuple[Cohort, ...]:
    shape = (len(calendar.offsets), len(world.counties))
    sealed = np.zeros(shape)
    sealed[:, world.row(PIDU)] = calendar.between(OUTBREAK + 1, OUTBREAK + 7) * 130.0
    by_hand = np.zeros(shape, dtype=np.int64)
    by_hand[:, world.row(ANOMALY_COUNTY)] = calendar.pulse((ANOMALY, ANOMALY_PEOPLE))
    reason = "emergency_red"
    return (
        make_cohort(
            random, reason, draw_people(random, sealed), _hold(reason), actor_in="batch", actor_out="batch"
        ),
        make_cohort(
            random, reason, split_ages(random, by_hand), _BY_HAND, actor_in="manual", actor_out="manual"
        ),
    )
