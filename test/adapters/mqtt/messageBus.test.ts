import { describe } from "vitest";
import { createEmbeddedBroker, type EmbeddedBroker } from "#adapters/broker/embeddedBroker";
import { createInMemoryBroker } from "#adapters/mqtt/inMemoryBus";
import { createMqttBus } from "#adapters/mqtt/mqttBus";
import { type BusUnderTest, messageBusContract } from "../../contracts/messageBus.js";
import { createMosquitto, freePort, hasMosquitto, mosquittoName, until } from "./mosquitto.js";

const quick = { minDelayMs: 20, maxDelayMs: 100, takenDelayMs: 1_000 };

messageBusContract("inside the process", async () => {
  const broker = createInMemoryBroker();
  const [a, b] = [broker.connect(), broker.connect()];
  const both = async (connected: boolean): Promise<void> => {
    a.setConnected(connected);
    b.setConnected(connected);
  };
  return {
    a,
    b,
    breakLink: () => both(false),
    mendLink: () => both(true),
    end: async () => {
      await a.close();
      await b.close();
    },
  };
});

const pair = async (
  url: string,
  start: () => Promise<void>,
  stop: () => Promise<void>,
  dispose: () => Promise<void>,
  user: { username?: string; password?: string } = {},
): Promise<BusUnderTest> => {
  await start();
  const a = createMqttBus({ url, clientId: "bus-a", reconnect: quick, ...user });
  const b = createMqttBus({ url, clientId: "bus-b", reconnect: quick, ...user });
  let closed = 0;
  for (const bus of [a, b]) {
    const close = bus.close;
    bus.close = async () => {
      closed++;
      await close();
    };
  }
  await until(() => a.connected && b.connected, "both buses to connect");
  return {
    a,
    b,
    breakLink: async () => {
      await stop();
      await until(() => !a.connected && !b.connected, "both buses to notice");
    },
    mendLink: async () => {
      await start();
      await until(() => a.connected && (b.connected || closed > 0), "both buses to reconnect");
    },
    end: async () => {
      await a.close();
      await b.close();
      await dispose();
    },
  };
};

messageBusContract("MQTT 3.1.1 on the embedded broker", async () => {
  const user = { username: "tester", password: "secret-of-the-test" };
  const port = await freePort();
  let broker: EmbeddedBroker | null = null;
  return pair(
    `mqtt://127.0.0.1:${port}`,
    async () => {
      broker = await createEmbeddedBroker({ port, users: [{ ...user, read: ["isotherm/#"], write: ["isotherm/#"] }] });
    },
    async () => broker?.close(),
    async () => broker?.close(),
    user,
  );
});

describe.skipIf(!hasMosquitto)(mosquittoName, () => {
  messageBusContract("MQTT 5 on Mosquitto", async () => {
    const mosquitto = await createMosquitto();
    return pair(mosquitto.url, mosquitto.start, () => mosquitto.stop("SIGKILL"), mosquitto.dispose);
  });
});
