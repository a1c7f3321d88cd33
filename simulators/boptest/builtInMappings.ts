import type { BoptestMapping, BoptestZone } from "#simulators/boptest/mapping";

const onlyElectric = { gasPower: [], districtHeatingPower: [] };

/** `multizone_office_simple_air` and each floor of `multizone_office_complex_air`. */
const airZone = (prefix: string, supply: string, name: string, forecastZone: string, id: string): BoptestZone => ({
  id,
  forecastZone,
  zoneAirTemp: `${prefix}_reaZon${name}_TZon_y`,
  heatingSetpoint: `${prefix}_${supply}${name}_TZonHeaSet_u`,
  coolingSetpoint: `${prefix}_${supply}${name}_TZonCooSet_u`,
  co2: `${prefix}_reaZon${name}_CO2Zon_y`,
});
const orientations = ["Cor", "Sou", "Eas", "Nor", "Wes"] as const;
const floors = ["bot", "mid", "top"] as const;
const residentialRooms = ["Liv", "Ro1", "Ro2", "Ro3", "Bth"] as const;

/**
 * Test cases of BOPTEST 0.8 whose zones are commanded by air temperature setpoints. Names, floor areas, energy carriers and comfort zones from each test
 * case's documentation (ibpsa/project1-boptest at 0f8a467: doc/index.html, config.json, kpis.json), time zones from its weather file's header.
 */
