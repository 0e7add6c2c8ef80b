"""Points in time, exactly. Source: ``src/caveats/values/instant.ts`` and RFC 3339 section 5.6."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

_DAY = 86_400
# 0000-01-01T00:00:00Z and 10000-01-01T00:00:00Z: outside them an instant has no RFC 3339 text in UTC.
_FIRST_SECOND = -62_167_219_200
_END_SECOND = 253_402_300_800
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TEXT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, order=True)
class Instant:
    """A point in time. Each instant has one representation."""

    seconds: int
    """Whole seconds since 1970-01-01T00:00:00Z, rounded down; leap seconds are not counted."""
    fraction: str
    """Digits after the decimal point of the second, without trailing zeros; empty for none."""

    @property
    def text(self) -> str:
        """RFC 3339 in UTC, with only the digits of a second that matter."""
        days, of_day = divmod(self.seconds, _DAY)
        year, month, day = _date_of(days)
        hour, minute, second = of_day // 3600, of_day // 60 % 60, of_day % 60
        point = f".{self.fraction}" if self.fraction else ""
        return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{point}Z"

    def to_datetime(self) -> datetime:
        """The last whole microsecond that is not after the instant, in UTC; the year 0 becomes the year 1."""
        microseconds = int(self.fraction[:6].ljust(6, "0"))
        earliest = datetime.min.replace(tzinfo=timezone.utc)
        if self.seconds < (earliest - _EPOCH).total_seconds():
            return earliest
        return _EPOCH + timedelta(seconds=self.seconds, microseconds=microseconds)


def parse_instant(text: str) -> Instant | None:
    """Reads an RFC 3339 date-time; None for any other text, for second 60 and for years outside 0000-9999 in UTC."""
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    if not (1 <= month <= 12 and 1 <= day <= _days_in(year, month) and hour < 24 and minute < 60 and second < 60):
        return None
    sign, hours, minutes = match.group(8), int(match.group(9) or 0), int(match.group(10) or 0)
    if hours > 23 or minutes > 59:
        return None
    offset = (hours * 3600 + minutes * 60) * (-1 if sign == "-" else 1)
    seconds = _days_before(year, month, day) * _DAY + hour * 3600 + minute * 60 + second - offset
    if not _FIRST_SECOND <= seconds < _END_SECOND:
        return None
    return Instant(seconds, (match.group(7) or "").rstrip("0"))


def instant_of(moment: datetime) -> Instant:
    """The instant of a datetime that has a time zone."""
    since = moment - _EPOCH
    return Instant(since.days * _DAY + since.seconds, f"{since.microseconds:06}".rstrip("0"))


def _days_in(year: int, month: int) -> int:
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and is_leap else _DAYS[month - 1]


# Python's own dates begin with the year 1. Both directions count in 400-year eras of years that begin in March, so
# that a leap day ends its year.


def _days_before(year: int, month: int, day: int) -> int:
    shifted = year if month > 2 else year - 1
    era, year_of_era = divmod(shifted, 400)
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def _date_of(days: int) -> tuple[int, int, int]:
    era, day_of_era = divmod(days + 719_468, 146_097)
    leapless = day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096
    year_of_era = leapless // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted_month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted_month + 2) // 5 + 1
    month = shifted_month + 3 if shifted_month < 10 else shifted_month - 9
    return year_of_era + era * 400 + (1 if month <= 2 else 0), month, day
