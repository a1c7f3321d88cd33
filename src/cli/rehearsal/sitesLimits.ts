/** What `bench sites` measured that has a limit. NaN: it was not measured. */
export interface SitesFigures {
  /** How late the control ticks of all buildings were, in real seconds, at the 99th percentile. */
  readonly tickLatenessP99S: number;
  /** Resident memory of the daemon's processes at its most, per building. */
  readonly memoryPerBuildingMb: number;
  /** Ticks that were counted while measuring, all buildings together. */
  readonly ticks: number;
  /** All buildings were controlled to the end. */
  readonly healthy: boolean;
}

/** A tick may be so late at the 99th percentile: a third of a percent of a control interval of 15 minutes. */
export const TICK_LATENESS_P99_LIMIT_S = 5;
/** A building needs less than this. */
export const MEMORY_PER_BUILDING_LIMIT_MB = 60;

const shown = (value: number, digits: number, unit: string): string =>
  Number.isFinite(value) ? `${value.toFixed(digits)} ${unit}` : "not measured";

/** Each limit that is missed, in words; none: all are kept. A figure that was not measured keeps no limit. */
export const missedLimits = ({ tickLatenessP99S, memoryPerBuildingMb, ticks, healthy }: SitesFigures): readonly string[] => [
  ...(ticks > 0 ? [] : ["No building ticked while it was measured: measure for longer than a control interval."]),
  ...(tickLatenessP99S <= TICK_LATENESS_P99_LIMIT_S
    ? []
    : [`Tick lateness at the 99th percentile: ${shown(tickLatenessP99S, 2, "s")}, at most ${TICK_LATENESS_P99_LIMIT_S} s wanted.`]),
  ...(memoryPerBuildingMb < MEMORY_PER_BUILDING_LIMIT_MB
    ? []
    : [`Memory per building: ${shown(memoryPerBuildingMb, 1, "MB")}, less than ${MEMORY_PER_BUILDING_LIMIT_MB} MB wanted.`]),
  ...(healthy ? [] : ["Not every building was controlled at the end."]),
];
