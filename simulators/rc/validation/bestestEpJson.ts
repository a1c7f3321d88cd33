import type { Construction } from "#simulators/rc/description";
import {
  type BestestCase,
  boxConstructions,
  boxSizeM,
  glazing,
  groundC,
  groundReflectance,
  infiltrationAirChangesPerHour,
  internalGain,
  isFreeFloating,
  massOf,
  opaque,
  setpointsC,
  windowM,
} from "#simulators/rc/validation/bestestBox";

type Fields = Readonly<Record<string, unknown>>;
/** An EnergyPlus model: objects by class and name. */
export type EpJson = Readonly<Record<string, Readonly<Record<string, Fields>>>>;

/** The zone's name as EnergyPlus reports it. */
export const epJsonZone = "BOX";
const zone = { zone_name: epJsonZone } as const;
const zoneOrSpace = { zone_or_zonelist_or_space_or_spacelist_name: epJsonZone } as const;
const inlet = "BOX SUPPLY";
const return_ = "BOX RETURN";
const airNode = "BOX AIR";
const optics = {
  thermal_absorptance: opaque.emissivity,
  solar_absorptance: opaque.solarAbsorptance,
  visible_absorptance: opaque.solarAbsorptance,
} as const;

/** The box as an EnergyPlus model (epJSON, version 24.1 or later), for a year on a file's weather. */
export function bestestEpJson(name: BestestCase): EpJson {
  const parts = boxConstructions[massOf(name)];
  const materials: Record<string, Fields> = {};
  const massless: Record<string, Fields> = {};
  const constructions: Record<string, Fields> = {};
  for (const [part, { layers }] of Object.entries(parts)) constructions[part] = construction(part, layers, materials, massless);
  const pane = {
    optical_data_type: "SpectralAverage",
    thickness: glazing.paneThicknessM,
    solar_transmittance_at_normal_incidence: glazing.paneSolarTransmittance,
    front_side_solar_reflectance_at_normal_incidence: glazing.paneSolarReflectance,
    back_side_solar_reflectance_at_normal_incidence: glazing.paneSolarReflectance,
    visible_transmittance_at_normal_incidence: glazing.paneSolarTransmittance,
    front_side_visible_reflectance_at_normal_incidence: glazing.paneSolarReflectance,
    back_side_visible_reflectance_at_normal_incidence: glazing.paneSolarReflectance,
    infrared_transmittance_at_normal_incidence: 0,
    front_side_infrared_hemispherical_emissivity: glazing.paneEmissivity,
    back_side_infrared_hemispherical_emissivity: glazing.paneEmissivity,
    conductivity: glazing.paneConductivityWmK,
  };
  return {
    Version: { "Version 1": { version_identifier: "24.1" } },
    SimulationControl: {
      "SimulationControl 1": {
        do_zone_sizing_calculation: "No",
        do_system_sizing_calculation: "No",
        do_plant_sizing_calculation: "No",
        run_simulation_for_sizing_periods: "No",
        run_simulation_for_weather_file_run_periods: "Yes",
      },
    },
    Building: {
      [`BESTEST ${name}`]: {
        north_axis: 0,
        terrain: "Country",
        solar_distribution: "FullInteriorAndExterior",
        loads_convergence_tolerance_value: 0.001,
        temperature_convergence_tolerance_value: 0.005,
        maximum_number_of_warmup_days: 100,
        minimum_number_of_warmup_days: 6,
      },
    },
    Timestep: { "Timestep 1": { number_of_timesteps_per_hour: 4 } },
    HeatBalanceAlgorithm: { "HeatBalanceAlgorithm 1": { algorithm: "ConductionTransferFunction" } },
    "SurfaceConvectionAlgorithm:Inside": { Inside: { algorithm: "TARP" } },
    "SurfaceConvectionAlgorithm:Outside": { Outside: { algorithm: "DOE-2" } },
    RunPeriod: {
      Year: {
        begin_month: 1,
        begin_day_of_month: 1,
        begin_year: 1991,
        end_month: 12,
        end_day_of_month: 31,
        end_year: 1991,
        use_weather_file_daylight_saving_period: "No",
        use_weather_file_holidays_and_special_days: "No",
      },
    },
    "Site:GroundTemperature:BuildingSurface": { Ground: monthly("ground_temperature", groundC) },
    "Site:GroundReflectance": { Reflectance: monthly("ground_reflectance", groundReflectance) },
    "Site:GroundReflectance:SnowModifier": {
      Snow: { ground_reflected_solar_modifier: 1, daylighting_ground_reflected_solar_modifier: 1 },
    },
    GlobalGeometryRules: {
      Rules: { starting_vertex_position: "UpperLeftCorner", vertex_entry_direction: "Counterclockwise", coordinate_system: "World" },
    },
    Material: materials,
    "Material:NoMass": massless,
    "WindowMaterial:Glazing": { Pane: pane },
    "WindowMaterial:Gas": { Gap: { gas_type: "Air", thickness: glazing.gapM } },
    Construction: { ...constructions, window: { outside_layer: "Pane", layer_2: "Gap", layer_3: "Pane" } },
    Zone: { [epJsonZone]: { x_origin: 0, y_origin: 0, z_origin: 0, multiplier: 1 } },
    "BuildingSurface:Detailed": surfaces(),
    "FenestrationSurface:Detailed": windows(),
    "Schedule:Constant": {
      Always: { hourly_value: 1 },
      Heating: { hourly_value: setpointsC.heating },
      Cooling: { hourly_value: setpointsC.cooling },
      "Dual setpoint": { hourly_value: 4 },
    },
    OtherEquipment: {
      Gains: {
        ...zoneOrSpace,
        fuel_type: "None",
        schedule_name: "Always",
        design_level_calculation_method: "EquipmentLevel",
        design_level: internalGain.totalW,
        fraction_latent: 0,
        fraction_radiant: internalGain.radiantFraction,
        fraction_lost: 0,
      },
    },
    "ZoneInfiltration:DesignFlowRate": {
      Infiltration: {
        ...zoneOrSpace,
        schedule_name: "Always",
        design_flow_rate_calculation_method: "AirChanges/Hour",
        air_changes_per_hour: infiltrationAirChangesPerHour,
        constant_term_coefficient: 1,
        temperature_term_coefficient: 0,
        velocity_term_coefficient: 0,
        velocity_squared_term_coefficient: 0,
      },
    },
    ...(isFreeFloating(name) ? {} : thermostat()),
    "Output:Variable": Object.fromEntries(
      [
        "Zone Mean Air Temperature",
        ...(isFreeFloating(name) ? [] : ["Zone Air System Sensible Heating Rate", "Zone Air System Sensible Cooling Rate"]),
      ].map((variable) => [variable, { key_value: epJsonZone, variable_name: variable, reporting_frequency: "Timestep" }]),
    ),
  };
}

