{%- set fewest_lines = 5 -%}
with

loads as (

    select * from {{ ref('fct_loads') }}

),

load_outcomes as (

    select * from {{ ref('fct_load_outcomes') }}

),

latest as (

    -- The last file of each feed that had anything in it.
    select
        feed,
        max(load_seq) as load_seq
    from loads
    where is_loaded and lines_received > 0
    group by feed

),

feeds as (

    select
        loads.feed,
        sum(loads.lines_received) as lines_received,
        sum(case when loads.load_seq = latest.load_seq then loads.lines_received else 0 end)
            as lines_in_latest_file
    from loads
    left join latest on loads.feed = latest.feed
    group by loads.feed

),

outcomes as (

    select
        load_outcomes.feed,
        load_outcomes.outcome,
        load_outcomes.reason,
        sum(load_outcomes.outcome_lines) as outcome_lines,
        sum(load_outcomes.lines_repaired) as lines_repaired,
        count(*) as files,
        sum(
            case
                when load_outcomes.load_seq = latest.load_seq
                    then load_outcomes.outcome_lines
                else 0
            end
        ) as latest_lines,
        min(load_outcomes.load_seq) as first_load,
        max(load_outcomes.load_seq) as last_load
    from load_outcomes
    left join latest on load_outcomes.feed = latest.feed
    group by load_outcomes.feed, load_outcomes.outcome, load_outcomes.reason

),

compared as (

    select
        outcomes.*,
        feeds.lines_received,
        feeds.lines_in_latest_file,
        feeds.lines_received - feeds.lines_in_latest_file as lines_before,
        outcomes.outcome_lines - outcomes.latest_lines as outcome_lines_before,
        feeds.lines_received
        - sum(outcomes.outcome_lines) over (partition by outcomes.feed)
            as lines_unaccounted
    from outcomes
    inner join feeds on outcomes.feed = feeds.feed

),

judged as (

    select
        *,
        {{ share('outcome_lines', 'lines_received') }} as share_of_lines,
        {{ share('latest_lines', 'lines_in_latest_file') }} as share_in_latest_file,
        {{ share('outcome_lines_before', 'lines_before') }} as share_before,
        {{ wilson_bound('latest_lines', 'lines_in_latest_file', 'lower') }}
            as least_share_in_latest_file
    from compared

),

final as (

    select
        judged.feed,
        judged.outcome,
        judged.reason,
        cast(judged.outcome_lines as bigint) as outcome_lines,
        cast(judged.lines_received as bigint) as lines_received,
        judged.share_of_lines,
        cast(judged.lines_repaired as bigint) as lines_repaired,
        cast(judged.files as bigint) as files,
        cast(judged.first_load as bigint) as first_load,
        cast(judged.last_load as bigint) as last_load,
        last_loads.loaded_at as last_loaded_at,
        last_loads.file as last_file,
        cast(judged.latest_lines as bigint) as latest_lines,
        judged.share_in_latest_file,
        judged.share_before,
        -- A few lines more are chance, and nobody minds more lines that are good.
        coalesce(
            judged.outcome in ('duplicate', 'refused')
            and judged.latest_lines >= {{ fewest_lines }}
            and judged.least_share_in_latest_file > judged.share_before,
            false
        ) as is_rising,
        cast(judged.lines_unaccounted as bigint) as lines_unaccounted
    from judged
    inner join loads as last_loads on judged.last_load = last_loads.load_seq

)

select * from final
