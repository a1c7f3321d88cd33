const rad = Math.PI / 180;
const deg = 180 / Math.PI;
const sinDeg = (x: number): number => Math.sin(x * rad);
const cosDeg = (x: number): number => Math.cos(x * rad);
const wrap360 = (x: number): number => ((x % 360) + 360) % 360;

export interface SolarPosition {
  /** Angle from the vertical, without refraction, degrees. */
  readonly zenithDeg: number;
  /** The same with atmospheric refraction (Saemundsson 1986, at 1010 mbar and 10 °C). */
  readonly apparentZenithDeg: number;
  /** Clockwise from north, degrees. */
  readonly azimuthDeg: number;
  readonly equationOfTimeMin: number;
  /** Extraterrestrial normal irradiance, solar constant 1361 W/m² over the squared distance. */
  readonly extraterrestrialNormalWm2: number;
}

/**
 * Sun position for an instant (epoch ms, UTC) and a place: mean longitude and anomaly, equation of centre, nutation and aberration to first order
 * (Meeus, Astronomical Algorithms 1998, ch. 25, "low accuracy", about 0.01°, 1950–2050). Not finite input gives NaN.
 */
export function solarPosition(timeMs: number, latitudeDeg: number, longitudeDeg: number): SolarPosition {
  const julianDay = timeMs / 86_400_000 + 2_440_587.5;
  // Dynamical time runs about a minute ahead of UTC; the sun moves 0.0007° in it.
  const t = (julianDay + 65 / 86_400 - 2_451_545) / 36_525;
  const meanLongitude = wrap360(280.46646 + t * (36_000.76983 + 0.0003032 * t));
  const anomaly = 357.52911 + t * (35_999.05029 - 0.0001537 * t);
  const eccentricity = 0.016708634 - t * (0.000042037 + 0.0000001267 * t);
  const centre =
    (1.914602 - t * (0.004817 + 0.000014 * t)) * sinDeg(anomaly) +
    (0.019993 - 0.000101 * t) * sinDeg(2 * anomaly) +
    0.000289 * sinDeg(3 * anomaly);
  const node = 125.04 - 1934.136 * t;
  const apparentLongitude = meanLongitude + centre - 0.00569 - 0.00478 * sinDeg(node);
  const obliquity = 23 + (26 + (21.448 - t * (46.815 + t * (0.00059 - 0.001813 * t))) / 60) / 60 + 0.00256 * cosDeg(node);
  const rightAscension = wrap360(Math.atan2(cosDeg(obliquity) * sinDeg(apparentLongitude), cosDeg(apparentLongitude)) * deg);
  const declination = Math.asin(sinDeg(obliquity) * sinDeg(apparentLongitude)) * deg;
  const distanceAu = (1.000001018 * (1 - eccentricity ** 2)) / (1 + eccentricity * cosDeg(anomaly + centre));
  const universal = (julianDay - 2_451_545) / 36_525;
  const sidereal = wrap360(
    280.46061837 + 360.98564736629 * (julianDay - 2_451_545) + 0.000387933 * universal ** 2 - 0.00478 * sinDeg(node) * cosDeg(obliquity),
  );
  const hourAngle = wrap360(sidereal + longitudeDeg - rightAscension);
  const sinElevation = sinDeg(latitudeDeg) * sinDeg(declination) + cosDeg(latitudeDeg) * cosDeg(declination) * cosDeg(hourAngle);
  const elevation =
    Math.asin(Math.max(-1, Math.min(1, sinElevation))) * deg - (8.794 / 3600) * Math.sqrt(Math.max(0, 1 - sinElevation ** 2));
  const azimuth = wrap360(
    180 + Math.atan2(sinDeg(hourAngle), cosDeg(hourAngle) * sinDeg(latitudeDeg) - Math.tan(declination * rad) * cosDeg(latitudeDeg)) * deg,
  );
  const refraction = elevation < -0.8333 ? 0 : 1.02 / (60 * Math.tan((elevation + 10.3 / (elevation + 5.11)) * rad));
  let equationOfTime = meanLongitude - 0.0057183 - rightAscension - 0.00478 * sinDeg(node) * cosDeg(obliquity);
  equationOfTime = ((((equationOfTime + 180) % 360) + 360) % 360) - 180;
  return {
    zenithDeg: 90 - elevation,
    apparentZenithDeg: 90 - elevation - refraction,
    azimuthDeg: azimuth,
    equationOfTimeMin: 4 * equationOfTime,
    extraterrestrialNormalWm2: 1361 / distanceAu ** 2,
  };
}

/** cos of the angle between the sun and a surface's outward normal: cos z cos β + sin z sin β cos(γs − γ); below 0 the sun is behind it. */
export const cosIncidence = (sun: Pick<SolarPosition, "zenithDeg" | "azimuthDeg">, tiltDeg: number, azimuthDeg: number): number =>
  cosDeg(sun.zenithDeg) * cosDeg(tiltDeg) + sinDeg(sun.zenithDeg) * sinDeg(tiltDeg) * cosDeg(sun.azimuthDeg - azimuthDeg);
