import { cosIncidence, type SolarPosition } from "#simulators/weather/sun";

export interface TiltedIrradiance {
  /** Beam on the surface, W/m². */
  readonly beamWm2: number;
  /** Sky diffuse, of which the circumsolar part comes from the sun's direction. */
  readonly skyDiffuseWm2: number;
  readonly groundReflectedWm2: number;
  /** cos of the beam's angle of incidence, ≥ 0. */
  readonly cosIncidence: number;
}

/** Perez et al. 1990, table 6 ("all sites composite"): rows by sky clearness ε, columns f11 f12 f13 f21 f22 f23. */
const clearnessEdges = [1.065, 1.23, 1.5, 1.95, 2.8, 4.5, 6.2];
const perez = [
  [-0.0083, 0.5877, -0.0621, -0.0596, 0.0721, -0.022],
  [0.1299, 0.6826, -0.1514, -0.0189, 0.066, -0.0289],
  [0.3297, 0.4869, -0.2211, 0.0554, -0.064, -0.0261],
  [0.5682, 0.1875, -0.2951, 0.1089, -0.1519, -0.014],
  [0.873, -0.392, -0.3616, 0.2256, -0.462, 0.0012],
  [1.1326, -1.2367, -0.4118, 0.2878, -0.823, 0.0559],
  [1.0602, -1.5999, -0.3589, 0.2642, -1.1272, 0.1311],
  [0.6777, -0.3273, -0.2504, 0.1561, -1.3765, 0.2506],
] as const;
const rad = Math.PI / 180;

/**
 * Irradiance on a tilted plane, anisotropic sky of Perez et al. (1990, Solar Energy 44(5), eq. 9):
 * D_t = D_h [(1 − F1)(1 + cos β)/2 + F1 a/b + F2 sin β], a = max(0, cos θ), b = max(cos 85°, cos z); ground: albedo · GHI · (1 − cos β)/2.
 * With the sun below the horizon the sky is isotropic and the beam 0. `globalHorizontalWm2` falls on the ground in front of the surface.
 */
export function tiltedIrradiance(
  sun: SolarPosition,
  sky: { readonly directNormalWm2: number; readonly diffuseHorizontalWm2: number; readonly globalHorizontalWm2: number },
  surface: { readonly tiltDeg: number; readonly azimuthDeg: number; readonly groundReflectance: number },
): TiltedIrradiance {
  const cosTilt = Math.cos(surface.tiltDeg * rad);
  const isotropic = (1 + cosTilt) / 2;
  const ground = (surface.groundReflectance * sky.globalHorizontalWm2 * (1 - cosTilt)) / 2;
  const cosZenith = Math.cos(sun.zenithDeg * rad);
  const diffuse = sky.diffuseHorizontalWm2;
  if (cosZenith <= 0) return { beamWm2: 0, skyDiffuseWm2: diffuse * isotropic, groundReflectedWm2: ground, cosIncidence: 0 };
  const cosTheta = Math.max(0, cosIncidence(sun, surface.tiltDeg, surface.azimuthDeg));
  const beam = sky.directNormalWm2 * cosTheta;
  if (diffuse <= 0) return { beamWm2: beam, skyDiffuseWm2: 0, groundReflectedWm2: ground, cosIncidence: cosTheta };
  const z = sun.zenithDeg * rad;
  const clearness = ((diffuse + sky.directNormalWm2) / diffuse + 1.041 * z ** 3) / (1 + 1.041 * z ** 3);
  let bin = clearnessEdges.findIndex((edge) => clearness < edge);
  if (bin < 0) bin = perez.length - 1;
  const airMass = 1 / (cosZenith + 0.50572 * (96.07995 - sun.zenithDeg) ** -1.6364);
  const brightness = (diffuse * airMass) / sun.extraterrestrialNormalWm2;
  const [f11, f12, f13, f21, f22, f23] = perez[bin]!;
  const f1 = Math.max(0, f11 + f12 * brightness + f13 * z);
  const f2 = f21 + f22 * brightness + f23 * z;
  const b = Math.max(Math.cos(85 * rad), cosZenith);
  const skyDiffuse = diffuse * ((1 - f1) * isotropic + (f1 * cosTheta) / b + f2 * Math.sin(surface.tiltDeg * rad));
  return { beamWm2: beam, skyDiffuseWm2: Math.max(0, skyDiffuse), groundReflectedWm2: ground, cosIncidence: cosTheta };
}
