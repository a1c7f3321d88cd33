import { connect, createServer, type Server, type Socket } from "node:net";
import fc from "fast-check";
import mqtt, { type MqttClient } from "mqtt";
import { afterEach, describe, expect, it } from "vitest";
import { createEmbeddedBroker, type EmbeddedBroker, type EmbeddedBrokerOptions } from "#adapters/broker/embeddedBroker";
import { createPacketCounter } from "#adapters/broker/packetGate";
import { freePort, until } from "../adapters/mqtt/mosquitto.js";

const SETPOINT = "isotherm/site/zone/lobby/setpoint";
const users = [
  { username: "daemon", password: "d-secret", read: ["isotherm/#"], write: ["isotherm/site/#"], clientIds: ["isotherm-site"] },
  { username: "building", password: "b-secret", read: ["isotherm/site/zone/+/setpoint"], write: ["building/#"] },
];
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
const start = async (options: Partial<EmbeddedBrokerOptions> = {}): Promise<EmbeddedBroker & { warnings: string[] }> => {
  const warnings: string[] = [];
  const broker = await createEmbeddedBroker({ port: 0, users, onWarning: (text) => warnings.push(text), ...options });
  ends.push(() => broker.close());
  return { ...broker, warnings };
};
const client = (broker: EmbeddedBroker, options: mqtt.IClientOptions = {}): MqttClient => {
  const made = mqtt.connect(broker.url, { reconnectPeriod: 0, ...options });
  made.on("error", () => undefined);
  ends.push(() => made.endAsync(true));
  return made;
};
const online = async (made: MqttClient): Promise<MqttClient> => {
  await until(() => made.connected, "the client to connect");
  return made;
};
const asDaemon = { username: "daemon", password: "d-secret" };
const gone = (made: MqttClient): Promise<void> => new Promise((resolve) => made.once("close", () => resolve()));
const listen = async (made: MqttClient, filter: string): Promise<string[]> => {
  const got: string[] = [];
  made.on("message", (topic, payload) => got.push(`${topic}=${payload.toString().slice(0, 40)}`));
  await made.subscribeAsync(filter, { qos: 1 });
  return got;
};
const raw = (broker: EmbeddedBroker): Promise<Socket> =>
  new Promise((resolve) => {
    const socket = connect(broker.port, "127.0.0.1", () => resolve(socket));
    socket.on("error", () => undefined);
    ends.push(async () => {
      socket.destroy();
    });
  });
const closed = (socket: Socket): Promise<void> =>
  socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once("close", () => resolve()));

