import { createHmac } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SMTPServer } from "smtp-server";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Delivery, DeliveryFailure } from "#adapters/notify/delivery";
import { createEmail, emailText } from "#adapters/notify/email";
import { type Notice, type NoticeState, noticeEntries } from "#adapters/notify/notice";
import { createNotifier, type Notifier, type NotifierOptions } from "#adapters/notify/notifier";
import { createWebhook, webhookSignature } from "#adapters/notify/webhook";
import type { Alarm, AlarmLevel } from "#domain/store";
import { freePort } from "../mqtt/mosquitto.js";

const t0 = Date.parse("2026-03-10T12:00:00Z");
const alarm = (id: string, level: AlarmLevel = "critical", more: Partial<Alarm> = {}): Alarm => ({
  id,
  level,
  zone: null,
  text: `${id} is wrong.`,
  action: `Mend ${id}.`,
  sinceMs: t0,
  clearedMs: null,
  ...more,
});
const toldNothing: NoticeState = { told: {}, untilMs: t0, lately: [] };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "isotherm-notify-"));
});
const opened: Notifier[] = [];
afterEach(async () => {
  for (const notifier of opened.splice(0)) await notifier.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("what there is to tell", () => {
  const changes = (alarms: readonly Alarm[], state: NoticeState, least: AlarmLevel = "warning", nowMs = t0 + 60_000) => {
    const { entries, after } = noticeEntries(alarms, state, least, nowMs);
    return { said: entries.map(({ change, alarm: { id } }) => `${change} ${id}`), after };
  };
  it("is the difference to what was told: raised, worse, raised anew, cleared, come and gone; each once", () => {
    const first = changes([alarm("a", "warning"), alarm("b"), alarm("quiet", "info")], toldNothing);
    expect(first.said).toEqual(["raised a", "raised b"]);
    expect(changes([alarm("a", "warning"), alarm("b")], first.after).said).toEqual([]);
    const later = t0 + 30_000;
    const second = changes(
      [
        alarm("a", "critical"),
        alarm("b", "critical", { sinceMs: later }),
        alarm("c", "warning", { sinceMs: later, clearedMs: later + 70_000 }),
      ],
      first.after,
      "warning",
      t0 + 120_000,
    );
    expect(second.said).toEqual(["worse a", "raised b", "passed c"]);
    const third = changes(
      [alarm("a", "critical", { clearedMs: t0 + 130_000 }), alarm("c", "warning", { sinceMs: later, clearedMs: later + 70_000 })],
      second.after,
      "warning",
      t0 + 180_000,
    );
    // b is not in the store any more: whoever was told of it must not wait for its end for ever.
    expect(third.said).toEqual(["cleared a", "cleared b"]);
    expect(third.after.told).toEqual({});
  });
  it("is nothing twice where an alarm is cleared at the very moment of the message", () => {
    const gone = alarm("a", "critical", { clearedMs: t0 + 60_000 });
    const { said, after } = changes([gone], toldNothing);
    expect(said).toEqual(["passed a"]);
    expect(changes([gone], after, "warning", t0 + 61_000).said).toEqual([]);
    expect(changes([alarm("late", "critical", { clearedMs: t0 + 60_000 })], after, "warning", t0 + 61_000).said).toEqual(["passed late"]);
  });
});

/** A store of alarms and a clock that the test moves, and a way that may be down. */
const site = (change: Partial<NotifierOptions> = {}) => {
  const alarms: Alarm[] = [];
  const got: Notice[] = [];
  const troubles: (string | null)[] = [];
  const state = { wallMs: t0, failure: null as DeliveryFailure | null };
  let notifier: Notifier | null = null;
  const delivery: Delivery = {
    name: "test",
    receiver: "here",
    deliver: async (notice) => {
      if (state.failure !== null) throw state.failure;
      got.push(notice);
    },
  };
  const open = async (): Promise<void> => {
    notifier = await createNotifier({
      delivery,
      level: "warning",
      site: { id: "s", label: "Site" },
      store: { alarms: async (sinceMs) => alarms.filter(({ clearedMs }) => clearedMs === null || clearedMs >= sinceMs) },
      nowMs: () => state.wallMs,
      wallMs: () => state.wallMs,
      random: () => 0,
      file: join(folder, "notify-test.json"),
      groupMs: 0,
      mostPerHour: 12,
      firstRetryMs: 5,
      onTrouble: (text) => void troubles.push(text),
      onError: (error) => {
        throw error;
      },
      ...change,
    });
    opened.push(notifier);
  };
  return {
    got,
    troubles,
    state,
    open,
    close: async () => notifier?.close(),
    put: (...news: Alarm[]) => {
      for (const one of news) {
        const at = alarms.findIndex(({ id }) => id === one.id);
        if (at >= 0) alarms.splice(at, 1);
        alarms.push(one);
        notifier?.changed(one);
      }
    },
    said: () => got.flatMap(({ entries }) => entries.map(({ change, alarm: { id } }) => `${change} ${id}`)),
  };
};
const until = async (what: string, holds: () => boolean): Promise<void> => {
  for (let k = 0; k < 2_000; k++) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`in vain: ${what}`);
};
/** What the file says of a message that was not taken yet. */
const waiting = (): { readonly notice: Notice } | null => {
  const file = join(folder, "notify-test.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { pending: { notice: Notice } | null }).pending : null;
};
const idle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60));

