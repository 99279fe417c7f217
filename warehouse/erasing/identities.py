"""Who a record is about: how names, e-mails and phones are compared, in tables and in texts.

In SQL, identities are compared as `int_customers_resolved` does, and names without accents
and signs. In texts that are no records any more (a torn line, a remark), spellings are looked
for: with or without accents, in any case, escaped or not, phones with any separators.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_PLACES = ("state", "city", "postalcode", "country")


def identities(relation: str) -> str:
    """Return a query of the comparable identities of a relation's rows.

    The relation has the columns id, txid, name, phone, email, address and emergency_contact
    (JSON), purchase_time. The query has id, txid, purchase_time, name, phone, email, postcode,
    contact_name and contact_phone; null is what is absent or tells nobody apart.
    """
    postcode, country = _clean(_told("address", "postalcode")), _told("address", "country")
    return (
        "select id, trim(txid) as txid, purchase_time, "
        f"{name_key('name')} as name, {phone_key('phone')} as phone, "
        f"{email_key('email')} as email, "
        f"case when upper({_clean(country)}) in ('FR', 'FRANCE') then {postcode} "
        f"else coalesce(upper({_clean(country)}) || ' ', '') || {postcode} end as postcode, "
        f"{name_key(_told('emergency_contact', 'name'))} as contact_name, "
        f"{phone_key(_told('emergency_contact', 'phone'))} as contact_phone "
        f"from ({relation})"
    )


def email_key(text: str) -> str:
    """Return the SQL that makes e-mails comparable; "n/a" is none."""
    return f"case when {text} like '%_@_%' then lower({_clean(text)}) end"


def phone_key(text: str) -> str:
    """Return the SQL that makes phones comparable: 06, +336 and 00336 are one."""
    digits = f"regexp_replace(replace({text}, '(0)', ''), '[^0-9]', '', 'g')"
    return (
        f"case when {digits} like '0033%' then '0' || substr({digits}, 5) "
        f"when {digits} like '33%' and length({digits}) = 11 then '0' || substr({digits}, 3) "
        f"when length({digits}) >= 9 and ltrim({digits}, '0') <> '' then {digits} end"
    )


def name_key(text: str) -> str:
    """Return the SQL that makes names comparable, without accents, signs and capitals."""
    plain = f"replace(replace(replace(lower({text}), 'œ', 'oe'), 'æ', 'ae'), 'ß', 'ss')"
    return (
        rf"nullif(trim(regexp_replace(strip_accents({plain}), '[^\p{{L}}\p{{N}}]+', ' ', 'g')), '')"
    )


def kept_address(address: str) -> str:
    """Return the SQL of what stays of an erased person's address: what regions are made from."""
    parts = ", ".join(
        f"'\"{place}\":' || cast(to_json({_told(address, place)}) as varchar)" for place in _PLACES
    )
    return f"cast(nullif('{{' || concat_ws(',', {parts}) || '}}', '{{}}') as json)"


def street(address: str) -> str:
    """Return the SQL of the street of an address as it is spelled, or null."""
    return _clean(_told(address, "street_address"))


def contact_texts(contact: str) -> tuple[str, str]:
    """Return the SQL of the name and of the phone of an emergency contact, as spelled."""
    return _clean(_told(contact, "name")), _clean(_told(contact, "phone"))


def _told(record: str, field: str) -> str:
    """Return the SQL of one field, its key in lower or upper case, where it is a plain value."""
    value = f"coalesce(json_extract({record}, '$.{field}'), "
    value += f"json_extract({record}, '$.{field.upper()}'))"
    return f"case when json_type({value}) not in ('OBJECT', 'ARRAY') then {value} ->> '$' end"


def _clean(text: str) -> str:
    return rf"nullif(trim(regexp_replace({text}, '\s+', ' ', 'g')), '')"


class _Folding(dict[int, int]):
    """Each letter without accent and capital, one for one, so that places in a text stay."""

    def __missing__(self, code: int) -> int:
        letter = unicodedata.normalize("NFKD", chr(code).lower())[0]
        self[code] = ord(letter)
        return self[code]


_FOLDING = _Folding()
_ESCAPE = re.compile(r"(?<!\\)\\(?:u([0-9a-fA-F]{4})|x([0-9a-f]{2}))")
_ESCAPED_BLANK = re.compile(r"(?<!\\)\\[nrtbf]")
_BETWEEN_DIGITS = r"[\s.()/x\-]*"