describe("embedded broker", () => {
  it("lets anybody on this machine read what the building publishes, and write nothing", async () => {
    const broker = await start();
    const daemon = await online(client(broker, asDaemon));
    const anybody = await online(client(broker));
    const got = await listen(anybody, "isotherm/#");
    await daemon.publishAsync(SETPOINT, "ours", { qos: 1, retain: true });
    await until(() => got.length === 1, "the message");
    for (const qos of [0, 1] as const) {
      const rogue = await online(client(broker));
      const end = gone(rogue);
      rogue.publish(SETPOINT, "rogue", { qos, retain: true });
      await end;
    }
    await daemon.publishAsync("isotherm/site/event", "after", { qos: 1 });
    await until(() => got.length === 2, "the message after");
    expect(got).toEqual([`${SETPOINT}=ours`, "isotherm/site/event=after"]);
    expect(broker.refusals().publish).toBe(2);
    expect(broker.warnings.filter((text) => text.includes(SETPOINT)).length).toBe(1);
  });

  it("refuses a rogue client's last will on a command topic", async () => {
    const broker = await start();
    const daemon = await online(client(broker, asDaemon));
    const got = await listen(daemon, "isotherm/#");
    const will = { topic: SETPOINT, payload: Buffer.from("rogue will"), qos: 1 as const, retain: true };
    for (const who of [{}, { username: "building", password: "b-secret" }]) {
      const rogue = await online(client(broker, { ...who, will }));
      // Breaks off without a farewell, so that the broker acts on the will.
      rogue.stream.destroy();
    }
    await until(() => broker.refusals().publish === 2, "both wills to be refused");
    await daemon.publishAsync("isotherm/site/event", "after", { qos: 1 });
    await until(() => got.length > 0, "the message after");
    expect(got).toEqual(["isotherm/site/event=after"]);
  });

  it("publishes the will of a client that may write there", async () => {
    const broker = await start();
    const got = await listen(await online(client(broker)), "isotherm/+/status");
    const daemon = await online(
      client(broker, { ...asDaemon, will: { topic: "isotherm/site/status", payload: Buffer.from("offline"), qos: 1, retain: true } }),
    );
    daemon.stream.destroy();
    await until(() => got.length === 1, "the will");
    expect(got).toEqual(["isotherm/site/status=offline"]);
  });

  it("refuses wrong passwords, unknown users, and client ids that belong to another", async () => {
    const broker = await start();
    const refusedAs = [
      { username: "daemon", password: "guess" },
      { username: "nobody", password: "d-secret" },
      { username: "daemon" },
      { clientId: "isotherm-site" },
      { clientId: "isotherm-site", username: "building", password: "b-secret" },
    ];
    for (const options of refusedAs) {
      const rogue = client(broker, options);
      const error = await new Promise<Error>((resolve) => rogue.once("error", resolve));
      expect(error.message).toContain("Connection refused");
    }
    expect(broker.refusals().login).toBe(refusedAs.length);
    expect(broker.warnings.join()).not.toContain("secret");
    const daemon = await online(client(broker, { ...asDaemon, clientId: "isotherm-site" }));
    const device = await online(client(broker, { clientId: "device-7", username: "building", password: "b-secret" }));
    const intruder = client(broker, { clientId: "device-7" });
    await new Promise<Error>((resolve) => intruder.once("error", resolve));
    expect([daemon.connected, device.connected]).toEqual([true, true]);
  });

  it("grants each reader only its own topics", async () => {
    const broker = await start();
    const anybody = await online(client(broker));
    for (const filter of ["#", "+/#", "$SYS/#", "building/#"]) await expect(anybody.subscribeAsync(filter)).rejects.toThrow();
    const device = await online(client(broker, { username: "building", password: "b-secret" }));
    await device.subscribeAsync(SETPOINT);
    await expect(device.subscribeAsync("isotherm/#")).rejects.toThrow();
    expect(anybody.connected).toBe(true);
  });

  it("queues nothing for a client that asked for a lasting session and went away", async () => {
    const broker = await start();
    const daemon = await online(client(broker, asDaemon));
    const session = { clientId: "lasting", clean: false };
    const first = await online(client(broker, session));
    await first.subscribeAsync(SETPOINT, { qos: 1 });
    await first.endAsync();
    await daemon.publishAsync(SETPOINT, "stale", { qos: 1 });
    const second = client(broker, session);
    const got: string[] = [];
    second.on("message", (_topic, payload) => got.push(payload.toString()));
    await online(second);
    await second.subscribeAsync("isotherm/site/event", { qos: 1 });
    await daemon.publishAsync("isotherm/site/event", "fresh", { qos: 1 });
    await until(() => got.includes("fresh"), "the fresh message");
    expect(got).toEqual(["fresh"]);
  });

  it("ends a connection that sends 50 MiB without holding them in memory, and serves the others on", async () => {
    const broker = await start();
    const daemon = await online(client(broker, asDaemon));
    const got = await listen(await online(client(broker)), "isotherm/#");
    global.gc?.();
    const beforeMb = process.memoryUsage().arrayBuffers / 1e6;
    const huge = client(broker, asDaemon);
    await online(huge);
    const end = gone(huge);
    huge.publish(SETPOINT, Buffer.alloc(50 * 1_048_576), { retain: true });
    await end;
    await until(() => broker.refusals().packet === 1, "the refusal to be counted");
    // The sender's own 50 MiB are in this process too; the broker must not have made a second copy.
    expect(process.memoryUsage().arrayBuffers / 1e6 - beforeMb).toBeLessThan(90);
    await daemon.publishAsync("isotherm/site/event", "after", { qos: 1 });
    await until(() => got.length === 1, "the message after");
    expect(got).toEqual(["isotherm/site/event=after"]);
  });

  it("closes connections that send garbage, or nothing for the connect timeout", async () => {
    const broker = await start({ connectTimeoutMs: 200 });
    const garbage = [
      Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
      Buffer.alloc(512, 0xff),
      Buffer.from([0x00, 0x00]),
      Buffer.from([0xf0, 0xff, 0xff, 0xff, 0xff, 0x7f]),
    ];
    for (const bytes of garbage) {
      const socket = await raw(broker);
      socket.write(bytes);
      await closed(socket);
    }
    const silent = await raw(broker);
    await closed(silent);
    expect((await online(client(broker, asDaemon))).connected).toBe(true);
  });

  it("survives a topic of 30,000 levels and a client that publishes before it connects", async () => {
    const broker = await start();
    const deep = await online(client(broker, asDaemon));
    const end = gone(deep);
    deep.publish(`isotherm/site/${"a/".repeat(30_000)}a`, "x");
    await end;
    const early = await raw(broker);
    early.write(Buffer.from([0x30, 0x05, 0x00, 0x03, 0x61, 0x2f, 0x62]));
    await closed(early);
    expect((await online(client(broker, asDaemon))).connected).toBe(true);
  });

  it("refuses connections beyond its limit and takes new ones when old ones go", async () => {
    const broker = await start({ maxConnections: 5 });
    const clients = await Promise.all(Array.from({ length: 5 }, () => online(client(broker))));
    const surplus = client(broker);
    await gone(surplus);
    expect(broker.refusals().connections).toBe(1);
    await clients[0].endAsync();
    await until(async () => {
      const next = client(broker);
      await Promise.race([new Promise((resolve) => next.once("connect", resolve)), gone(next)]);
      return next.connected;
    }, "a new client to be let in");
  });

  it("slows a flooding client down, while another is served", async () => {
    const broker = await start({ limits: { maxPacketsPerS: 100 } });
    const flood = await online(client(broker, asDaemon));
    const daemon = await online(client(broker, asDaemon));
    const reader = await online(client(broker));
    let flooded = 0;
    const got: string[] = [];
    reader.on("message", (topic, payload) => {
      if (topic === "isotherm/site/event") got.push(payload.toString());
      else flooded++;
    });
    await reader.subscribeAsync("isotherm/#");
    for (let i = 0; i < 5_000; i++) flood.publish("isotherm/site/info", "x".repeat(200));
    await daemon.publishAsync("isotherm/site/event", "in time", { qos: 1 });
    await until(() => got.length === 1, "the other's message");
    expect(flooded).toBeLessThan(4_000);
    expect(flood.connected).toBe(true);
  });

  it("drops a reader that stops reading, and nobody waits for it", async () => {
    const broker = await start({ limits: { maxPacketsPerS: 1e6, maxBytesPerS: 1e9, maxWaitingBytes: 1e6 } });
    const reader = await online(client(broker));
    let read = 0;
    reader.on("message", () => {
      read++;
    });
    await reader.subscribeAsync("isotherm/site/info");
    const daemon = await online(client(broker, asDaemon));
    const slow = await raw(broker);
    // CONNECT (3.1.1, clean, keepalive 60, id "slow") and SUBSCRIBE isotherm/#, by hand.
    slow.write(Buffer.from([0x10, 0x10, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 4, 0x73, 0x6c, 0x6f, 0x77]));
    await new Promise((resolve) => slow.once("data", resolve));
    slow.write(Buffer.concat([Buffer.from([0x82, 15, 0, 1, 0, 10]), Buffer.from("isotherm/#"), Buffer.from([0])]));
    await new Promise((resolve) => slow.once("data", resolve));
    slow.pause();
    // Message by message: the other reader lives in this thread too, and a burst would make it a slow one.
    for (let i = 1; i <= 120; i++) {
      await daemon.publishAsync("isotherm/site/info", Buffer.alloc(200_000), { qos: 0 });
      await until(() => read === i, `the other reader to get message ${i}`);
    }
    expect(broker.refusals().slow).toBeGreaterThan(0);
    const got = await listen(await online(client(broker)), "isotherm/site/event");
    await daemon.publishAsync("isotherm/site/event", "after", { qos: 1 });
    await until(() => got.length === 1, "the message after");
  });

  it("takes the next free port where the wanted one is taken, and says so", async () => {
    const port = await freePort();
    const other: Server = createServer();
    await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
    ends.push(() => new Promise((resolve) => other.close(() => resolve())));
    const broker = await start({ port });
    expect(broker.moved).toBe(true);
    expect(broker.port).toBeGreaterThan(port);
    expect(broker.url).toBe(`mqtt://127.0.0.1:${broker.port}`);
    await online(client(broker));
  });

  it("does not listen off loopback", async () => {
    await expect(createEmbeddedBroker({ port: 0, users, host: "0.0.0.0" as "127.0.0.1" })).rejects.toMatchObject({ kind: "configuration" });
  });

  it("closes with clients connected, and the port is free afterwards", async () => {
    const broker = await createEmbeddedBroker({ port: 0, users });
    const one = await online(client(broker));
    const end = gone(one);
    await broker.close();
    await end;
    const again = await createEmbeddedBroker({ port: broker.port, users });
    expect(again.port).toBe(broker.port);
    await again.close();
  });
});

describe("packet lengths", () => {
  const packet = (bodyBytes: number): Buffer => {
    const header = [0x30];
    let left = bodyBytes;
    do {
      header.push((left % 128) + (left >= 128 ? 128 : 0));
      left = Math.floor(left / 128);
    } while (left > 0);
    return Buffer.concat([Buffer.from(header), Buffer.alloc(bodyBytes, 0xee)]);
  };
  it("are read alike however the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 20_000 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1 }),
        (sizes, cuts) => {
          const bytes = Buffer.concat(sizes.map(packet));
          const count = createPacketCounter(20_000);
          let packets = 0;
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = cuts[i % cuts.length];
            packets += count(bytes.subarray(at, at + size)) ?? Number.NaN;
            at += size;
          }
          expect(packets).toBe(sizes.length);
        },
      ),
      { numRuns: 200 },
    );
  });
  it("beyond the limit are seen from the header alone", () => {
    expect(createPacketCounter(1_000)(packet(1_001).subarray(0, 3))).toBeNull();
    expect(createPacketCounter(1_000)(packet(1_000))).toBe(1);
    expect(createPacketCounter(1e12)(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01]))).toBeNull();
  });
});