function construction(
  part: string,
  layers: Construction["layers"],
  materials: Record<string, Fields>,
  massless: Record<string, Fields>,
): Fields {
  const names = layers.map((layer, i) => {
    const name = `${part} layer ${i + 1}`;
    if ("resistanceM2KW" in layer) massless[name] = { roughness: "Rough", thermal_resistance: layer.resistanceM2KW, ...optics };
    else if ("material" in layer)
      materials[name] = {
        roughness: "Rough",
        thickness: layer.thicknessM,
        conductivity: layer.material.conductivityWmK,
        density: layer.material.densityKgm3,
        specific_heat: layer.material.specificHeatJkgK,
        ...optics,
      };
    return name;
  });
  return Object.fromEntries(names.map((name, i) => [i === 0 ? "outside_layer" : `layer_${i + 1}`, name]));
}

type Point = readonly [number, number, number];
const numbered = (vertices: readonly Point[]): Fields =>
  Object.fromEntries(
    vertices.flatMap(([x, y, z], i) => [
      [`vertex_${i + 1}_x_coordinate`, x],
      [`vertex_${i + 1}_y_coordinate`, y],
      [`vertex_${i + 1}_z_coordinate`, z],
    ]),
  );

function surfaces(): Record<string, Fields> {
  const { width: w, depth: d, height: h } = boxSizeM;
  const surface = (type: string, part: string, vertices: readonly Point[]): Fields => ({
    surface_type: type,
    construction_name: part,
    ...zone,
    outside_boundary_condition: type === "Floor" ? "Ground" : "Outdoors",
    sun_exposure: type === "Floor" ? "NoSun" : "SunExposed",
    wind_exposure: type === "Floor" ? "NoWind" : "WindExposed",
    number_of_vertices: vertices.length,
    vertices: vertices.map(([x, y, z]) => ({ vertex_x_coordinate: x, vertex_y_coordinate: y, vertex_z_coordinate: z })),
  });
  const wall = (x1: number, y1: number, x2: number, y2: number): Fields =>
    surface("Wall", "wall", [
      [x1, y1, h],
      [x1, y1, 0],
      [x2, y2, 0],
      [x2, y2, h],
    ]);
  return {
    South: wall(0, 0, w, 0),
    East: wall(w, 0, w, d),
    North: wall(w, d, 0, d),
    West: wall(0, d, 0, 0),
    Floor: surface("Floor", "floor", [
      [0, d, 0],
      [w, d, 0],
      [w, 0, 0],
      [0, 0, 0],
    ]),
    Roof: surface("Roof", "roof", [
      [0, d, h],
      [0, 0, h],
      [w, 0, h],
      [w, d, h],
    ]),
  };
}

