import { Matrix, solve } from "ml-matrix";
import { IsothermError } from "#domain/errors";
import type { BuildingDescription, Construction, EmbeddedPipes, SurfaceRole } from "#simulators/rc/description";

/** ρ c_p of air at 20 °C and sea level, J/(m³ K). */
export const airHeatCapacityJm3K = 1.204 * 1006;
/** Inside surface resistance inside a window's rated U-value, m²K/W (ISO 6946). */
const ratedInsideResistance = 0.13;
/** Cell size of a layer: heat travels √(α τ) in τ. */
const cellTimeS = 1800;
/** ρ c_p of water at 30 °C, J/(m³ K). */
const waterHeatCapacityJm3K = 995.7 * 4180;

/**
 * C dT/dt = −G T + B u + Σ_z e_z Q_z: nodes with heat capacity first, then massless ones (C = 0: their balance holds at once).
 * Inputs u: temperatures in °C at the boundary, heat sources in W. `conductance` holds the boundary conductances on its diagonal.
 */
export interface ThermalNetwork {
  readonly labels: readonly string[];
  /** J/K; 0 for massless nodes. */
  readonly capacitiesJK: Float64Array;
  /** Nodes 0 … capacityCount−1 have heat capacity. */
  readonly capacityCount: number;
  readonly conductanceWK: Matrix;
  /** nodes × inputs. */
  readonly inputMatrix: Matrix;
  readonly inputs: NetworkInputs;
  /** Node of each zone's air. */
  readonly airNodes: readonly number[];
  /** Outdoor air per zone, W/K: always, and at full ventilation. */
  readonly infiltrationWK: readonly number[];
  readonly ventilationWK: readonly number[];
  /** Columns that are temperatures, with W/K of each node: what flows in is Σ g (u − T). */
  readonly boundaryLinks: readonly { readonly node: number; readonly input: number; readonly conductanceWK: number }[];
  /** Planes with heating pipes; each node carries the water's heat capacity. */
  readonly pipePlanes: readonly PipePlane[];
}

export interface PipePlane {
  readonly zone: number;
  readonly node: number;
  readonly areaM2: number;
  readonly pipes: EmbeddedPipes;
}

export interface NetworkInputs {
  readonly count: number;
  readonly outdoorAirC: number;
  readonly groundC: number;
  /** Sol-air temperature by outdoor surface id. */
  readonly solAirC: ReadonlyMap<string, number>;
  /** By zone index: sun through windows, radiant gains, convective gains, W. */
  readonly solarW: readonly number[];
  readonly radiantW: readonly number[];
  readonly convectiveW: readonly number[];
}

interface Cell {
  readonly capacityJm2K: number;
  /** To the cell before it (towards the outside), between centres, m²K/W. */
  readonly resistanceBefore: number;
  readonly pipes?: EmbeddedPipes;
}
/** Water in the pipes below one m² of floor. */
const waterCapacityJm2K = ({ spacingM, outerDiameterM, wallThicknessM }: EmbeddedPipes): number =>
  ((Math.PI / 4) * (outerDiameterM - 2 * wallThicknessM) ** 2 * waterHeatCapacityJm3K) / spacingM;

/** Splits layers into cells of about √(α τ): each holds its capacity at its centre. */
function cellsOf(construction: Construction): { cells: Cell[]; resistanceAfter: number } {
  const cells: Cell[] = [];
  let pending = 0;
  for (const layer of construction.layers) {
    if ("resistanceM2KW" in layer) {
      pending += layer.resistanceM2KW;
      continue;
    }
    if ("pipes" in layer) {
      cells.push({ capacityJm2K: waterCapacityJm2K(layer.pipes), resistanceBefore: pending, pipes: layer.pipes });
      pending = 0;
      continue;
    }
    const { conductivityWmK: k, densityKgm3: rho, specificHeatJkgK: c } = layer.material;
    const count = Math.max(1, Math.ceil(layer.thicknessM / Math.sqrt((k / (rho * c)) * cellTimeS)));
    const thickness = layer.thicknessM / count;
    for (let i = 0; i < count; i++) {
      cells.push({ capacityJm2K: thickness * rho * c, resistanceBefore: pending + thickness / 2 / k });
      pending = thickness / 2 / k;
    }
  }
  return { cells, resistanceAfter: pending };
}

/** U-value between air and air with the building's films, W/m²K: for documentation and tests. */
export function surfaceToSurfaceResistance(construction: Construction): number {
  return construction.layers.reduce(
    (sum, layer) =>
      sum + ("resistanceM2KW" in layer ? layer.resistanceM2KW : "pipes" in layer ? 0 : layer.thicknessM / layer.material.conductivityWmK),
    0,
  );
}

/**
 * Assembles the network of a building: per zone one air node, one radiant star node (mean radiant temperature) and one massless node per inside surface,
 * tied to air by convection and to the star by radiation; each layer as cells in series; windows as a resistance; heating pipes as a plane of their own in a floor.
 * A surface towards an unknown zone gets an `IsothermError`, and so do pipes that do not lie between two layers.
 */
