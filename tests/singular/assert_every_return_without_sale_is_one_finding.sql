-- One row per return of the tills or the web store that has no sale and is not one finding,
-- and one where the report on rates counts other units.
with

findings as (

    select
        line_id,
        count(*) as findings
    from {{ ref('rpt_unit_ledger_findings') }}
    where finding_kind <> 'sold_twice'
    group by line_id

),

without_sale as (

    select * from {{ ref('fct_return_lines') }}
    where not has_sale and source_system <> 'shops'

),

rates as (

    select coalesce(sum(units_returned_without_sale), 0) as units_returned
    from {{ ref('rpt_return_rates') }}
    group by subject_kind

),

lines as (

    select coalesce(sum(units_returned), 0) as units_returned from without_sale

)

select
    without_sale.return_line_id,
    coalesce(findings.findings, 0) as found,
    1 as expected
from without_sale
left join findings on without_sale.return_line_id = findings.line_id
where coalesce(findings.findings, 0) <> 1

union all

select
    'rpt_return_rates' as return_line_id,
    rates.units_returned as found,
    lines.units_returned as expected
from rates
cross join lines
where rates.units_returned <> lines.units_returned