function windows(): Record<string, Fields> {
  const { width, height, sill, leftEdges } = windowM;
  return Object.fromEntries(
    leftEdges.map((left, i) => [
      `Window ${i + 1}`,
      {
        surface_type: "Window",
        construction_name: "window",
        building_surface_name: "South",
        number_of_vertices: 4,
        ...numbered([
          [left, 0, sill + height],
          [left, 0, sill],
          [left + width, 0, sill],
          [left + width, 0, sill + height],
        ]),
      },
    ]),
  );
}

/** A dual-setpoint thermostat with ideal loads: dry heat and cold without limit, no outdoor air, no humidity control. */
const thermostat = (): EpJson => ({
  "ZoneControl:Thermostat": {
    Thermostat: {
      zone_or_zonelist_name: epJsonZone,
      control_type_schedule_name: "Dual setpoint",
      control_1_object_type: "ThermostatSetpoint:DualSetpoint",
      control_1_name: "Setpoints",
    },
  },
  "ThermostatSetpoint:DualSetpoint": {
    Setpoints: { heating_setpoint_temperature_schedule_name: "Heating", cooling_setpoint_temperature_schedule_name: "Cooling" },
  },
  "ZoneHVAC:EquipmentConnections": {
    Connections: {
      ...zone,
      zone_conditioning_equipment_list_name: "Equipment",
      zone_air_inlet_node_or_nodelist_name: inlet,
      zone_air_node_name: airNode,
      zone_return_air_node_or_nodelist_name: return_,
    },
  },
  "ZoneHVAC:EquipmentList": {
    Equipment: {
      load_distribution_scheme: "SequentialLoad",
      equipment: [
        {
          zone_equipment_object_type: "ZoneHVAC:IdealLoadsAirSystem",
          zone_equipment_name: "Ideal loads",
          zone_equipment_cooling_sequence: 1,
          zone_equipment_heating_or_no_load_sequence: 1,
        },
      ],
    },
  },
  "ZoneHVAC:IdealLoadsAirSystem": {
    "Ideal loads": {
      zone_supply_air_node_name: inlet,
      maximum_heating_supply_air_temperature: 50,
      minimum_cooling_supply_air_temperature: 13,
      maximum_heating_supply_air_humidity_ratio: 0.0156,
      minimum_cooling_supply_air_humidity_ratio: 0.0077,
      heating_limit: "NoLimit",
      cooling_limit: "NoLimit",
      dehumidification_control_type: "None",
      humidification_control_type: "None",
    },
  },
});

function monthly(field: string, value: number): Fields {
  const months = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
  return Object.fromEntries(months.map((month) => [`${month}_${field}`, value]));
}