const mappings: readonly Omit<BoptestMapping, "answersSlowly">[] = [
  {
    testCase: "bestest_air",
    floorAreaM2: 48,
    timeZoneH: -7,
    zones: [
      {
        id: "zone",
        forecastZone: "1",
        zoneAirTemp: "zon_reaTRooAir_y",
        heatingSetpoint: "con_oveTSetHea_u",
        coolingSetpoint: "con_oveTSetCoo_u",
        co2: "zon_reaCO2RooAir_y",
      },
    ],
    weatherStation: "zon_weaSta_reaWea",
    electricPower: ["fcu_reaPCoo_y", "fcu_reaPFan_y"],
    gasPower: ["fcu_reaPHea_y"],
    districtHeatingPower: [],
  },
  {
    testCase: "bestest_hydronic",
    floorAreaM2: 48,
    timeZoneH: 1,
    zones: [
      {
        id: "zone",
        forecastZone: "1",
        zoneAirTemp: "reaTRoo_y",
        heatingSetpoint: "oveTSetHea_u",
        coolingSetpoint: "oveTSetCoo_u",
        co2: "reaCO2RooAir_y",
      },
    ],
    weatherStation: "weaSta_reaWea",
    electricPower: ["reaPPum_y"],
    gasPower: ["reaQHea_y"],
    districtHeatingPower: [],
  },
  {
    testCase: "bestest_hydronic_heat_pump",
    floorAreaM2: 192,
    timeZoneH: 1,
    zones: [
      {
        id: "zone",
        forecastZone: "1",
        zoneAirTemp: "reaTZon_y",
        heatingSetpoint: "oveTSet_u",
        coolingSetpoint: null,
        co2: "reaCO2RooAir_y",
      },
    ],
    weatherStation: "weaSta_reaWea",
    electricPower: ["reaPFan_y", "reaPHeaPum_y", "reaPPumEmi_y"],
    ...onlyElectric,
  },
  {
    testCase: "singlezone_commercial_hydronic",
    floorAreaM2: 8500,
    timeZoneH: 1,
    zones: [
      {
        id: "zone",
        forecastZone: "1",
        zoneAirTemp: "reaTZon_y",
        heatingSetpoint: "oveTZonSet_u",
        coolingSetpoint: null,
        co2: "reaCO2Zon_y",
      },
    ],
    weatherStation: "weaSta_reaWea",
    electricPower: ["ahu_reaPFanExt_y", "ahu_reaPFanSup_y", "reaPPum_y"],
    gasPower: [],
    districtHeatingPower: ["reaQHea_y"],
  },
  {
    testCase: "twozone_apartment_hydronic",
    floorAreaM2: 45,
    timeZoneH: 1,
    zones: (["Day", "Night"] as const).map((room) => {
      const short = room.slice(0, 3);
      return {
        id: room.toLowerCase(),
        forecastZone: room,
        zoneAirTemp: `${short.toLowerCase()}Zon_reaTRooAir_y`,
        heatingSetpoint: `thermostat${short}Zon_oveTsetZon_u`,
        coolingSetpoint: null,
        co2: `${short.toLowerCase()}Zon_reaCO2RooAir_y`,
      };
    }),
    weatherStation: "weatherStation_reaWea",
    electricPower: ["hydronicSystem_reaPPum_y", "hydronicSystem_reaPeleHeaPum_y"],
    ...onlyElectric,
  },
  {
    testCase: "multizone_residential_hydronic",
    floorAreaM2: 81.08,
    timeZoneH: 1,
    // The hall has a comfort zone and cooling, but no heating setpoint of its own.
    zones: [
      ...residentialRooms.map((room) => ({
        id: room.toLowerCase(),
        forecastZone: room,
        zoneAirTemp: `conHea${room}_reaTZon_y`,
        heatingSetpoint: `conHea${room}_oveTSetHea_u`,
        coolingSetpoint: `conCoo${room}_oveTSetCoo_u`,
        co2: `${room === "Liv" || room === "Bth" ? "ext" : "inf"}${room}_reaCO2RooAir_y`,
      })),
      {
        id: "hal",
        forecastZone: "Hal",
        zoneAirTemp: "reaTHal_y",
        heatingSetpoint: null,
        coolingSetpoint: "conCooHal_oveTSetCoo_u",
        co2: "infHal_reaCO2RooAir_y",
      },
    ],
    weatherStation: "weatherStation_reaWea",
    electricPower: ["boi_reaPpum_y", ...[...residentialRooms, "Hal"].map((room) => `conCoo${room}_reaPCoo_y`)],
    gasPower: ["boi_reaGasBoi_y"],
    districtHeatingPower: [],
  },
  {
    testCase: "multizone_office_simple_air",
    floorAreaM2: 1662.66,
    timeZoneH: -6,
    zones: orientations.map((name) => airZone("hvac", "oveZonSup", name, name.toLowerCase(), name.toLowerCase())),
    weatherStation: "weaSta_reaWea",
    electricPower: [
      "chi_reaPChi_y",
      "chi_reaPPumDis_y",
      "heaPum_reaPHeaPum_y",
      "heaPum_reaPPumDis_y",
      "hvac_reaAhu_PFanSup_y",
      "hvac_reaAhu_PPumCoo_y",
      "hvac_reaAhu_PPumHea_y",
    ],
    ...onlyElectric,
  },
  {
    testCase: "multizone_office_simple_hydronic",
    floorAreaM2: 5000,
    timeZoneH: 1,
    zones: (["N", "S"] as const).map((side) => ({
      id: side === "N" ? "north" : "south",
      forecastZone: `${side.toLowerCase()}Z`,
      zoneAirTemp: `structure_reaTZon${side}z_y`,
      heatingSetpoint: `bms_oveTZonSetMin${side}z_u`,
      coolingSetpoint: `bms_oveTZonSetMax${side}z_u`,
      co2: `structure_reaCO2Zon${side}z_y`,
    })),
    weatherStation: "weaSta_reaWea",
    electricPower: [
      ...["PFcuNz", "PFcuSz", "PProCoo", "PProHea", "PPumAhuCooNz", "PPumAhuCooSz", "PPumAhuHeaNz", "PPumAhuHeaSz"],
      ...["PPumEmiCooNz", "PPumEmiCooSz", "PPumEmiHeaNz", "PPumEmiHeaSz", "PPumProCoo", "PPumProHea"],
    ]
      .map((name) => `heating_cooling_rea${name}_y`)
      .concat(["RetNz", "RetSz", "SupNz", "SupSz"].map((name) => `ventilation_reaPAhu${name}_y`)),
    ...onlyElectric,
  },
  {
    testCase: "multizone_office_complex_air",
    floorAreaM2: 42_757,
    timeZoneH: -6,
    zones: floors.flatMap((floor, f) =>
      orientations.map((name) =>
        airZone(`floor${f + 1}`, "oveZon", name, `${floor}_floor_${name.toLowerCase()}`, `${floor}-${name.toLowerCase()}`),
      ),
    ),
    weatherStation: "weaSta_reaWea",
    electricPower: [
      ...floors.flatMap((_, f) => ["PFanRet", "PFanSup", "PFreCoi"].map((name) => `floor${f + 1}_reaAHU_${name}_y`)),
      "reaChiWatSys_reaPPum_y",
      "reaChiWatSys_reaPChi_y",
      "reaChiWatSys_reaPCooTow_y",
      "reaHotWatSys_reaPPum_y",
    ],
    gasPower: ["reaHotWatSys_reaPBoi_y"],
    districtHeatingPower: [],
  },
];

/** Heated by their floors, as their documentation says. */
const floorHeated: ReadonlySet<string> = new Set(["bestest_hydronic_heat_pump", "twozone_apartment_hydronic"]);
export const builtInMappings: readonly BoptestMapping[] = mappings.map((mapping) => ({
  ...mapping,
  answersSlowly: floorHeated.has(mapping.testCase),
}));
