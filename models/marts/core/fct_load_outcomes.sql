with

loads as (

    select * from {{ ref('fct_loads') }}

),

rejects as (

    select * from {{ ref('stg_warehouse__rejects') }}

),

refusals as (

    select
        load_seq,
        refusal_reason,
        count(*) as refused_lines,
        count(repaired_load_seq) as lines_repaired
    from rejects
    group by load_seq, refusal_reason

),

outcomes as (

    select
        load_seq,
        'accepted' as outcome,
        'none' as reason,
        lines_accepted as outcome_lines,
        0 as lines_repaired
    from loads

    union all

    select
        load_seq,
        'duplicate' as outcome,
        'known_already' as reason,
        lines_duplicated as outcome_lines,
        0 as lines_repaired
    from loads

    union all

    select
        load_seq,
        'blank' as outcome,
        'empty_or_header' as reason,
        lines_left_blank as outcome_lines,
        0 as lines_repaired
    from loads

    union all

    select
        load_seq,
        'refused' as outcome,
        refusal_reason as reason,
        refused_lines as outcome_lines,
        lines_repaired
    from refusals

),

final as (

    select
        loads.load_seq,
        loads.feed,
        outcomes.outcome,
        outcomes.reason,
        cast(outcomes.outcome_lines as bigint) as outcome_lines,
        cast(outcomes.lines_repaired as bigint) as lines_repaired
    from outcomes
    inner join loads on outcomes.load_seq = loads.load_seq
    where outcomes.outcome_lines > 0

    union all

    -- Of a file that could not be read nobody knows how many lines it has.
    select
        load_seq,
        feed,
        'unreadable' as outcome,
        'whole_file' as reason,
        cast(0 as bigint) as outcome_lines,
        cast(0 as bigint) as lines_repaired
    from loads
    where not is_loaded

)

select * from final
