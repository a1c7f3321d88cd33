"""Adaptive comfort of pythermalcomfort: python adaptiveComfort.py > ../adaptiveComfort.json (needs pythermalcomfort)."""

import json
import sys
from importlib.metadata import version

from pythermalcomfort.models import adaptive_ashrae, adaptive_en
from pythermalcomfort.utilities import running_mean_outdoor_temperature


def number(value):
    value = float(value)
    return None if value != value else round(value, 6)


def en(t):
    r = adaptive_en(tdb=25, tr=25, t_running_mean=t, v=0.1)
    bands = {c: [number(getattr(r, f"tmp_cmf_cat_{c.lower()}_low")), number(getattr(r, f"tmp_cmf_cat_{c.lower()}_up"))] for c in ("I", "II", "III")}
    return {"runningMeanC": t, "comfortC": number(r.tmp_cmf), "bands": bands}


def ashrae(t):
    r = adaptive_ashrae(tdb=25, tr=25, t_running_mean=t, v=0.1)
    bands = {p: [number(getattr(r, f"tmp_cmf_{p}_low")), number(getattr(r, f"tmp_cmf_{p}_up"))] for p in ("80", "90")}
    return {"runningMeanC": t, "comfortC": number(r.tmp_cmf), "bands": bands}


DAYS = [[20, 19, 21, 17, 15, 14, 18], [12.5, 31.0], [8.1, 9.4, 7.3, 10.9, 6.6]]

json.dump(
    {
        "library": f"pythermalcomfort {version('pythermalcomfort')}",
        "en16798": [en(t) for t in (9.0, 10.0, 12.5, 18.3, 24.0, 30.0, 31.0)],
        "ashrae55": [ashrae(t) for t in (9.0, 10.0, 12.5, 18.3, 24.0, 33.5, 34.0)],
        "runningMeans": [{"daysC": d, "meanC": number(running_mean_outdoor_temperature(d, alpha=0.8))} for d in DAYS],
    },
    sys.stdout,
    indent=1,
)