describe("a notifier", () => {
  it("groups what comes together, and does not wait with something critical", async () => {
    const { put, got, open, close, said } = site({ groupMs: 120 });
    await open();
    await idle();
    put(alarm("a", "warning"), alarm("b", "warning"));
    put(alarm("c", "warning"));
    await until("one message", () => got.length === 1);
    expect(said()).toEqual(["raised a", "raised b", "raised c"]);
    put(alarm("d", "warning"), alarm("e", "critical"));
    await until("the next", () => got.length === 2);
    expect(got[1]!.entries).toHaveLength(2);
    await close();
  });
  it("tries again until it is taken, the same message with the same id, tells of the trouble and of its end, and then of all the rest at once", async () => {
    const { put, got, open, close, state, troubles, said } = site();
    state.failure = new DeliveryFailure("it answers 500");
    await open();
    put(alarm("a"));
    await until("trouble", () => troubles.some((text) => text !== null));
    const pending = waiting()?.notice.id;
    expect(pending).toMatch(/^[0-9a-f-]{36}$/);
    for (const id of ["b", "c", "d"]) put(alarm(id));
    put(alarm("c", "critical", { clearedMs: t0 + 1_000 }));
    state.wallMs += 5_000;
    await idle();
    expect(got).toEqual([]);
    state.failure = null;
    state.wallMs += 3_600_000;
    put(alarm("d"));
    await until("delivered", () => got.length === 2);
    expect(got[0]!.id).toBe(pending);
    expect(said()).toEqual(["raised a", "raised b", "raised d", "passed c"]);
    expect(troubles.find((text) => text !== null)).toBe("it answers 500");
    expect(troubles.at(-1)).toBeNull();
    await close();
  });
  it("loses nothing over a restart at any moment: what was told is on disk, the rest is told after it", async () => {
    const { put, got, open, close, state, said } = site();
    await open();
    put(alarm("a"));
    await until("told", () => got.length === 1);
    state.failure = new DeliveryFailure("down");
    put(alarm("b"));
    await until("the message on disk", () => waiting()?.notice.entries[0]?.alarm.id === "b");
    await close();
    // While nobody runs.
    put(alarm("a", "critical", { clearedMs: t0 + 2_000 }), alarm("c"));
    state.wallMs += 3_600_000;
    state.failure = null;
    await open();
    await until("told of it all", () => got.length === 3);
    expect(said()).toEqual(["raised a", "raised b", "raised c", "cleared a"]);
    await close();
    await open();
    await idle();
    expect(got).toHaveLength(3);
    await close();
    // A damaged file: better twice than never.
    writeFileSync(join(folder, "notify-test.json"), "{");
    await open();
    await until("again", () => got.length === 4);
    expect(got[3]!.entries.map(({ alarm: { id } }) => id).sort()).toEqual(["b", "c"]);
    await close();
  });
  it("keeps to its messages an hour, twice as many where something critical begins; the rest goes as one", async () => {
    const { put, got, open, close, state } = site({ mostPerHour: 2 });
    await open();
    for (const [index, id] of ["w1", "w2"].entries()) {
      put(alarm(id, "warning"));
      await until(id, () => got.length === index + 1);
    }
    put(alarm("w3", "warning"), alarm("w4", "warning"));
    await idle();
    expect(got).toHaveLength(2);
    put(alarm("c1"));
    await until("the critical one", () => got.length === 3);
    expect(got[2]!.entries.map(({ alarm: { id } }) => id)).toEqual(["w3", "w4", "c1"]);
    put(alarm("w5", "warning"), alarm("w6", "warning"));
    await idle();
    expect(got).toHaveLength(3);
    state.wallMs += 3_600_001;
    put(alarm("w7", "warning"));
    await until("an hour later", () => got.length === 4);
    expect(got[3]!.entries).toHaveLength(3);
    await close();
  });
  it("waits as long as the receiver asks", async () => {
    const { put, got, open, close, state, troubles } = site();
    state.failure = new DeliveryFailure("busy", 600_000);
    await open();
    put(alarm("a"));
    await until("refused", () => troubles.includes("busy"));
    state.failure = null;
    put(alarm("b"));
    await idle();
    expect(got).toEqual([]);
    state.wallMs += 600_001;
    put(alarm("c"));
    await until("later", () => got.length === 2);
    await close();
  });
});

