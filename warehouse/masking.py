"""Write warehouse/ddl/snowflake/masking.sql from the fields that hold a person.

`python -m warehouse.masking` writes the file anew; a test says whether it is as it would be
written now.
"""

from pathlib import Path

from warehouse.personal import personal_raw_columns

MASKING_FILE = Path(__file__).parent / "ddl" / "snowflake" / "masking.sql"

# What the roles that may not see it get, by the type of the column.
POLICIES = {"varchar": ("personal_text", "'***'"), "variant": ("personal_record", "null")}
# dbt makes these anew, so they are covered whole.
PRIVATE_SCHEMAS = ("staging", "intermediate")
_ROLES = "'LOADER', 'TRANSFORMER'"

_HEAD = """\
-- Written by `python -m warehouse.masking` from the fields that warehouse/feeds.py marks as
-- personal: change them there, and write this file anew.
--
-- Shows what holds a person to LOADER and TRANSFORMER alone. Everybody else reads '***' or null,
-- administrators too, until they say `use role transformer`: what counts is the role in use, not
-- those that it inherits. Needs Snowflake's Enterprise edition; on Standard it is setup.sql that
-- keeps everybody else out of these schemas, and it does so here too.
--
-- Run all of it as ACCOUNTADMIN when the raw tables are there, before anything is loaded into
-- them, and again whenever raw tables were made anew. Safe to run again.

use role accountadmin;

create schema if not exists kscm.governance
    comment = 'What holds persons, and who may see it.';
alter schema kscm.governance enable managed access;
create tag if not exists kscm.governance.personal
    comment = 'Holds a person, or what gives her away: masked for all but LOADER and TRANSFORMER.';
"""

_SCHEMAS = """
-- dbt makes its tables anew at each build. A policy that is set on a column afterwards leaves it
-- bare until then; a tag on the schema covers each table and view from its first moment. It
-- covers all their texts: nobody else has business there.
"""


def masking_sql() -> str:
    """Return the text of masking.sql."""
    parts = [_HEAD]
    for kind, (policy, mask) in POLICIES.items():
        parts.append(
            f"create masking policy if not exists kscm.governance.{policy}\n"
            f"    as (held {kind}) returns {kind} ->\n"
            f"    case when current_role() in ({_ROLES}) then held else {mask} end;\n"
        )
    policies = ",\n".join(
        f"    masking policy kscm.governance.{policy}" for policy, _ in POLICIES.values()
    )
    parts.append(f"alter tag kscm.governance.personal set\n{policies}\n    force;\n\n")
    for table, column in personal_raw_columns():
        parts.append(
            f"alter table kscm.raw.{table} modify column {column}\n"
            "    set tag kscm.governance.personal = 'yes';\n"
        )
    parts.append(_SCHEMAS)
    for schema in PRIVATE_SCHEMAS:
        parts.append(f"alter schema kscm.{schema} set tag kscm.governance.personal = 'yes';\n")
    return "".join(parts)


if __name__ == "__main__":
    MASKING_FILE.write_text(masking_sql(), encoding="utf-8")
    print(f"Wrote {MASKING_FILE}.")
