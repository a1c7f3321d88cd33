"""Makes ../boptestKpis.json: key figures that BOPTEST's own calculator gives for a made-up run of two zones.

Usage: python boptestKpis.py CHECKOUT_OF_PROJECT1_BOPTEST  (needs numpy >= 2 and pandas < 3; nothing of the checkout is copied)
"""
import json
import math
import os
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
from kpis.kpi_calculator import KPI_Calculator  # noqa: E402

STEP_S = 300
TIMES = np.arange(0, 3 * 3600 + 1, STEP_S, dtype=float)
AREA_M2 = 120.0
N = len(TIMES)


def plateau(low, high, first, last):
    """Straight lines between samples, level from `first` to `last`, so that a 15-minute mean of samples is that of the curve."""
    return [high if first <= k <= last else low * (1 + 0.3 * math.sin(k / 5)) for k in range(N)]


SAMPLES = {
    "TNor_y": [292.65 + 2.5 * math.sin(k / 6) for k in range(N)],
    "TSou_y": [295.15 + 3.0 * math.cos(k / 9) for k in range(N)],
    "CNor_y": [700 + 400 * math.sin(k / 8) for k in range(N)],
    "CSou_y": [500 + 20 * k for k in range(N)],
    "PCom_y": plateau(1500, 4200, 11, 22),
    "PFan_y": plateau(200, 350, 11, 22),
    "PBoi_y": plateau(3000, 9000, 20, 31),
    "PDis_y": plateau(1000, 2500, 2, 13),
}
# What is computed is what the file holds.
SAMPLES = {name: [round(v, 6) for v in values] for name, values in SAMPLES.items()}
CONSTANTS = {
    "LowerSetp[nor]": 294.15,
    "UpperSetp[nor]": 297.15,
    "LowerSetp[sou]": 294.15,
    "UpperSetp[sou]": 297.15,
    "UpperCO2[nor]": 894.0,
    "UpperCO2[sou]": 894.0,
    "PriceElectricPowerConstant": 0.25,
    "PriceGasPower": 0.07,
    "PriceDistrictHeatingPower": 0.07,
    "EmissionsElectricPower": 0.167,
    "EmissionsGasPower": 0.2,
    "EmissionsDistrictHeatingPower": 0.2,
}


class Data:
    def get_data(self, variables, index=None):
        return {name: [CONSTANTS[name]] * len(index) for name in variables}


class Case:
    kpi_json = {
        "AirZoneTemperature[nor]": ["TNor_y"],
        "OperativeZoneTemperature[sou]": ["TSou_y"],
        "CO2Concentration[nor]": ["CNor_y"],
        "CO2Concentration[sou]": ["CSou_y"],
        "ElectricPower": ["PCom_y", "PFan_y"],
        "GasPower": ["PBoi_y"],
        "DistrictHeatingPower": ["PDis_y"],
    }
    data_manager = Data()
    initial_time = 0
    y_store = {"time": TIMES, **{name: np.array(values) for name, values in SAMPLES.items()}}
    elapsed = np.array([0.9, 1.8, 0.45, 2.7]) / 900

    def _get_area(self):
        return AREA_M2

    def _get_elapsed_control_time_ratio(self):
        return self.elapsed


kpis = KPI_Calculator(Case()).get_core_kpis()
out = {
    "source": "kpis/kpi_calculator.py of ibpsa/project1-boptest at 0f8a467c, run by scripts/boptestKpis.py",
    "floorAreaM2": AREA_M2,
    "stepS": STEP_S,
    "decisionMs": [900, 1800, 450, 2700],
    "controlStepS": 900,
    "constants": CONSTANTS,
    "samples": SAMPLES,
    "kpis": {name: None if value is None else float(value) for name, value in kpis.items()},
}
with open(os.path.join(os.path.dirname(__file__), "..", "boptestKpis.json"), "w") as file:
    json.dump(out, file, indent=1)
    file.write("\n")
