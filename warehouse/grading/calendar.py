"""What is asked of the calendar: that what was planted is found, in the units that were sold.

A planted effect can only be asked for where it shows. So the key works out, from its own
sales and the planted percent, how far each occurrence is from what is usual, with more noise
than a shop of these generators has; and asks for what stands out in every year.
"""

from warehouse.grading.question import Question

_LEAST_Z = 4
# A shop's luck, promotions and other events, as a part of what is usual: of all goods, and of
# a founder, style or finish, which a promotion of one item moves.
_NOISE_OF_ALL, _NOISE_OF_A_KIND = 0.1, 0.15
_DAYS_AROUND = 63
# Fewer units of a window are not promised a row: too few were to be expected.
_FEWEST_UNITS = 50

# Of the tills, as the marts should show them: units of each day and kind.
_SOLD = """
    kinds_of_items as (
        select sku, 'all' as subject_kind, 'all' as subject from reference.catalogue
        union all
        unpivot (select sku, founder, style, finish from reference.catalogue)
        on founder, style, finish into name subject_kind value subject
    ),
    tills as (
        select day, product_id, sum(units) as units
        from all_revenue
        where source_system = 'pos'
        group by all
    ),
    in_all as (
        select min(day) as first_day, max(day) as last_day
        from tills
        where units > 0
    ),
    sold as (
        select day, subject_kind, subject, sum(units) as units
        from tills
        inner join kinds_of_items on product_id = sku
        where subject_kind != 'all'
        group by all
        union all
        select day, 'all', 'all', sum(units)
        from tills
        group by all
    )"""

# Each occurrence of a planted effect that the data holds: its windows, whether there are
# weeks before and after to compare with, and on how many of its days the effect was at work.
# After the events of winter there are seasons only, so weeks before are the safe side.
_OCCURRENCES = f"""
    planted as (
        select distinct event_name, traffic_percent, kind, boost_percent
        from planted_effects
    ),
    subjects as (
        select event_name, 'all' as subject_kind, 'all' as subject, traffic_percent as percent
        from planted
        where traffic_percent != 100
        union all
        select distinct event_name, subject_kind, subject, boost_percent
        from planted
        inner join kinds_of_items on kind = subject
    ),
    events as (
        select event_name, start_date, end_date, start_date - planted_effects.first_day as lead
        from reference.calendar_events
        inner join planted_effects using (event_name)
        where end_date = planted_effects.last_day
    ),
    windows as (
        select event_name, 'days' as event_window, start_date as first_day, end_date as last_day,
            1.0 as at_work
        from events
        union all
        select event_name, 'week_before', start_date - 7, start_date - 1, least(lead, 7) / 7
        from events
    ),
    occurrences as (
        select windows.*, subjects.subject_kind, subjects.subject, percent / 100 as times,
            windows.first_day - {_DAYS_AROUND} >= in_all.first_day as has_weeks_before,
            windows.last_day + {_DAYS_AROUND} <= in_all.last_day as has_weeks_after,
            coalesce(sum(sold.units), 0) as units,
            (
                select sum(goods.units) from sold as goods
                where goods.subject_kind = 'all'
                    and goods.day between windows.first_day and windows.last_day
            ) as units_of_all
        from windows
        inner join in_all
            on windows.first_day >= in_all.first_day and windows.last_day <= in_all.last_day
        inner join subjects using (event_name)
        left join sold
            on sold.subject_kind = subjects.subject_kind and sold.subject = subjects.subject
            and sold.day between windows.first_day and windows.last_day
        group by all
    )"""

_ASKED = f"""
    asked as (
        select event_name, event_window, subject_kind, subject
        from occurrences
        group by all
        having bool_and(has_weeks_before) and min(units) >= {_FEWEST_UNITS}
    )"""

# What was to be expected without the effect, and how many standard deviations were sold more.
_VISIBLE = f"""
    usual as (
        select *,
            case when subject_kind = 'all' then {_NOISE_OF_ALL} else {_NOISE_OF_A_KIND} end
                as noise,
            units / (1 + at_work * case
                when subject_kind = 'all' then times - 1
                else times - 1 - (times - 1) * units / units_of_all
            end) as usual_units
        from occurrences
        where units > 0 and (has_weeks_before or has_weeks_after)
    ),
    visible as (
        select event_name, event_window, subject_kind, subject,
            min(2 * (sqrt(units) - sqrt(usual_units)) / sqrt(1 + noise * noise * usual_units))
                as least_z,
            count(*) as years
        from usual
        group by all
        having count(*) > 1
    ),
    planted_and_visible as (
        select distinct event_name, subject_kind, subject
        from visible
        where least_z >= {_LEAST_Z}
    )"""

_REPORT = "marts.rpt_calendar_effects"

CALENDAR = (
    Question(
        "Planted effects of the calendar that must show",
        "effects",
        ("event_name", "subject_kind", "subject"),
        ("effects_found",),
        f"with {_SOLD}, {_OCCURRENCES}, {_VISIBLE} "
        "select *, 1 as effects_found from planted_and_visible",
        f"""
        with {_SOLD}, {_OCCURRENCES}, {_VISIBLE}
        select event_name, subject_kind, subject,
            max(case when is_found and coalesce(share_lift, lift) > 1 then 1 else 0 end)
                as effects_found
        from planted_and_visible
        inner join {_REPORT} using (event_name, subject_kind, subject)
        where source_system = 'pos'
        group by all""",
        report="rpt_calendar_effects",
    ),
    Question(
        "Units sold at the events with a planted effect",
        "windows",
        ("event_name", "event_window", "subject_kind", "subject"),
        ("occurrences", "units"),
        f"""
        with {_SOLD}, {_OCCURRENCES}, {_ASKED}
        select event_name, event_window, subject_kind, subject, count(*) as occurrences,
            sum(units) as units
        from occurrences
        inner join asked using (event_name, event_window, subject_kind, subject)
        group by all""",
        f"""
        with {_SOLD}, {_OCCURRENCES}, {_ASKED}
        select event_name, event_window, subject_kind, subject, occurrences,
            units_sold as units
        from asked
        inner join {_REPORT} using (event_name, event_window, subject_kind, subject)
        where source_system = 'pos'""",
        report="rpt_calendar_effects",
    ),
)