describe("a webhook", () => {
  let server: Server;
  let url: string;
  let answers: number;
  let headers: Record<string, string>;
  const asked: { readonly body: string; readonly headers: NodeJS.Dict<string | string[]> }[] = [];
  beforeEach(async () => {
    answers = 204;
    headers = {};
    asked.length = 0;
    server = createServer(async (request, response) => {
      let body = "";
      for await (const part of request) body += part;
      asked.push({ body, headers: request.headers });
      if (answers !== 0) response.writeHead(answers, headers).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/with-a-token`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const notice: Notice = {
    id: "f0e1",
    siteId: "office",
    siteLabel: "Office",
    timeMs: t0,
    entries: [
      { change: "cleared", alarm: alarm("b", "warning", { clearedMs: t0 }) },
      { change: "raised", alarm: alarm("a", "critical", { zone: "lobby" }) },
    ],
  };
  const never = new AbortController().signal;

  it("gets JSON with a signature that its secret proves", async () => {
    const hook = createWebhook({ url, secret: "hook-secret", timeoutMs: 2_000, wallMs: () => t0 + 1_500 });
    expect(hook.receiver).not.toContain("token");
    await hook.deliver(notice, never);
    const [{ body, headers: sent } = { body: "", headers: {} }] = asked;
    expect(JSON.parse(body)).toEqual({
      schema: "1.0",
      id: "f0e1",
      site: "office",
      label: "Office",
      time: "2026-03-10T12:00:00.000Z",
      alarms: [
        {
          id: "a",
          change: "raised",
          level: "critical",
          zone: "lobby",
          text: "a is wrong.",
          action: "Mend a.",
          since: "2026-03-10T12:00:00.000Z",
          cleared: null,
        },
        {
          id: "b",
          change: "cleared",
          level: "warning",
          zone: null,
          text: "b is wrong.",
          action: "Mend b.",
          since: "2026-03-10T12:00:00.000Z",
          cleared: "2026-03-10T12:00:00.000Z",
        },
      ],
    });
    const [, seconds, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(sent["isotherm-signature"]))!;
    expect(Number(seconds)).toBe(t0 / 1000 + 1);
    expect(mac).toBe(createHmac("sha256", "hook-secret").update(`${seconds}.${body}`).digest("hex"));
    expect(webhookSignature("other", body, t0)).not.toContain(mac);
    expect(sent).toMatchObject({ "content-type": "application/json", "isotherm-delivery": "f0e1" });
  });
  it("that refuses, redirects, asks to wait or never answers is a failure with its reason", async () => {
    const hook = createWebhook({ url, secret: null, timeoutMs: 150 });
    const failure = (): Promise<DeliveryFailure> =>
      hook.deliver(notice, never).then(
        () => {
          throw new Error("delivered");
        },
        (error) => error,
      );
    answers = 500;
    expect(await failure()).toMatchObject({ message: "it answers 500", waitMs: 0 });
    answers = 302;
    headers = { location: "/elsewhere" };
    expect((await failure()).message).toBe("it answers 302");
    answers = 429;
    headers = { "retry-after": "120" };
    expect(await failure()).toMatchObject({ message: "it answers 429", waitMs: 120_000 });
    answers = 0;
    expect((await failure()).message).toBe("no answer within 0.15 s");
    expect(asked).toHaveLength(4);
    const nobody = createWebhook({ url: `http://127.0.0.1:${await freePort()}/`, secret: null, timeoutMs: 500 });
    await expect(nobody.deliver(notice, never)).rejects.toThrow(/^it cannot be reached \(.*ECONNREFUSED/);
    expect(asked.every(({ headers: sent }) => sent["isotherm-signature"] === undefined)).toBe(true);
  });
});

describe("an e-mail", () => {
  const mails: { readonly from: string; readonly to: readonly string[]; readonly data: string }[] = [];
  let refuse: "nobody" | "login" | "recipients" | "data" = "nobody";
  let server: SMTPServer;
  beforeEach(async () => {
    mails.length = 0;
    refuse = "nobody";
    server = new SMTPServer({
      authOptional: true,
      allowInsecureAuth: true,
      disabledCommands: ["STARTTLS"],
      onAuth: ({ username, password }, _session, done) =>
        username === "isotherm" && password === "mail-secret" && refuse !== "login"
          ? done(null, { user: username })
          : done(new Error("Invalid login")),
      onRcptTo: (_address, _session, done) => done(refuse === "recipients" ? new Error("No such user") : null),
      onData: (stream, session, done) => {
        let data = "";
        stream.on("data", (part: Buffer) => {
          data += part.toString();
        });
        stream.on("end", () => {
          if (refuse === "data") return done(new Error("Mailbox full"));
          const { mailFrom, rcptTo } = session.envelope;
          mails.push({ from: mailFrom === false ? "" : mailFrom.address, to: rcptTo.map(({ address }) => address), data });
          done();
        });
      },
    });
    server.on("error", () => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  });
  afterEach(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const open = (timeoutMs = 2_000) =>
    createEmail({
      server: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
      username: "isotherm",
      password: "mail-secret",
      from: "isotherm@site.example",
      to: ["ada@site.example", "bob@site.example"],
      timeoutMs,
      timeZone: "Europe/Berlin",
    });
  const notice: Notice = {
    id: "f0e1",
    siteId: "office",
    siteLabel: "Office\r\nBcc: all@site.example",
    timeMs: t0,
    entries: [{ change: "raised", alarm: alarm("sensor:lobby", "critical", { text: "Zone lobby is silent.\r\n.\r\nQUIT" }) }],
  };
  const never = new AbortController().signal;

  it("goes through a real mail server, once to every recipient, in plain text with local times", async () => {
    await (await open()).deliver(notice, never);
    expect(mails).toHaveLength(1);
    const [{ from, to, data } = { from: "", to: [], data: "" }] = mails;
    expect({ from, to }).toEqual({ from: "isotherm@site.example", to: ["ada@site.example", "bob@site.example"] });
    const [head = "", body = ""] = data.split("\r\n\r\n", 2);
    expect(head).toMatch(/^Message-ID: <f0e1@site\.example>$/im);
    expect(head).toMatch(/^Auto-Submitted: auto-generated$/im);
    expect(head).toMatch(/^Subject: \[isotherm\] Office Bcc: all@site\.example: critical RAISED:/im);
    expect(head).not.toMatch(/^Bcc:/im);
    expect(body).toContain("Office Bcc: all@site.example, 10 Mar 2026, 13:00 (Europe/Berlin)");
    expect(data).toContain("RAISED  critical  Zone lobby is silent. . QUIT");
    expect(data).toContain("What to do: Mend sensor:lobby.");
  });
  it.each([
    ["login", /Invalid login/],
    ["recipients", /No such user|recipients/],
    ["data", /Mailbox full/],
  ] as const)("that the server refuses (%s) is a failure with its reason, without the password", async (what, message) => {
    refuse = what;
    const failure = await (await open()).deliver(notice, never).then(
      () => null,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(DeliveryFailure);
    expect((failure as DeliveryFailure).message).toMatch(message);
    expect((failure as DeliveryFailure).message).not.toContain("mail-secret");
    expect(mails).toEqual([]);
  });
  it("to a server that is not there, or another machine without encryption, never goes out", async () => {
    const email = await createEmail({
      server: "smtp://127.0.0.1:1",
      username: null,
      password: null,
      from: "a@b.c",
      to: ["d@e.f"],
      timeoutMs: 500,
      timeZone: "UTC",
    });
    await expect(email.deliver(notice, never)).rejects.toThrow(/ECONNREFUSED/);
  });
  it("of many changes counts them in its subject and lists the worst first", () => {
    const entries = [
      { change: "cleared", alarm: alarm("x", "critical", { clearedMs: t0 }) },
      { change: "raised", alarm: alarm("w", "warning") },
      { change: "worse", alarm: alarm("c") },
    ] as const;
    const { subject, text } = emailText({ ...notice, siteLabel: "Office", entries }, "UTC");
    expect(subject).toBe("[isotherm] Office: 2 raised, 1 over");
    expect(text.match(/^(WORSE|RAISED|cleared) {2}\w+ {2}\w/gm)).toEqual([
      "WORSE  critical  c",
      "RAISED  warning  w",
      "cleared  critical  x",
    ]);
  });
});
