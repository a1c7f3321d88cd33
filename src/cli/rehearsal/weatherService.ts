import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "#domain/clock";
import { siteValues } from "#simulators/weather/epwForecastProvider";
import { loadWeather } from "#simulators/weather/loadWeather";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A weather service on loopback that answers as Open-Meteo does, from a weather file and by the site's clock. */
export interface WeatherService {
  readonly url: string;
  readonly answered: number;
  open(): Promise<void>;
  /** Connections are refused from now on. */
  close(): Promise<void>;
}

export const createWeatherService = async (weatherName: string, clock: Pick<Clock, "nowMs">): Promise<WeatherService> => {
  const weather = loadWeather(weatherName);
  let answered = 0;
  let port = 0;
  let server: Server | null = null;
  const open = async (): Promise<void> => {
    const next = createServer((request, response) => {
      const days = Number(new URL(request.url ?? "/", "http://127.0.0.1").searchParams.get("forecast_days") ?? 3);
      const firstMs = Math.floor(clock.nowMs() / DAY_MS) * DAY_MS - DAY_MS;
      const times = Array.from({ length: (days + 1) * 24 }, (_, i) => firstMs + i * HOUR_MS);
      // Radiation is the mean of the hour before, as Open-Meteo gives it; one instant's temperature differs little from that hour's mean.
      const values = times.map((timeMs) => siteValues(weather.at(timeMs, 3_600)));
      answered += 1;
      response.setHeader("content-type", "application/json").end(
        JSON.stringify({
          hourly: {
            time: times.map((timeMs) => timeMs / 1_000),
            temperature_2m: values.map(({ outdoorAirTempC }) => outdoorAirTempC),
            relative_humidity_2m: values.map(({ outdoorRelativeHumidityPct }) => outdoorRelativeHumidityPct),
            wind_speed_10m: values.map(({ windSpeedMps }) => windSpeedMps),
            shortwave_radiation: values.map(({ globalHorizontalIrradianceWm2 }) => globalHorizontalIrradianceWm2),
            direct_normal_irradiance: values.map(({ directNormalIrradianceWm2 }) => directNormalIrradianceWm2),
            diffuse_radiation: values.map(({ diffuseHorizontalIrradianceWm2 }) => diffuseHorizontalIrradianceWm2),
          },
        }),
      );
    });
    await new Promise<void>((resolve, reject) => {
      next.once("error", reject);
      next.listen(port, "127.0.0.1", resolve);
    });
    port = (next.address() as AddressInfo).port;
    server = next;
  };
  await open();
  return {
    url: `http://127.0.0.1:${port}/v1/forecast`,
    get answered() {
      return answered;
    },
    open,
    close: async () => {
      const closing = server;
      server = null;
      closing?.closeAllConnections();
      await new Promise<void>((resolve) => (closing === null ? resolve() : closing.close(() => resolve())));
    },
  };
};