@dataclass(frozen=True)
class Spellings:
    """How a person is spelled. What is in `alone` tells her by itself; a name that others
    have too, or a phone that others use, does so only beside another thing of hers.
    """  # noqa: D205

    emails: frozenset[str] = frozenset()
    orders: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()  # comparable ones, as `phone_key` gives them
    streets: frozenset[str] = frozenset()
    postcodes: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()  # names, phones and streets of others too

    def tell(self, text: str) -> bool:
        """Tell whether a text that cannot be read as a record is about her."""
        return bool(self._spans(plain_text(text), with_orders=True))

    def replace(self, text: str) -> str:
        """Return a line with "erased" for each field that tells her; the same if none does.

        A field ends at the quotation marks around it, else at the next separator of a CSV file.
        """
        plain = plain_text(text)
        parts, end = [], 0
        for first, last in sorted(self._spans(plain, with_orders=False)):
            if first < end:
                continue
            begins, ends = _field(plain, first, last)
            parts += [plain[end:begins], "erased"]
            end = ends
        return "".join((*parts, plain[end:])) if parts else text

    def erase_values(self, value: Any) -> Any:
        """Return a value of JSON with "erased" for each text in it that tells her."""
        if isinstance(value, str):
            return "erased" if self._spans(plain_text(value), with_orders=False) else value
        if isinstance(value, dict):
            return {key: self.erase_values(inner) for key, inner in value.items()}
        return [self.erase_values(inner) for inner in value] if isinstance(value, list) else value

    def _spans(self, plain: str, with_orders: bool) -> list[tuple[int, int]]:
        folded = plain.lower() if plain.isascii() else plain.translate(_FOLDING)
        if "\\" in folded:
            folded = _ESCAPED_BLANK.sub("  ", folded)  # as long as before: places stay
        alone = [found.span() for found in self._alone.finditer(folded)]
        if with_orders and self.orders:
            alone += [found.span() for found in self._orders.finditer(folded)]
        if not (self.shared & self.names) or not (named := list(self._names.finditer(folded))):
            return alone
        beside = list(self._beside.finditer(folded))
        if not alone and not beside:
            return []
        places = self._postcodes
        kept = [found.span() for found in beside if found.group() not in places]
        return [*alone, *(found.span() for found in named), *kept]

    @cached_property
    def _postcodes(self) -> set[str]:
        return {_fold(postcode) for postcode in self.postcodes}

    @cached_property
    def _alone(self) -> re.Pattern[str]:
        words = {*self.emails, *((self.names | self.streets) - self.shared)}
        return _pattern(words, self.phones - self.shared)

    @cached_property
    def _orders(self) -> re.Pattern[str]:
        return _pattern(self.orders, ())

    @cached_property
    def _names(self) -> re.Pattern[str]:
        return _pattern(self.names & self.shared, ())

    @cached_property
    def _beside(self) -> re.Pattern[str]:
        return _pattern((self.streets & self.shared) | self.postcodes, self.phones & self.shared)


def _field(text: str, first: int, last: int) -> tuple[int, int]:
    """Return where the field around a piece of a line begins and ends."""
    signs = '"' if text.count('"', 0, first) % 2 else ";,\t|\r\n"
    begins = max(text.rfind(sign, 0, first) for sign in signs) + 1
    found = [place for sign in signs if (place := text.find(sign, last)) >= 0]
    return begins, min(found, default=len(text))


def _pattern(words: Iterable[str], phones: Iterable[str]) -> re.Pattern[str]:
    # Longest first: of two spellings that begin alike, the whole one is found.
    texts = sorted({_fold(word) for word in words if word}, key=lambda word: (-len(word), word))
    parts = [rf"(?<![\w.+\-]){_spaced(text)}(?![\w\-])" for text in texts]
    parts += [rf"(?<!\d){_phone_pattern(phone)}(?!\d)" for phone in sorted(phones)]
    return re.compile("|".join(parts) or r"(?!)")


def _spaced(text: str) -> str:
    return r"\s+".join(re.escape(word) for word in text.split())


def _phone_pattern(phone: str) -> str:
    body = _BETWEEN_DIGITS.join(phone.removeprefix("0"))
    if not phone.startswith("0"):
        return body
    return rf"(?:0|(?:\+|00)?33{_BETWEEN_DIGITS}(?:\(0\))?){_BETWEEN_DIGITS}{body}"


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).translate(_FOLDING)


def plain_text(text: str) -> str:
    """Return a text with escaped letters as letters; what JSON must escape stays."""
    text = unicodedata.normalize("NFC", text) if not text.isascii() else text
    return _ESCAPE.sub(_letter, text) if "\\" in text else text


def _letter(found: re.Match[str]) -> str:
    letter = chr(int(found[1] or found[2], 16))
    is_plain = letter.isprintable() and letter not in '"\\'
    return letter if is_plain else found[0]