export function buildNetwork(building: BuildingDescription): ThermalNetwork {
  const zoneIndex = new Map(building.zones.map((zone, i) => [zone.id, i]));
  const zoneOf = (id: string, surface: string): number => {
    const index = zoneIndex.get(id);
    if (index === undefined) throw new IsothermError("permanent", `${building.id}: surface ${surface} names the unknown zone "${id}"`);
    return index;
  };
  const nodes: { label: string; capacityJK: number }[] = [];
  const links: { a: number; b: number; g: number }[] = [];
  const boundary: { node: number; input: number; conductanceWK: number }[] = [];
  const sources: { node: number; input: number; share: number }[] = [];
  const add = (label: string, capacityJK: number): number => nodes.push({ label, capacityJK }) - 1;
  let inputCount = 0;
  const input = (): number => inputCount++;
  const outdoorAirC = input();
  const groundC = input();
  const solarW = building.zones.map(input);
  const radiantW = building.zones.map(input);
  const convectiveW = building.zones.map(input);
  const solAirC = new Map<string, number>();

  const air = building.zones.map((zone) => add(`${zone.id} air`, zone.volumeM3 * airHeatCapacityJm3K));
  const star = building.zones.map((zone) => add(`${zone.id} radiant`, 0));
  const inside: { node: number; zone: number; role: SurfaceRole; areaM2: number; opaque: boolean }[] = [];
  const { insideConvectiveWm2K, insideRadiativeWm2K, outsideWm2K } = building.films;
  const addInside = (label: string, zone: number, role: SurfaceRole, areaM2: number, opaque: boolean): number => {
    const node = add(label, 0);
    links.push({ a: node, b: air[zone]!, g: insideConvectiveWm2K[role] * areaM2 });
    links.push({ a: node, b: star[zone]!, g: insideRadiativeWm2K * areaM2 });
    inside.push({ node, zone, role, areaM2, opaque });
    return node;
  };
  /** A chain of cells from `outer` (null: insulated) to an inside surface node. */
  const pipePlanes: { zone: number; node: number; areaM2: number; pipes: EmbeddedPipes }[] = [];
  const addChain = (
    label: string,
    zone: number,
    construction: Construction,
    areaM2: number,
    outer: ((node: number, resistance: number) => void) | null,
    innerNode: number,
  ): void => {
    const { cells, resistanceAfter } = cellsOf(construction);
    if ((cells[0]?.pipes !== undefined && cells[0].resistanceBefore === 0) || (resistanceAfter === 0 && cells.at(-1)?.pipes !== undefined))
      throw new IsothermError("permanent", `${building.id}: the pipes in ${label} should lie between two layers`);
    let previous: number | null = null;
    let resistance = 0;
    cells.forEach((cell, i) => {
      const node = add(`${label} cell ${i + 1}`, cell.capacityJm2K * areaM2);
      if (cell.pipes !== undefined) pipePlanes.push({ zone, node, areaM2, pipes: cell.pipes });
      if (previous !== null) links.push({ a: previous, b: node, g: areaM2 / cell.resistanceBefore });
      else outer?.(node, cell.resistanceBefore);
      previous = node;
      resistance = resistanceAfter;
    });
    if (previous === null) outer?.(innerNode, resistanceAfter);
    else links.push({ a: previous, b: innerNode, g: areaM2 / resistance });
  };

  for (const surface of building.surfaces) {
    const zone = zoneOf(surface.zone, surface.id);
    const innerNode = addInside(`${surface.id} inside`, zone, surface.role, surface.areaM2, true);
    const { boundary: side, areaM2 } = surface;
    let outer: ((node: number, resistance: number) => void) | null = null;
    if (side.kind === "outdoor") {
      const solAir = input();
      solAirC.set(surface.id, solAir);
      outer = (node, r) => boundary.push({ node, input: solAir, conductanceWK: areaM2 / (r + 1 / outsideWm2K) });
    } else if (side.kind === "ground") outer = (node, r) => boundary.push({ node, input: groundC, conductanceWK: areaM2 / r });
    else if (side.kind === "zone") {
      const other = zoneOf(side.zone, surface.id);
      const role = surface.role === "floor" ? "ceiling" : surface.role === "ceiling" ? "floor" : "wall";
      const otherNode = addInside(`${surface.id} far side`, other, role, areaM2, true);
      outer = (node, r) => links.push({ a: node, b: otherNode, g: areaM2 / r });
    }
    addChain(surface.id, zone, surface.construction, areaM2, outer, innerNode);
  }
  building.zones.forEach((zone, z) => {
    if (zone.internalMass === null) return;
    const node = addInside(`${zone.id} mass surface`, z, "wall", zone.internalMass.areaM2, true);
    addChain(`${zone.id} mass`, z, zone.internalMass.construction, zone.internalMass.areaM2, null, node);
  });
  for (const window of building.windows) {
    const node = addInside(`${window.id} inside`, zoneOf(window.zone, window.id), "wall", window.areaM2, false);
    boundary.push({ node, input: outdoorAirC, conductanceWK: window.areaM2 / (1 / window.uWm2K - ratedInsideResistance) });
  }
  building.zones.forEach((_, z) => {
    const own = inside.filter((surface) => surface.zone === z);
    const opaque = own.filter((surface) => surface.opaque);
    const floors = opaque.filter((surface) => surface.role === "floor");
    const others = opaque.filter((surface) => surface.role !== "floor");
    const toFloor = floors.length === 0 ? 0 : others.length === 0 ? 1 : building.solarToFloorFraction;
    spread(floors, toFloor, solarW[z]!);
    spread(others, 1 - toFloor, solarW[z]!);
    spread(own, 1, radiantW[z]!);
    sources.push({ node: air[z]!, input: convectiveW[z]!, share: 1 });
  });
  function spread(surfaces: readonly { node: number; areaM2: number }[], total: number, at: number): void {
    const area = surfaces.reduce((sum, surface) => sum + surface.areaM2, 0);
    for (const surface of surfaces) sources.push({ node: surface.node, input: at, share: (total * surface.areaM2) / area });
  }

  // Nodes with capacity first: only they carry state from step to step.
  const order = [...nodes.keys()].sort((a, b) => Number(nodes[b]!.capacityJK > 0) - Number(nodes[a]!.capacityJK > 0) || a - b);
  const place = new Int32Array(nodes.length);
  order.forEach((node, i) => {
    place[node] = i;
  });
  const conductanceWK = Matrix.zeros(nodes.length, nodes.length);
  const bump = (i: number, j: number, g: number): void => {
    conductanceWK.set(i, j, conductanceWK.get(i, j) + g);
  };
  for (const { a, b, g } of links) {
    const [i, j] = [place[a]!, place[b]!];
    bump(i, i, g);
    bump(j, j, g);
    bump(i, j, -g);
    bump(j, i, -g);
  }
  const inputMatrix = Matrix.zeros(nodes.length, inputCount);
  const boundaryLinks = boundary.map((link) => ({ ...link, node: place[link.node]! }));
  for (const { node, input: at, conductanceWK: g } of boundaryLinks) {
    bump(node, node, g);
    inputMatrix.set(node, at, inputMatrix.get(node, at) + g);
  }
  for (const { node, input: at, share } of sources) inputMatrix.set(place[node]!, at, inputMatrix.get(place[node]!, at) + share);
  return {
    labels: order.map((node) => nodes[node]!.label),
    capacitiesJK: Float64Array.from(order, (node) => nodes[node]!.capacityJK),
    capacityCount: nodes.filter((node) => node.capacityJK > 0).length,
    conductanceWK,
    inputMatrix,
    inputs: { count: inputCount, outdoorAirC, groundC, solAirC, solarW, radiantW, convectiveW },
    airNodes: air.map((node) => place[node]!),
    infiltrationWK: building.zones.map((zone) => (zone.infiltrationAirChangesPerHour * zone.volumeM3 * airHeatCapacityJm3K) / 3600),
    ventilationWK: building.zones.map((zone) => zone.ventilationM3s * airHeatCapacityJm3K),
    boundaryLinks,
    pipePlanes: pipePlanes.map((plane) => ({ ...plane, node: place[plane.node]! })),
  };
}

