#!/usr/bin/env python3
"""Writes the schedules of the coming days from the weekly timetable.

A timetable says which clinics a week has (the first column: 一 to 日, or 每天); a schedules file says which clinics
each date has, and is what the console imports. The same timetable and date always give the same file, so that
importing it again changes nothing.
"""

import argparse
import csv
import datetime
import io
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))
WEEKDAY_COLUMN = "星期"
DATE_COLUMN = "日期"
WEEKDAYS = "一二三四五六日"
EVERY_DAY = "每天"
DAYS = 14
DAYS_MAX = 90


class TimetableError(Exception):
    """The timetable has a line that names no weekday."""


def weekdays(text, line):
    """The weekdays a timetable line is for, Monday being 0."""
    names = WEEKDAYS if text == EVERY_DAY else text
    if not names or any(name not in WEEKDAYS for name in names) or len(set(names)) != len(names):
        raise TimetableError(f"timetable line {line}: {text!r} is neither {EVERY_DAY} nor some of {WEEKDAYS}")
    return {WEEKDAYS.index(name) for name in names}


def read_timetable(path):
    """The columns of a schedules file and the timetable's lines as (weekdays, fields)."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        columns = [column for column in reader.fieldnames or [] if column != WEEKDAY_COLUMN]
        lines = [(weekdays(row[WEEKDAY_COLUMN], reader.line_num), [row[column] for column in columns]) for row in reader]
    return columns, lines


def schedules(columns, lines, first_day, days):
    """The schedules file as text, in the order of its dates."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([DATE_COLUMN, *columns])
    for offset in range(days):
        day = first_day + datetime.timedelta(days=offset)
        writer.writerows([day.isoformat(), *fields] for wanted, fields in lines if day.weekday() in wanted)
    return out.getvalue()


def day_count(text):
    days = int(text)
    if not 1 <= days <= DAYS_MAX:
        raise argparse.ArgumentTypeError(f"1 to {DAYS_MAX} days")
    return days


def main():
    today = datetime.datetime.now(SHANGHAI).date()
    parser = argparse.ArgumentParser(description="Writes the schedules of the coming days from the weekly timetable.")
    parser.add_argument("--from", dest="first_day", type=datetime.date.fromisoformat, default=today,
                        help="first day, YYYY-MM-DD (default: today in Shanghai)")
    parser.add_argument("--days", type=day_count, default=DAYS, help=f"number of days (default: {DAYS})")
    parser.add_argument("--timetable", type=pathlib.Path, default=HERE / "timetable.csv")
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "schedules.csv", help="- writes to standard output")
    options = parser.parse_args()
    try:
        text = schedules(*read_timetable(options.timetable), options.first_day, options.days)
    except TimetableError as error:
        sys.exit(str(error))
    if str(options.out) == "-":
        sys.stdout.write(text)
    else:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
