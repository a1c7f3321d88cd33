import type { CycleParts } from "#loop/cycleParts";
import type { ZoneAssessment } from "#loop/dataQuality";
import type { ZoneQuality } from "#loop/safetyEnvelope";

const whatIsWrong: Readonly<Record<NonNullable<ZoneAssessment["problem"]>, string>> = {
  missing: "has no fresh temperature",
  "out-of-range": "reports an impossible temperature",
  jump: "reports a temperature that jumped",
};

const whatThen: Readonly<Record<ZoneQuality, string>> = {
  good: "its temperature counts again",
  hold: "it keeps its setpoints",
  lost: "it follows the bounded schedule",
  away: "the building's own control has it",
};

/** Every step that a zone without a usable temperature takes down is an alarm: a warning while it holds, critical from then on, and another one when it is given back. */
export async function unmeasuredAlarms(
  { alarms }: Pick<CycleParts, "alarms">,
  zone: string,
  { problem, quality, badIntervals }: ZoneAssessment,
  nowMs: number,
): Promise<void> {
  const what = problem === null ? "is measured again" : whatIsWrong[problem];
  await alarms.set(
    problem !== null,
    {
      id: `sensor:${zone}`,
      level: quality === "hold" ? "warning" : "critical",
      zone,
      text: `Zone ${zone} ${what} (${badIntervals} interval${badIntervals === 1 ? "" : "s"}); ${whatThen[quality]}.`,
      action: "Check the sensor, its unit and its connection.",
    },
    nowMs,
  );
  await alarms.set(
    quality === "away",
    {
      id: `zone-given-back:${zone}`,
      level: "critical",
      zone,
      text: `Zone ${zone} ${what} for ${badIntervals} intervals: isotherm has given it back to the building's own control.`,
      action: "Check the sensor. isotherm commands the zone again with its first usable temperature, or where a person overrides it.",
    },
    nowMs,
  );
}

/** Gives zones back that nothing is known of. Where that cannot be sent the devices' last setpoints expire, and the next interval tries again. */
export async function withdrawFrom(
  { supervisor, onError }: CycleParts,
  quality: ReadonlyMap<string, ZoneQuality>,
  nowMs: number,
): Promise<void> {
  const away = [...quality].filter(([, one]) => one === "away").map(([zone]) => zone);
  try {
    await supervisor.withdraw(away, nowMs);
  } catch (error) {
    onError(error);
  }
}