/** Conductances and inputs with outdoor air at a share of full ventilation: air exchange joins each zone's air to outdoor air. */
export function withAirExchange(network: ThermalNetwork, ventilationFraction: number): { conductanceWK: Matrix; inputMatrix: Matrix } {
  const conductanceWK = network.conductanceWK.clone();
  const inputMatrix = network.inputMatrix.clone();
  network.airNodes.forEach((node, z) => {
    const g = airExchangeWK(network, z, ventilationFraction);
    conductanceWK.set(node, node, conductanceWK.get(node, node) + g);
    inputMatrix.set(node, network.inputs.outdoorAirC, inputMatrix.get(node, network.inputs.outdoorAirC) + g);
  });
  return { conductanceWK, inputMatrix };
}
export const airExchangeWK = (network: ThermalNetwork, zone: number, ventilationFraction: number): number =>
  network.infiltrationWK[zone]! + ventilationFraction * network.ventilationWK[zone]!;

/** Temperatures that no longer change: G T = B u + Σ_z e_z Q_z, °C by node. */
export function steadyState(
  network: ThermalNetwork,
  ventilationFraction: number,
  u: Float64Array,
  zoneHeatW: readonly number[],
): Float64Array {
  const { conductanceWK, inputMatrix } = withAirExchange(network, ventilationFraction);
  const right = inputMatrix.mmul(Matrix.columnVector(u));
  network.airNodes.forEach((node, z) => {
    right.set(node, 0, right.get(node, 0) + (zoneHeatW[z] ?? 0));
  });
  return Float64Array.from(solve(conductanceWK, right).getColumn(0));
}
