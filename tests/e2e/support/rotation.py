"""Session settings that must not matter to what is stored or read, rotating from scenario to scenario.

Each scenario's databases get one value of each, drawn from the scenario's name, so that a failure comes again; the
environment's SETTINGS_SEED draws others. What reads the outcome for a comparison (`FIXED`) reads it in one style.
"""

import os
import random

CHOICES = {
    "DateStyle": ["ISO, MDY", "SQL, DMY", "SQL, MDY", "Postgres, DMY", "German, DMY", "ISO, YMD"],
    "IntervalStyle": ["postgres", "postgres_verbose", "sql_standard", "iso_8601"],
    "TimeZone": ["UTC", "Asia/Kolkata", "America/New_York", "Pacific/Kiritimati", "<+0130>-01:30"],
    "extra_float_digits": ["1", "0", "-15", "3"],
    "bytea_output": ["hex", "escape"],
    "xmloption": ["content", "document"],
    "standard_conforming_strings": ["on", "off"],
    # Where an unqualified name is looked for: the server's own schema first, last, or beside one that is not there.
    "search_path": ['"$user", public', "public, pg_catalog", '"not there", public, pg_catalog'],
}

FIXED = {
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmloption": "content",
    "standard_conforming_strings": "on",
    "search_path": '"$user", public',
}


def drawn(name):
    """The settings of a scenario."""
    generator = random.Random(f"{os.environ.get('SETTINGS_SEED', '')}:{name}")
    return {setting: generator.choice(choices) for setting, choices in CHOICES.items()}


def value(setting, text):
    """A value as SET takes it: a search path is a list of names."""
    return text if setting == "search_path" else "'" + text.replace("'", "''") + "'"


def commands(prefix, settings):
    """`SET …` or `ALTER DATABASE … SET …`, one statement per setting."""
    return "".join(f"{prefix} {setting} = {value(setting, text)};\n" for setting, text in settings.items())


def described(settings):
    return ", ".join(f"{setting}={text}" for setting, text in settings.items())
