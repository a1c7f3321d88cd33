import { type Observation, type PointName, zonePoint } from "#domain/points";

/** What a controller is told wrongly: the first two zones' temperatures exchanged, or the first zone's as it was at first. */
export type SensorFault = "none" | "swapped-sensors" | "stuck-sensor";

/** The observation as a controller with that fault sees it; the truth is not changed. `atFirst`: the first observation under the fault. */
export const withSensorFault = (
  fault: SensorFault,
  zones: readonly string[],
  observation: Observation,
  atFirst: Observation,
): Observation => {
  const [first, second] = zones;
  if (fault === "none" || first === undefined) return observation;
  const values = new Map(observation.values);
  const tell = (zone: string, value: number | undefined): void => {
    const point: PointName = zonePoint(zone, "zoneAirTempC");
    if (value === undefined) values.delete(point);
    else values.set(point, value);
  };
  if (fault === "stuck-sensor") tell(first, atFirst.values.get(zonePoint(first, "zoneAirTempC")));
  else if (second !== undefined) {
    tell(first, observation.values.get(zonePoint(second, "zoneAirTempC")));
    tell(second, observation.values.get(zonePoint(first, "zoneAirTempC")));
  }
  return { ...observation, values };
};
