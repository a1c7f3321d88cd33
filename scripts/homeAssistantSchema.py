"""Checks components of MQTT discovery with Home Assistant's own schemas.

Standard input: a JSON list of [platform, payload]. Standard output: a JSON list of error texts, null where the schema accepts. Needs what
homeAssistantRequirements.txt names (2024.3.3 is the newest for Python 3.11). That version has no device-based discovery yet: what a device's message says
once for all its components has to be written into each payload before.
"""

import importlib
import json
import sys

import voluptuous


def check(platform: str, payload: dict) -> str | None:
    module = importlib.import_module(f"homeassistant.components.mqtt.{platform}")
    try:
        module.DISCOVERY_SCHEMA(payload)
    except voluptuous.Invalid as error:
        return str(error)
    return None


json.dump([check(platform, payload) for platform, payload in json.load(sys.stdin)], sys.stdout)
